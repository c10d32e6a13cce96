"""The report: tables beside the published ones, figures, galleries, and one page that holds them all."""
