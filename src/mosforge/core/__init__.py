"""What everything else stands on: errors, files, images, seeds, tables and packs."""
