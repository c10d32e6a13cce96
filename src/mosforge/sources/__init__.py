"""Stage 1, sources: photographs are downloaded, checked and catalogued."""
