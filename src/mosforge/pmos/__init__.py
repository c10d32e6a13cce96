"""Stage `pmos`: the six full-reference scores of a picture become one pseudo-MOS."""
