"""Stage 5, pretraining: packs of the distorted images, and the multi-task network (paper, 3.1)."""
