"""`mosforge evaluation`: predictions and correlations."""

import argparse
import logging
from pathlib import Path
from typing import Any

from mosforge.options import add_threads, add_training_options, add_verb

log = logging.getLogger(__name__)


def add_commands(commands: Any, verbs: Any) -> None:
    """Adds the verbs `predict`, `brisque`, `compare` and `correlate`."""

    predict = add_verb(verbs, "predict", _predict, "score the test pictures with a model", cfg=True)
    predict.add_argument("--model", type=Path, required=True, metavar="DIR")
    predict.add_argument("--dataset", type=Path, required=True, metavar="FILE", help="the test dataset")
    predict.add_argument("--split", type=Path, metavar="FILE", help="score its part `test` alone")
    predict.add_argument("--pack", type=Path, required=True, metavar="FILE")
    predict.add_argument("--output", type=Path, required=True, metavar="FILE")
    add_training_options(predict)

    brisque = add_verb(verbs, "brisque", _brisque, "compute the features of BRISQUE of a dataset's pictures")
    brisque.add_argument("--dataset", type=Path, required=True, metavar="FILE")
    brisque.add_argument("--pack", type=Path, required=True, metavar="FILE")
    brisque.add_argument("--output", type=Path, required=True, metavar="FILE")
    add_threads(brisque)

    compare = add_verb(verbs, "compare", _compare, "score the test pictures without a network", cfg=True)
    compare.add_argument("--test-dataset", type=Path, required=True, metavar="FILE")
    compare.add_argument(
        "--test-scores", type=Path, required=True, metavar="FILE", help="its metrics or features"
    )
    compare.add_argument("--split", type=Path, metavar="FILE", help="score its part `test` alone")
    compare.add_argument("--dataset", type=Path, metavar="FILE", help="to train BRISQUE on")
    compare.add_argument("--scores", type=Path, metavar="FILE", help="its features")
    compare.add_argument("--output", type=Path, required=True, metavar="FILE")

    correlate = add_verb(verbs, "correlate", _correlate, "correlate predictions with the given scores")
    correlate.add_argument("predictions", type=Path, nargs="*", metavar="FILE")
    correlate.add_argument("--output", type=Path, required=True, metavar="FILE")


def _predict(arguments: argparse.Namespace) -> None:
    import torch

    from mosforge.core.runs import RUN
    from mosforge.core.schemas.predictions import PREDICTIONS
    from mosforge.core.tables import write_table
    from mosforge.evaluation.predictions import predictions
    from mosforge.models.devices import device_name, pick_device

    torch.set_num_threads(arguments.threads)
    cfg, device = arguments.cfg, pick_device(arguments.device)
    frame = predictions(
        arguments.model,
        {key: cfg[key] for key in RUN},
        dataset=arguments.dataset,
        split=arguments.split,
        pack=arguments.pack,
        crops=cfg["crops"],
        device=device,
    )
    name = device_name(device)
    write_table(arguments.output, PREDICTIONS, frame, stage="evaluation", cfg=cfg, device=name)


def _brisque(arguments: argparse.Namespace) -> None:
    from mosforge.core.packs import Pack, locate
    from mosforge.core.schemas.datasets import DATASET
    from mosforge.core.schemas.packs import PACK
    from mosforge.core.schemas.targets import BRISQUE_FEATURES
    from mosforge.core.tables import read_table, write_table
    from mosforge.evaluation.brisque import features_of

    rows = locate(read_table(arguments.dataset, DATASET), read_table(arguments.pack, PACK))
    found = features_of(Pack(rows).images(), len(rows), arguments.threads)
    undefined = sum(row is None for row in found)
    log.info("%s: %d pictures, %d of them without features", arguments.output, len(rows), undefined)
    columns = {"image": rows["image"].tolist(), "features": found}
    write_table(arguments.output, BRISQUE_FEATURES, columns, stage="evaluation", cfg={})


def _compare(arguments: argparse.Namespace) -> None:
    from mosforge.core.runs import RUN
    from mosforge.core.schemas.predictions import PREDICTIONS
    from mosforge.core.tables import write_table
    from mosforge.evaluation.comparisons import compared

    frame = compared(
        {key: arguments.cfg[key] for key in RUN},
        test_dataset=arguments.test_dataset,
        test_scores=arguments.test_scores,
        split=arguments.split,
        dataset=arguments.dataset,
        scores=arguments.scores,
    )
    write_table(arguments.output, PREDICTIONS, frame, stage="evaluation", cfg=arguments.cfg)


def _correlate(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from mosforge.core.errors import MosforgeError
    from mosforge.core.runs import NO_NETWORK
    from mosforge.core.schemas.correlations import CORRELATIONS
    from mosforge.core.schemas.predictions import PREDICTIONS
    from mosforge.core.tables import read_table, write_table
    from mosforge.evaluation.correlations import correlate
    from mosforge.statistics.correlations import FEWEST

    rows = []
    for path in arguments.predictions:
        table = read_table(path, PREDICTIONS)
        if len(table) < FEWEST and set(table["backbone"]) <= {NO_NETWORK}:
            log.warning("%s: left out, with %d pictures that could be compared", path, len(table))
            continue
        try:
            rows.append(correlate(table))
        except MosforgeError as error:
            raise MosforgeError(f"{path}: {error}") from None
    frame = pd.DataFrame(rows, columns=CORRELATIONS.columns)
    write_table(arguments.output, CORRELATIONS, frame, stage="evaluation", cfg={})
    log.info("%s: %d models evaluated", arguments.output.stem, len(frame))
