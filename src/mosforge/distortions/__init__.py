"""Stage `distortions`: pristine photographs become distorted ones, each with its class and its seed."""
