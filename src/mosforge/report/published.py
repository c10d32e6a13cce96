"""What the paper printed (Tables 1 to 3), and in what an experiment was measured otherwise."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import pandas as pd

from mosforge.core.schemas.metrics import METRICS
from mosforge.models.origins import ORIGINS
from mosforge.report.settings import Protocol

TABLE_OF = {"table1": 1, "table2": 2, "table3": 3}
"""Experiment -> the paper's table that it repeats; the ablation (Fig. 3) was published only as bars."""

AVERAGE = "weighted_average"
"""The "dataset" of Table 1's last column."""


@cache
def published_results() -> pd.DataFrame:
    """Every number of the paper's Tables 1 to 3.

    Returns:
        Columns `table` (1 to 3), `method`, `train_dataset`, `test_dataset`, `metric` (`srocc` or `plcc`) and
        `value`; the methods are in the paper's order.
    """
    with (resources.files("mosforge.report") / "data" / "published_results.csv").open() as file:
        printed = pd.read_csv(file)
    keys = ["table", "method", "train_dataset"]
    rows = printed.melt(keys, ignore_index=False).dropna(subset="value").sort_index(kind="stable")
    rows[["test_dataset", "metric"]] = rows.pop("variable").str.split(" ", expand=True)
    rows["train_dataset"] = rows["train_dataset"].fillna(rows["test_dataset"])
    return rows.reset_index(drop=True)


def published_for(experiment: str, pairs: Collection[tuple[str, str]]) -> pd.DataFrame:
    """The published rows that an experiment's measurements may be compared with.

    Args:
        experiment: name of the experiment; only `table1`, `table2` and `table3` have published numbers.
        pairs: (training dataset, test dataset) of what was measured.

    Returns:
        Rows of `published_results` for those pairs. The weighted average is among them only if the pairs are
        the very datasets that the paper averaged over.
    """
    every = published_results()
    rows = every[every["table"] == TABLE_OF.get(experiment, 0)]
    is_alike = set(averaged_over(experiment)) == {test for _, test in pairs}
    return rows[pairs_of(rows).isin([*pairs, *([(AVERAGE, AVERAGE)] if is_alike else [])])]


def averaged_over(experiment: str) -> list[str]:
    """The datasets that the paper's weighted average of an experiment goes over; empty if it has none."""
    every = published_results()
    names = list(dict.fromkeys(every.loc[every["table"] == TABLE_OF.get(experiment, 0), "test_dataset"]))
    return [name for name in names if name != AVERAGE] if AVERAGE in names else []


def pairs_of(numbers: pd.DataFrame) -> "pd.Series[Any]":
    """Training and test dataset of each row."""
    pairs = list(zip(numbers["train_dataset"], numbers["test_dataset"], strict=True))
    return pd.Series(pairs, index=numbers.index, dtype=object)


OF_IMAGENET = "of ImageNet"
"""Where first weights come from, unless something else is configured."""

_TRAINING = {"crop": 224, "schedule": "constant", "frozen_stages": 0, "frozen_statistics": False}

_PAPER: Mapping[str, Mapping[str, Any]] = {
    "metrics": {"scale": "auto"},
    "pmos": {"fusion": "mean", "weights": dict.fromkeys(METRICS, 1)},
    "evaluation": {"crops": 60},
    "finetuning": {
        **{"train": 0.8, "patches": 100, "epochs": 10, "batch_size": 32},
        **_TRAINING,
        **{"dropout": 0.5, "multi_level": False, "head_first": 0, "rehearsal": 0},
    },
    "pretraining": {
        **{"epochs": 30, "batch_size": 256, "resize": 256},
        **_TRAINING,
        "loss_weights": {"classification": 1.0, "score": 1.0},
        **{"head_width": 1024, "standardise": False},
    },
}
"""Section -> key -> the paper's value (3.1, 3.2 and 4.1); it is taken to do without what it does not name.

Of labels it gives no scale and no weights: taken are piq's own scale and equal weights."""

_WORDS: Mapping[str, str] = {
    "scale": "viewing scale of the metrics",
    "fusion": "fusion of the metrics in a label",
    "weights": "weights of the metrics in a label",
    "crops": "crops of a test image",
    "train": "share of the contents that is trained on",
    "patches": "crops of a training image",
    "crop": "pixels of a crop's side",
    "resize": "pixels of the side that images are scaled to",
    "schedule": "schedule of the learning rates",
    "frozen_stages": "stages of the backbone that are not trained",
    "frozen_statistics": "statistics of batch normalisation that are not trained",
    "head_first": "passes over the images in which the head alone is trained",
    "head_width": "width of the head's first layers",
    "standardise": "standardised features",
    "multi_level": "features of all stages of the backbone",
    "rehearsal": "pairs of levels of a corpus in a step",
    "loss_weights": "factors of the losses",
}
"""What the keys that do not say it themselves are."""

_SECTIONS = {"finetuning": " in fine-tuning", "pretraining": " in pretraining"}

_LAYERS = {"backbone": "backbone", "head": "head", "classification": "class branch", "score": "score branch"}

_RATES = {
    "fine-tuning": {"backbone": 1e-5, "head": 1e-5},
    "synthetic pretraining": {"backbone": 1e-4, "classification": 1e-5, "score": 1e-6},
    "authentic pretraining": {"backbone": 1e-4, "classification": 1e-4, "score": 1e-6},
}

_SIZES = {"photographs": ("pristine images", 21869), "mixtures": ("mixtures", 700000)}
"""What the size of a corpus counts, for people, and the paper's size of its corpora."""


def deviations(
    experiment: str,
    backbones: Collection[str],
    protocol: Protocol,
    used: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> list[str]:
    """What differs from the paper, each thing as `WHAT VALUE (THE PAPER'S VALUE)`.

    Args:
        experiment: its name.
        backbones: of its networks.
        protocol: how it was measured; what it does not name is not compared.
        used: corpus -> the numbers of `photographs` and `mixtures` that it was made of. Where that is not
            known, the configured number is told, and called so.
    """
    own = ("resnet50",) if experiment in TABLE_OF else ("resnet50", "alexnet")
    others = sorted(set(backbones) - set(own))
    found = [f"backbone {', '.join(others)} ({' and '.join(own)})"] if others else []
    for name, source in protocol.weights.items():
        if (origin := origin_of(source)) != OF_IMAGENET:
            found.append(f"first weights of {name} {origin} (ImageNet's)")
    for name, size in protocol.corpora.items():
        for kind, count in size.items():
            what, paper = _SIZES[kind]
            made = used.get(name, {}).get(kind)
            if made is None and count != paper:
                found.append(f"{what} configured for the corpus {name} {count:,} ({paper:,})")
            elif made is not None and made != paper:
                of = f" of {count:,} that are configured" if made != count else ""
                found.append(f"{what} in the corpus {name} {made:,}{of} ({paper:,})")
    for section, keys in _PAPER.items():
        values = getattr(protocol, section)
        for key, paper in keys.items():
            if (value := values.get(key, paper)) != paper:
                what = _WORDS.get(key, key.replace("_", " ")) + _SECTIONS.get(section, "")
                found.append(f"{what} {_written(value)} ({_written(paper)})")
    return [*found, *_rates(protocol)]


def origin_of(source: str) -> str:
    """Where first weights come from, for people: a value of `pretraining.backbones`."""
    if source == "none":
        return "random"
    return OF_IMAGENET if source in ORIGINS else f"from {source}"


def _written(value: Any) -> str:
    """A value of the configuration for people; 0 of what may be left out is `none`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part:g}" for name, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value else "none"


def _rates(protocol: Protocol) -> Iterator[str]:
    """The learning rates that differ, one phrase a training."""
    trainings: dict[str, Any] = {f"{kind} pretraining": rates for kind, rates in protocol.rates.items()}
    trainings = {"fine-tuning": protocol.finetuning.get("learning_rates", {})} | trainings
    for training, rates in trainings.items():
        paper: Mapping[str, float] = _RATES.get(training) or rates
        pairs = [(name, rate, paper.get(name)) for name, rate in rates.items() if rate != paper.get(name)]
        if pairs:
            texts = (f"{_LAYERS[name]} {rate:g} ({_written(other)})" for name, rate, other in pairs)
            yield f"learning rates of {training}: {', '.join(texts)}"
