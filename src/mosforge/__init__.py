"""mosforge: from a folder of good photographs to a trained no-reference image quality model."""

__version__ = "0.1.0"
