"""The command `mosforge calibrate FOLDER`: metrics and fusions beside people, with any pristine images."""

import argparse
import logging
from pathlib import Path
from typing import Any

from mosforge.core.rows import write_rows
from mosforge.options import add_config, add_format, add_verb, count

log = logging.getLogger(__name__)


def add_commands(commands: Any) -> None:
    """Adds the command."""
    about = "compare metrics and fusions with KADID-10k's class means, on distortions of any pristine images"
    parser = add_verb(commands, "calibrate", _calibrate, about)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="pristine images")
    parser.add_argument("--images", type=count, default=12, metavar="N", help="the first N (default: 12)")
    parser.add_argument(
        *("--scale", "--scales"), type=count, nargs="+", default=[1, 2], help="viewing scales (default: 1 2)"
    )
    parser.add_argument("--threads", type=count, metavar="N", help="default: all cores")
    parser.add_argument(
        "--curves",
        type=Path,
        metavar="FILE",
        help="also write the curves and weights that the fusion `calibrated` learns to this file",
    )
    add_config(parser)
    add_format(parser)


def _calibrate(arguments: argparse.Namespace) -> None:
    import pandas as pd
    from tqdm import tqdm

    from mosforge import __version__
    from mosforge.calibration.classes import score_classes
    from mosforge.calibration.table import agreement, calibrations
    from mosforge.config.files import load_config
    from mosforge.core.atomic import check_file_name
    from mosforge.core.errors import MosforgeError
    from mosforge.core.files import write_json
    from mosforge.core.folders import PUT_THERE, find_images
    from mosforge.core.parallel import available_threads
    from mosforge.pmos.curves import read_calibration
    from mosforge.pmos.settings import CLASS_MEANS

    for file in filter(None, (arguments.curves, arguments.output)):
        check_file_name(file)  # before minutes of work
    weights = load_config(arguments.config).pmos.weights.plain()
    names = find_images(arguments.folder)[: arguments.images]
    if not names:
        raise MosforgeError(f"{arguments.folder}: no image; {PUT_THERE}")
    scales, threads = sorted(set(arguments.scale)), arguments.threads or available_threads()
    tables = [
        score_classes(arguments.folder / name, scales, threads)
        for name in tqdm(names, unit="image", disable=None)
    ]
    scores = pd.concat(tables, ignore_index=True)
    if arguments.curves is not None:
        about = {
            "fitted_to": CLASS_MEANS,
            "images": names,
            "command": f"mosforge calibrate {arguments.folder.name} --images {len(names)}",
            "mosforge": __version__,
        }
        write_json(arguments.curves, {"about": about, "scales": calibrations(scores)})
    shipped = {scale: found.plain() for scale in scales if (found := read_calibration(scale))}
    columns = [f"{measure}_{scale}" for scale in scales for measure in ("srocc", "plcc")]
    write_rows(agreement(scores, weights, shipped), ("measure", *columns), arguments.format, arguments.output)
    classes = len(scores[["type", "level"]].drop_duplicates())
    log.info("%d classes of %d images; the number after a measure is the viewing scale", classes, len(names))
