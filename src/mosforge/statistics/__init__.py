"""Pure functions of arrays: correlations, the logistic, intervals."""
