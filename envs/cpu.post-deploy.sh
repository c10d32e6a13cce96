#!/usr/bin/env bash
# Run by Snakemake in the environment it has just made, from the folder that snakemake was started in.
set -euo pipefail
python -m pip install --no-deps .
