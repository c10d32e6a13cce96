"""Scoring pictures with a trained model."""
