"""`mosforge evaluation`: predictions and correlations."""

import argparse
import logging
from pathlib import Path
from typing import Any

from mosforge.commands import add_stage, add_training_options, add_verb

log = logging.getLogger(__name__)


def add_commands(commands: Any) -> None:
    """Adds the verbs `predict` and `correlate`."""
    verbs = add_stage(commands, "evaluation", "evaluate fine-tuned models within and across datasets")

    predict = add_verb(verbs, "predict", _predict, "score the test pictures with a model", cfg=True)
    predict.add_argument("--model", type=Path, required=True, metavar="DIR")
    predict.add_argument("--dataset", type=Path, required=True, metavar="FILE", help="the test dataset")
    predict.add_argument("--split", type=Path, metavar="FILE", help="score its part `test` alone")
    predict.add_argument("--pack", type=Path, required=True, metavar="FILE")
    predict.add_argument("--output", type=Path, required=True, metavar="FILE")
    add_training_options(predict)

    correlate = add_verb(verbs, "correlate", _correlate, "correlate predictions with the given scores")
    correlate.add_argument("predictions", type=Path, nargs="*", metavar="FILE")
    correlate.add_argument("--output", type=Path, required=True, metavar="FILE")


def _predict(arguments: argparse.Namespace) -> None:
    import torch

    from mosforge.evaluation.predictions import RUN, predictions
    from mosforge.tables import write_table
    from mosforge.training import pick_device

    torch.set_num_threads(arguments.threads)
    cfg = arguments.cfg
    frame = predictions(
        arguments.model,
        {key: cfg[key] for key in RUN},
        dataset=arguments.dataset,
        split=arguments.split,
        pack=arguments.pack,
        crops=cfg["crops"],
        device=pick_device(arguments.device),
    )
    write_table(arguments.output, "predictions", frame, stage="evaluation", cfg=cfg)


def _correlate(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from mosforge.evaluation.correlations import correlate
    from mosforge.tables import SCHEMAS, read_table, write_table

    rows = [correlate(read_table(path, "predictions")) for path in arguments.predictions]
    frame = pd.DataFrame(rows, columns=SCHEMAS["correlations"].names)
    write_table(arguments.output, "correlations", frame, stage="evaluation", cfg={})
    log.info("%s: %d models evaluated", arguments.output.stem, len(frame))
