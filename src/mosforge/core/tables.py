"""The Parquet artefacts: their columns, and the one way to write and to read them.

Every file carries, in the metadata key `mosforge`, the artefact's name, the stage, the package version
and the parameters that made it (see `stamps`). Paths in tables are POSIX paths relative to the working
directory of the run (the folder that holds `results/`), unless the configuration gave an absolute folder.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mosforge import __version__
from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_file, sha256_of_file
from mosforge.core.stamps import MANIFEST, stamped, told_in_a_sentence, what_to_delete

Frame = pd.DataFrame

METRICS = ("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd")
"""The six full-reference metrics, in the order of their columns."""

MEASURES = ("srocc", "krocc", "plcc", "plcc_mapped", "rmse")
"""How well predictions agree with given scores, in the order of the columns of `correlations`."""


def _field(name: str, kind: pa.DataType, about: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"about": about})


_KEYS = (
    _field("source", pa.string(), "name of the source in the configuration"),
    _field("image_id", pa.string(), "the photograph's path below its source's folder"),
    _field("reference", pa.string(), "path of the undistorted photograph"),
    _field("group", pa.string(), "distortion type, or `authentic` for mixtures"),
    _field("level", pa.int8(), "distortion level from 1 (weakest); none for mixtures", nullable=True),
    _field("class_index", pa.int16(), "index in the class table; none for mixtures", nullable=True),
    _field("labels", pa.list_(pa.uint8()), "bits of the class table, for mixtures alone", nullable=True),
    _field("seed", pa.int64(), "seed of the picture's random draws"),
    _field("path", pa.string(), "path of the distorted picture; unique in a corpus"),
)
_SCORES = tuple(
    _field(name, pa.float64(), f"{name} against the reference, as the metric defines it") for name in METRICS
)
_RUN = (
    _field("dataset", pa.string(), "dataset that the model was fine-tuned on"),
    _field("split", pa.string(), "split of that dataset"),
    _field("backbone", pa.string(), "backbone of the network; `none` for a measure without one"),
    _field(
        "initialisation",
        pa.string(),
        "`imagenet` (FT), CORPUS-OBJECTIVE of the pretraining, or the name of a measure without a network",
    ),
    _field("test_dataset", pa.string(), "dataset that was scored"),
)
_AGREEMENT = (
    _field("images", pa.int32(), "number of test images"),
    _field("srocc", pa.float64(), "Spearman's rank correlation", nullable=True),
    _field("krocc", pa.float64(), "Kendall's rank correlation (tau-b)", nullable=True),
    _field("plcc", pa.float64(), "Pearson's correlation of the raw predictions", nullable=True),
    _field("plcc_mapped", pa.float64(), "Pearson's correlation after the logistic mapping", nullable=True),
    _field("rmse", pa.float64(), "root mean squared error after the mapping, on [0, 1]"),
    _field("mapping", pa.string(), "`logistic`, or `none` where its fit did not converge"),
)
_INTERVALS = tuple(
    _field(
        f"{measure}_{end}",
        pa.float64(),
        f"{about} end of the 95% bootstrap interval of {measure} over test images; none below 5 images",
        nullable=True,
    )
    for measure in MEASURES
    for end, about in (("low", "lower"), ("high", "upper"))
)

SCHEMAS: Mapping[str, pa.Schema] = {
    "catalogue": pa.schema(
        [
            _field("source", pa.string(), "name of the source in the configuration"),
            _field("image_id", pa.string(), "path below the source's folder"),
            _field("path", pa.string(), "path of the file"),
            _field("sha256", pa.string(), "SHA-256 of the file's bytes"),
            _field("width", pa.int32(), "pixels, after EXIF orientation"),
            _field("height", pa.int32(), "pixels, after EXIF orientation"),
            _field("format", pa.string(), "file format, as Pillow names it"),
            _field("mode", pa.string(), "colour mode in the file, as Pillow names it"),
            _field("shard", pa.int32(), "block of the sorted catalogue, from 0"),
        ]
    ),
    "excluded": pa.schema(
        [
            _field("source", pa.string(), "name of the source in the configuration"),
            _field("image_id", pa.string(), "path below the source's folder"),
            _field("path", pa.string(), "path of the file"),
            _field("reason", pa.string(), "why the file was set aside"),
        ]
    ),
    "leaks": pa.schema(
        [
            _field("source", pa.string(), "name of the source in the configuration"),
            _field("image_id", pa.string(), "path of the photograph below the source's folder"),
            _field("dataset", pa.string(), "target dataset that shows the same picture"),
            _field("image", pa.string(), "that picture: its name in the dataset, or the reference's path"),
            _field("matches", pa.int32(), "spots of the photograph that lie where the picture has them"),
            _field("scale", pa.float64(), "size of its content in the picture, both scaled to one length"),
            _field("mirrored", pa.bool_(), "whether one is the other turned left to right"),
            _field("correlation", pa.float64(), "of the pixels where one lies over the other"),
        ]
    ),
    "manifest": pa.schema(
        [
            *_KEYS,
            _field("width", pa.int32(), "pixels"),
            _field("height", pa.int32(), "pixels"),
            _field("bytes", pa.int64(), "size of the file"),
            _field("sha256", pa.string(), "SHA-256 of the file's bytes"),
        ]
    ),
    "metrics": pa.schema([*_KEYS, *_SCORES]),
    "pmos": pa.schema(
        [
            *_KEYS,
            *_SCORES,
            _field("pmos", pa.float64(), "pseudo-MOS, higher is better"),
            _field("agreement", pa.float64(), "standard deviation of the six mapped scores; 0: they agree"),
        ]
    ),
    "pack": pa.schema(
        [
            _field("path", pa.string(), "the picture: key of the table that holds its labels"),
            _field("file", pa.string(), "file of pixels that holds the picture"),
            _field("offset", pa.int64(), "first byte of the picture in that file"),
            _field("height", pa.int32(), "pixels"),
            _field("width", pa.int32(), "pixels"),
            _field("sha256", pa.string(), "SHA-256 of the picture's pixels"),
        ]
    ),
    "dataset": pa.schema(
        [
            _field("image", pa.string(), "name of the picture in the dataset; unique"),
            _field("path", pa.string(), "path of the file"),
            _field("reference", pa.string(), "name of its content: pictures with one name stay together"),
            _field("reference_path", pa.string(), "file of the undistorted picture", nullable=True),
            _field("mos", pa.float64(), "the score in the dataset's own unit and direction"),
            _field("quality", pa.float64(), "the score mapped to [0, 1], higher is better"),
            _field("distortion_type", pa.string(), "as the dataset names it", nullable=True),
            _field("level", pa.int8(), "distortion level", nullable=True),
            _field("part", pa.string(), "part of the dataset's official split", nullable=True),
        ]
    ),
    "split": pa.schema(
        [
            _field("image", pa.string(), "name of the picture in the dataset"),
            _field("reference", pa.string(), "name of its content"),
            _field("part", pa.string(), "`train`, `validation` or `test`"),
        ]
    ),
    "history": pa.schema(
        [
            _field("epoch", pa.int32(), "from 1"),
            _field("loss", pa.float64(), "mean training loss of the epoch"),
            _field("score_loss", pa.float64(), "its part from the score branch (L1)", nullable=True),
            _field("class_loss", pa.float64(), "its part from the classification branch", nullable=True),
            _field("validation_srocc", pa.float64(), "on the validation part, if any", nullable=True),
            _field("images_per_second", pa.float64(), "training throughput"),
            _field("seconds", pa.float64(), "wall time of the epoch"),
            _field(
                "peak_memory",
                pa.float64(),
                "most memory used so far, MiB: of the GPU's, or of the process's without one",
                nullable=True,
            ),
        ]
    ),
    "predictions": pa.schema(
        [
            *_RUN,
            _field("image", pa.string(), "name of the picture in the test dataset"),
            _field("path", pa.string(), "path of the file"),
            _field("mos", pa.float64(), "given score, in the dataset's own unit"),
            _field("quality", pa.float64(), "given score, [0, 1], higher is better"),
            _field(
                "prediction",
                pa.float64(),
                "predicted quality, mean over crops; a metric in its own unit, higher is better",
            ),
            _field("spread", pa.float64(), "standard deviation over crops"),
        ]
    ),
    "correlations": pa.schema(
        [
            *_RUN,
            *_AGREEMENT,
            *_INTERVALS,
        ]
    ),
    "targets": pa.schema(
        [
            _field("dataset", pa.string(), "name of the target dataset"),
            _field("image", pa.string(), "name of the picture in the dataset"),
            _field("path", pa.string(), "path of the file"),
            _field("reference", pa.string(), "name of its content"),
            _field("reference_path", pa.string(), "file of the undistorted picture"),
            _field("mos", pa.float64(), "given score, in the dataset's own unit and direction"),
            _field("quality", pa.float64(), "given score, [0, 1], higher is better"),
            *_SCORES,
            _field("psnr", pa.float64(), "PSNR of the luma in dB; 361 for equal luma"),
        ]
    ),
    "validation": pa.schema(
        [
            _field("dataset", pa.string(), "dataset whose scores are compared with"),
            _field("measure", pa.string(), "a metric, `psnr`, or a fusion: `mean`, `quantile`, `logistic`"),
            _field("fitted_on", pa.string(), "what a fusion's mapping was made from", nullable=True),
            *_AGREEMENT,
        ]
    ),
    "brisque": pa.schema(
        [
            _field("image", pa.string(), "name of the picture in the dataset"),
            _field("features", pa.list_(pa.float64()), "BRISQUE's 36; none where not defined", nullable=True),
        ]
    ),
}


def write_table(
    path: str | os.PathLike[str],
    artefact: str,
    rows: Frame | Mapping[str, Any],
    *,
    stage: str,
    cfg: Any,
    device: str | None = None,
) -> None:
    """Writes `rows` as the Parquet artefact of that name, whole or not at all.

    Args:
        path: the file.
        artefact: a key of `SCHEMAS`.
        rows: a frame, or columns by name, in any order; a nullable column may be left out, and one that
            the schema does not have is an error.
        stage: the stage that writes.
        cfg: the parameters that made it, any JSON value.
        device: what it was computed on, where that may differ; see `training.devices`.
    """
    schema = SCHEMAS[artefact]
    columns = rows if isinstance(rows, Frame) else pd.DataFrame(dict(rows))
    unknown = set(columns.columns) - set(schema.names)
    if unknown:
        raise ValueError(f"columns that the artefact {artefact!r} does not have: {sorted(unknown)}")
    columns = columns.reindex(columns=[*columns.columns, *_absent(schema, columns)])
    signed = stamped(schema, artefact, stage=stage, cfg=cfg, device=device)
    arrays = [
        pa.array([] if columns.empty else _plain(columns[field.name]), type=field.type, from_pandas=True)
        for field in schema
    ]
    with atomic_file(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, schema=signed), temporary, compression="zstd")


def _absent(schema: pa.Schema, columns: Frame) -> list[str]:
    """Columns that are left out and so hold nothing; only a nullable one may be."""
    absent = [field for field in schema if field.name not in columns]
    needed = [field.name for field in absent if not field.nullable]
    if needed and len(columns):
        raise ValueError(f"columns that the artefact needs are missing: {needed}")
    return [field.name for field in absent]


def _plain(column: "pd.Series[Any]") -> Any:
    return column.tolist() if column.dtype == object else column


def read_table(path: str | os.PathLike[str], artefact: str) -> Frame:
    """Reads a Parquet artefact and checks that it is one.

    Integer columns that may be empty come back as pandas' nullable integers.

    Raises:
        MosforgeError: the file is missing, damaged, or another artefact.
    """
    nullable = {pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype()}
    frame: Frame = _read(path, artefact).to_pandas(types_mapper=nullable.get)
    return frame


def read_manifest(folder: str | os.PathLike[str]) -> Frame:
    """Reads the manifest of a shard's folder, and compares the pictures that it lists with their digests.

    Raises:
        MosforgeError: as `read_table`; or a picture is gone, or not what was written.
    """
    manifest = read_table(Path(folder) / MANIFEST, "manifest")
    for path, digest in zip(manifest["path"], manifest["sha256"], strict=True):
        if not Path(path).is_file() or sha256_of_file(path) != digest:
            reason = "damaged since it was made" if Path(path).is_file() else "no such file"
            raise MosforgeError(f"{path}: {reason}; delete its folder and run again")
    return manifest


def _read(path: str | os.PathLike[str], artefact: str) -> pa.Table:
    with told_in_a_sentence(path):
        table = pq.read_table(Path(path), partitioning=None)
    if not table.schema.equals(SCHEMAS[artefact], check_metadata=False):
        reason = f"not a {artefact} table of mosforge {__version__}"
        raise MosforgeError(f"{path}: {reason}; delete {what_to_delete(path)} and run again")
    return table
