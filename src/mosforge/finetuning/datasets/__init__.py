"""Target datasets: a module for each official layout, with its facts and its reader, and one for a table."""
