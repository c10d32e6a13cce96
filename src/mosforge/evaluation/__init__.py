"""Stage `evaluation`: predictions of fine-tuned models, and their correlations with the given scores."""
