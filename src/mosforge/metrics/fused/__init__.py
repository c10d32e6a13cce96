"""The engine `fused`: the six metrics on the CPU, many distorted images of one reference image, piq's values.

`features` holds what is computed once: for a size of images, for an image, and for a reference image. Each
metric has a file, with its maps and its score as functions over compiled kernels; `engine` joins them.

Arithmetic is in float32 where differences stay small, with the cancellations of piq's formulas removed
algebraically; every sum over an image is in float64, row by row.
"""
