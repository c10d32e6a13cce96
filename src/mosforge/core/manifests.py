"""The manifest of a shard of distorted images, read with a look at the images."""

import os
from pathlib import Path

from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.stamps import MANIFEST_NAME
from mosforge.core.tables import Frame, read_table


def read_manifest(folder: str | os.PathLike[str]) -> Frame:
    """Reads the manifest of a shard's folder, and compares the images that it lists with their digests.

    Raises:
        MosforgeError: as `read_table`; or an image is missing or has changed.
    """
    manifest = read_table(Path(folder) / MANIFEST_NAME, MANIFEST)
    for path, digest in zip(manifest["path"], manifest["sha256"], strict=True):
        if not Path(path).is_file() or sha256_of_file(path) != digest:
            reason = "damaged since it was made" if Path(path).is_file() else "no such file"
            raise MosforgeError(f"{path}: {reason}; delete its folder and run again")
    return manifest
