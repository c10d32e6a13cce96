"""The engine `fused`: the six metrics on the CPU, many distorted pictures of one reference, piq's values.

Three classes hold what can be computed once, and each metric is a function over small compiled kernels:

- `plan.Plan(height, width)`: what the size of the pictures fixes (pooling, filters, interpolation);
- `features.Features(plan)`: the maps of one picture, in buffers that are used again;
- `reference.Reference(plan, picture)`: the features of a reference, and what only a reference needs;
- `ssim`, `mdsi`, `vsi`, `fsim`, `gmsd`: a metric each;
- `engine.FusedEngine`: one picture a thread.

Arithmetic is in float32 where differences stay small, with the cancellations of piq's formulas removed
algebraically; every sum over a picture is in float64, row by row.
"""
