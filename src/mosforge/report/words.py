"""How methods, datasets and numbers are written for people."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import pandas as pd

from mosforge.core.runs import FINETUNE, NO_ADAPTATION, PROBE, budget_of, whole_split
from mosforge.core.schemas.correlations import MEASURES
from mosforge.core.schemas.metrics import METRICS
from mosforge.models.objectives import corpus_and_objective, side_by_side
from mosforge.report.blocks import Cell, say
from mosforge.report.published import AVERAGE

MEASURE_NAMES = dict(zip(MEASURES, ("SROCC", "KROCC", "PLCC", "PLCC mapped", "RMSE"), strict=True))

METRIC_NAMES = dict(zip(METRICS, ("SSIM", "MS-SSIM", "MDSI", "VSI", "FSIMc", "GMSD"), strict=True))
METRIC_NAMES["psnr"] = "PSNR"

PROXY = "proxy scores, not human scores"

PLAIN, BOTH = "FT", "CLS+REG"
"""The method that starts from the first weights only, and the proposal, the multi-task pretraining."""

IMAGENET = "ImageNet"
"""The network of the first weights only, where it is not fine-tuned."""

_OBJECTIVES = {"cls": "CLS", "reg": "REG", "multitask": BOTH, "rank": "RANK"}
ZERO_SHOT = ", zero-shot"
"""The end of the name of a pretrained network that is not adapted."""

_ADAPTATIONS = {FINETUNE: "", PROBE: ", probe", NO_ADAPTATION: ZERO_SHOT}

Start = tuple[str, str]
"""The initialisation and the adaptation of a model."""


def method_of(initialisation: str, adaptation: str = FINETUNE, *, with_corpus: bool = False) -> str:
    """The name of a method: of a fine-tuned network the paper's, FT, CLS, REG or CLS+REG; RANK besides.

    Other adaptations are named: `CLS+REG, probe`, `ImageNet and CLS+REG, probe`, `CLS+REG, zero-shot`. A
    measure without a network, such as a full-reference metric, has the name that papers write.

    Args:
        initialisation: see the artefact `correlations`.
        adaptation: the same.
        with_corpus: whether the name says which corpus a pretraining learned from: `CLS+REG from synthetic`.
    """
    names = []
    for part in side_by_side(initialisation):
        corpus, objective = corpus_and_objective(part)
        if objective == "imagenet":
            names.append(PLAIN if adaptation == FINETUNE else IMAGENET)
        elif objective in _OBJECTIVES:
            names.append(_OBJECTIVES[objective] + (f" from {corpus}" if with_corpus and corpus else ""))
        else:
            return METRIC_NAMES.get(objective, objective.upper())
    return " and ".join(names) + _ADAPTATIONS[adaptation]


def method_names(correlations: pd.DataFrame) -> dict[Start, str]:
    """Initialisation and adaptation -> name of the method, which is another for each one among these rows.

    That is the short name. If a backbone is pretrained towards one objective on several corpora, and then
    adapted and tested on the same datasets, the name holds the corpus: `CLS+REG from synthetic`.

    Args:
        correlations: rows of the artefact `correlations`, or of a summary of it.
    """
    start = ["initialisation", "adaptation"]
    models = correlations[["dataset", "backbone", "test_dataset", *start]].drop_duplicates()
    starts = [(str(first), str(second)) for first, second in models[start].to_numpy()]
    models = models.assign(method=[method_of(*item) for item in starts])
    several = models.duplicated(["dataset", "backbone", "test_dataset", "method"])
    unclear = set(models.loc[several, "method"])
    return {
        item: method_of(*item, with_corpus=method in unclear)
        for item, method in zip(starts, models["method"], strict=True)
    }


def methods(rows: pd.DataFrame) -> list[str]:
    """The name of the method of each row, alike in all of them."""
    names = method_names(rows)
    return [
        names[str(first), str(second)] for first, second in rows[["initialisation", "adaptation"]].to_numpy()
    ]


def model_name(method: str, backbone: str) -> str:
    """A model in a sentence: `FT, resnet50`; the backbone is empty if there is no network."""
    return f"{method}, {backbone}" if backbone else method


def dataset_pair(train: str, test: str) -> str:
    """A training and a test dataset: `live → csiq`, or the one dataset that is both."""
    if test == AVERAGE:
        return "weighted average"
    return test if train == test else f"{train} → {test}"


def split_name(name: str) -> str:
    """A split: `split 3`, `official split`, or `split 3, 25 ratings`."""
    whole, budget = whole_split(name), budget_of(name)
    ratings = f", {budget} ratings" if budget else ""
    return ("official split" if whole == "official" else f"split {whole}") + ratings


def number(value: float | None, digits: int = 3) -> str:
    """A number: `0.816`, with a true minus sign, or an en dash if there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return "−" + text[1:] if text.startswith("-") and float(text) != 0 else text.lstrip("-")


def value_cell(value: float, ranges: Mapping[str, tuple[float, float]], *small: str, mark: str = "") -> Cell:
    """A value with those of its ranges that are known, each by its name, and more in small print."""
    known = [f"{name} {interval(*ends)}" for name, ends in ranges.items() if all(map(math.isfinite, ends))]
    return Cell(number(value), [*known, *small], mark)


def clean(value: float) -> list[str]:
    """What a value is without the test images whose content is trained on; nothing where there is none."""
    return [f"clean {number(value)}"] if math.isfinite(value) else []


def on_own_scale(error: float) -> list[str]:
    """An error in the unit of a dataset's scores, in small print; nothing where that is none of its own."""
    return [f"own scale {error:.3g}"] if math.isfinite(error) else []


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
