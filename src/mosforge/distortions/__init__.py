"""Stage 2, distortions: reference images become distorted images, each with its class and its seed."""
