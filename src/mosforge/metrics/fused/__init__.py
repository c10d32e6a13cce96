"""The engine `fused`: the six metrics on the CPU, many distorted images of one reference image, piq's values.

Three classes hold what can be computed once, and each metric is a function over small compiled kernels:

- `geometry.Geometry(height, width)`: what the size of the images fixes (pooling, filters, interpolation);
- `features.Features(geometry)`: the maps of one image, in buffers that are used again;
- `features.Reference(geometry)`: the features of a reference image, and what only such an image needs;
- `ssim`, `mdsi`, `vsi`, `fsim`, `gmsd`: a metric each;
- `engine.FusedEngine`: one image a thread.

Arithmetic is in float32 where differences stay small, with the cancellations of piq's formulas removed
algebraically; every sum over an image is in float64, row by row.
"""
