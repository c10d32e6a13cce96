"""The images of a source: what reading them gave, those that are used, and those that are set aside."""

import pyarrow as pa

from mosforge.core.schemas import Artefact, column

FILES = Artefact(
    "files",
    column("source", pa.string(), "name of the source in the configuration"),
    column("image_id", pa.string(), "path below the source's folder"),
    column("path", pa.string(), "path of the file"),
    column("sha256", pa.string(), "SHA-256 of the file's bytes, if they can be read", nullable=True),
    column("width", pa.int32(), "pixels, after EXIF orientation; none where it is set aside", nullable=True),
    column("height", pa.int32(), "pixels, after EXIF orientation; likewise", nullable=True),
    column("format", pa.string(), "file format, as Pillow names it; likewise", nullable=True),
    column("mode", pa.string(), "colour mode in the file, as Pillow names it; likewise", nullable=True),
    column("reason", pa.string(), "why the file is set aside; none where it is used", nullable=True),
)

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
    column("shard", pa.int32(), "number of the shard that holds it, from 0"),
)

EXCLUDED = Artefact(
    "excluded",
    column("source", pa.string(), "name of the source in the configuration"),
    column("image_id", pa.string(), "path below the source's folder"),
    column("path", pa.string(), "path of the file"),
    column("reason", pa.string(), "why the file was set aside"),
)
