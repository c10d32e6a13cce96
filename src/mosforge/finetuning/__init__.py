"""Stage `finetuning`: target datasets with scores, splits, and regression on the scores (paper, 3.2)."""
