"""Stage 8, report: tables beside the published ones, figures, galleries, and one page that holds them all."""
