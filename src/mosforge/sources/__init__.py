"""Stage 1, sources: pristine images are fetched, checked, catalogued, and compared with target datasets."""
