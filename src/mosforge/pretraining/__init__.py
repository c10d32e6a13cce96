"""Stage `pretraining`: packs of the distorted pictures, and the multi-task network (paper, 3.1)."""
