"""What the workflow is to make: shards, runs and files, worked out from the configuration."""
