"""The content of images: which images show the same, be they resized, re-encoded, cropped or mirrored."""
