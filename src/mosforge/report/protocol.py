"""In what an experiment was measured otherwise than the paper measured."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mosforge.models.origins import ORIGINS
from mosforge.report.published import TABLE_OF

_OF_BOTH: Mapping[str, Any] = {
    "crop": 224,
    "optimiser": "adam",
    "weight_decay": 0.0,
    "schedule": "constant",
    "gradient_clip": 0.0,
    "weight_average": 0.0,
}

_PAPER: Mapping[str, Mapping[str, Any]] = {
    "evaluation": {"crops": 60},
    "finetuning": {
        "train": 0.8,
        "patches": 100,
        "epochs": 10,
        "batch_size": 32,
        **_OF_BOTH,
        "dropout": 0.5,
        "multi_level": False,
    },
    "pretraining": {
        "epochs": 30,
        "batch_size": 256,
        "resize": 256,
        **_OF_BOTH,
        "loss_weights": {"classification": 1.0, "score": 1.0},
        "agreement_scale": 0.0,
    },
}
"""Section -> key -> the paper's value (3.1, 3.2 and 4.1); what it does not tell of, it did without."""

_WORDS = {
    "crops": "crops of a test image",
    "train": "share of the contents that is trained on",
    "patches": "crops of a training image",
    "epochs": "epochs",
    "batch_size": "batch size",
    "crop": "pixels of a crop's side",
    "resize": "pixels of the side that pictures are scaled to",
    "optimiser": "optimiser",
    "weight_decay": "weight decay",
    "schedule": "schedule of the learning rates",
    "gradient_clip": "largest norm of the gradients",
    "weight_average": "running average of the weights",
    "dropout": "dropout",
    "multi_level": "features of all stages of the backbone",
    "loss_weights": "factors of the losses",
    "agreement_scale": "weighting of labels by the agreement of their metrics",
}

_TRAININGS = {"evaluation": "", "finetuning": " in fine-tuning", "pretraining": " in pretraining"}

_LAYERS = {"backbone": "backbone", "head": "head", "classification": "class branch", "score": "score branch"}

_FINETUNING_RATES: Mapping[str, float] = {"backbone": 1e-5, "head": 1e-5}

_PRETRAINING_RATES: Mapping[str, Mapping[str, float]] = {
    "synthetic": {"backbone": 1e-4, "classification": 1e-5, "score": 1e-6},
    "authentic": {"backbone": 1e-4, "classification": 1e-4, "score": 1e-6},
}

_SIZES = {"photographs": 21869, "mixtures": 700000}
"""Photographs behind the paper's synthetic corpus, and pictures of its authentic one."""


def differences(experiment: str, backbones: Collection[str], protocol: Mapping[str, Any]) -> list[str]:
    """What differs from the paper, each thing as `WHAT VALUE (THE PAPER'S VALUE)`.

    Args:
        experiment: its name.
        backbones: of its networks.
        protocol: values under their names in the configuration: sections of `evaluation`, `finetuning`
            and `pretraining`; `weights`, where those of each backbone come from; `corpora`, the size of each;
            `rates`, the learning rates of each kind of pretraining. What is not there is not compared.
    """
    own = ("resnet50",) if experiment in TABLE_OF else ("resnet50", "alexnet")
    others = sorted(set(backbones) - set(own))
    found = [f"backbone {', '.join(others)} ({' and '.join(own)})"] if others else []
    for name, source in protocol.get("weights", {}).items():
        if source == "none" or source not in ORIGINS:
            origin = "random" if source == "none" else f"from {source}"
            found.append(f"first weights of {name} {origin} (of ImageNet)")
    for name, size in protocol.get("corpora", {}).items():
        found += [
            f"{what} in the corpus {name} {count:,} ({_SIZES[what]:,})"
            for what, count in size.items()
            if count != _SIZES[what]
        ]
    for section, keys in _PAPER.items():
        values = protocol.get(section, {})
        found += [
            f"{_WORDS[key]}{_TRAININGS[section]} {_told(values[key])} ({_told(paper)})"
            for key, paper in keys.items()
            if values.get(key, paper) != paper
        ]
    return found + list(_rates(protocol))


def _told(value: Any) -> str:
    """A value of the configuration for people; 0 of what may be left out is `none`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part:g}" for name, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value else "none"


def _rates(protocol: Mapping[str, Any]) -> Iterator[str]:
    """The learning rates that differ, one phrase a training."""
    rates = protocol.get("finetuning", {}).get("learning_rates", {})
    yield from _other_rates("fine-tuning", rates, _FINETUNING_RATES)
    for kind, rates in protocol.get("rates", {}).items():
        if kind in _PRETRAINING_RATES:
            yield from _other_rates(f"{kind} pretraining", rates, _PRETRAINING_RATES[kind])


def _other_rates(training: str, rates: Mapping[str, float], paper: Mapping[str, float]) -> Iterator[str]:
    other = [name for name, rate in rates.items() if rate != paper[name]]
    if other:
        told = ", ".join(f"{_LAYERS[name]} {rates[name]:g} ({paper[name]:g})" for name in other)
        yield f"learning rates of {training}: {told}"
