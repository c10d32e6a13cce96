"""How methods, datasets and numbers are written for people."""

import math
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from mosforge.core.schemas.correlations import MEASURES
from mosforge.core.schemas.metrics import METRICS
from mosforge.models.objectives import corpus_and_objective
from mosforge.report.blocks import say
from mosforge.report.published import AVERAGE

MEASURE_NAMES = dict(zip(MEASURES, ("SROCC", "KROCC", "PLCC", "PLCC mapped", "RMSE"), strict=True))

METRIC_NAMES = dict(zip(METRICS, ("SSIM", "MS-SSIM", "MDSI", "VSI", "FSIMc", "GMSD"), strict=True))
METRIC_NAMES["psnr"] = "PSNR"

PROXY = "proxy scores, not human scores"

PLAIN, BOTH = "FT", "CLS+REG"
"""The method that starts from ImageNet weights only, and the paper's proposal, the multi-task pretraining."""

_OBJECTIVES = {"imagenet": PLAIN, "cls": "CLS", "reg": "REG", "multitask": BOTH, "rank": "RANK"}


def method_of(initialisation: str) -> str:
    """The paper's short name of an initialisation: FT, CLS, REG or CLS+REG; RANK for the ranking loss.

    Anything else, such as a full-reference metric, has the name that papers write.
    """
    _, objective = corpus_and_objective(initialisation)
    return (_OBJECTIVES | METRIC_NAMES).get(objective, objective.upper())


def method_names(correlations: pd.DataFrame) -> dict[str, str]:
    """Initialisation -> name of its method, which is another for each method among these rows.

    That is the short name. If a backbone is pretrained towards one objective on several corpora, and then
    fine-tuned and tested on the same datasets, the name ends with the corpus: `CLS+REG from synthetic`.

    Args:
        correlations: rows of the artefact `correlations`, or of a summary of it.
    """
    models = correlations[["dataset", "backbone", "test_dataset", "initialisation"]].drop_duplicates()
    models = models.assign(method=models["initialisation"].map(method_of))
    several = models.duplicated(["dataset", "backbone", "test_dataset", "method"])
    unclear = set(models.loc[several, "method"])
    names = dict(zip(models["initialisation"], models["method"], strict=True))
    for name, method in names.items():
        corpus = corpus_and_objective(name)[0]
        names[name] = f"{method} from {corpus}" if method in unclear and corpus else method
    return names


def model_name(method: str, backbone: str) -> str:
    """A model in a sentence: `FT, resnet50`; the backbone is empty if there is no network."""
    return f"{method}, {backbone}" if backbone else method


def dataset_pair(train: str, test: str) -> str:
    """A training and a test dataset: `live → csiq`, or the one dataset that is both."""
    if test == AVERAGE:
        return "weighted average"
    return test if train == test else f"{train} → {test}"


def split_name(name: str) -> str:
    """A split: `split 3`, or `official split`."""
    return "official split" if name == "official" else f"split {name}"


def number(value: float | None, digits: int = 3) -> str:
    """A number: `0.816`, with a true minus sign, or an en dash if there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return "−" + text[1:] if text.startswith("-") and float(text) != 0 else text.lstrip("-")


def signed(value: float) -> str:
    """A difference: `+0.012`, `−0.003`, or `0.000` without a sign."""
    text = number(value)
    return f"+{text}" if value > 0 and float(text) != 0 else text


def interval(low: float, high: float) -> str:
    """An interval: `0.810 to 0.818`."""
    return f"{number(low)} to {number(high)}"


def span(counts: Iterable[int]) -> str:
    """Counts, from the lowest to the highest: `10`, or `2 to 10`."""
    found = sorted(set(counts))
    return " to ".join(str(count) for count in dict.fromkeys((found[0], found[-1])))


def plural(count: int, noun: str) -> str:
    """A count: `1 run`, `12 runs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def percent(share: float) -> str:
    """A share from 0 to 1; only all is 100%, and only none is 0%."""
    text = f"{100 * share:.0f}%"
    if text in ("0%", "100%") and 0 < share < 1:
        text = f"{100 * share:.2f}%"
    return {"0.00%": "under 0.01%", "100.00%": "over 99.99%"}.get(text, text)


def duration(seconds: float) -> str:
    """A time: `4.2 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `live, csiq and tid2013`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def proxy_note(datasets: Collection[str]) -> str:
    """The sentence that stands beside numbers made from proxy scores."""
    return say("proxy", listed(sorted(datasets)))


def proxy_caption(datasets: Collection[str], proxies: Collection[str]) -> str:
    """The end of a caption: which of the datasets have proxy scores; empty if none has."""
    used = sorted(set(datasets) & set(proxies))
    return f" {listed(used)}: {PROXY}." if used else ""
