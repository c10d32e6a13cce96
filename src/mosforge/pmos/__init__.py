"""Stage 4, pmos: the six full-reference scores of a distorted image become one pseudo-MOS."""
