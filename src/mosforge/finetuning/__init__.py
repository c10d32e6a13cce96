"""Stage 6, finetuning: target datasets with scores, splits, and regression on the scores (paper, 3.2)."""
