"""Readers of target datasets: a module for each official layout, and one for a user's table."""
