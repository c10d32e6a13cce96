"""The images of a source: those that are used, and those that are set aside."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

CATALOGUE = Artefact(
    "catalogue",
    column("source", pa.string(), "name of the source in the configuration"),
    column("image_id", pa.string(), "path below the source's folder"),
    column("path", pa.string(), "path of the file"),
    column("sha256", pa.string(), "SHA-256 of the file's bytes"),
    column("width", pa.int32(), "pixels, after EXIF orientation"),
    column("height", pa.int32(), "pixels, after EXIF orientation"),
    column("format", pa.string(), "file format, as Pillow names it"),
    column("mode", pa.string(), "colour mode in the file, as Pillow names it"),
    column("shard", pa.int32(), "block of the sorted catalogue, from 0"),
)

EXCLUDED = Artefact(
    "excluded",
    column("source", pa.string(), "name of the source in the configuration"),
    column("image_id", pa.string(), "path below the source's folder"),
    column("path", pa.string(), "path of the file"),
    column("reason", pa.string(), "why the file was set aside"),
)
