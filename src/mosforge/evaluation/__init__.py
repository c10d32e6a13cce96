"""Stage 7, evaluation: predictions for test images, and their correlations with the given scores."""
