"""Networks: backbones, heads, their weights, and the folder in which a trained model lies."""
