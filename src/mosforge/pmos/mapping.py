"""The mapping that the rule `fuse` writes beside the labels of a corpus, for other programs to read."""

import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator
from pydantic_core import PydanticCustomError

from mosforge.core.errors import MosforgeError
from mosforge.core.files import read_json
from mosforge.core.schemas.metrics import DISTANCES, METRICS
from mosforge.core.settings import Settings
from mosforge.core.values import Amount, Fusion, Number, Scale, explain
from mosforge.pmos.settings import Curve


class _FittedCurve(Curve):
    width: Number  # a fit leaves its sign open


class _Fitted(Settings):
    dataset: str
    curves: Mapping[str, _FittedCurve]


class CorpusMapping(Settings):
    """How the metrics of a corpus became its labels; see `fusion.fuse_scores`."""

    fusion: Fusion
    scale: Scale
    weights: Mapping[str, Amount]
    knots: Mapping[str, tuple[Number, ...]] = {}
    fitted: _Fitted | None = None
    distances: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_what_the_fusion_needs(self) -> Self:
        needed: dict[str, Mapping[str, Any]] = {"weights": self.weights}
        if self.fusion == "quantile":
            needed["knots"] = self.knots
        elif self.fusion != "mean":
            needed["fitted.curves"] = self.fitted.curves if self.fitted else {}
        for key, by_metric in needed.items():
            if by_metric.keys() != set(METRICS):
                raise _wrong(f"the fusion {self.fusion} needs {key} of {', '.join(METRICS)}")
        if not 0 < sum(self.weights.values()) < math.inf:
            raise _wrong("weights: their sum is not a positive number")
        if "knots" in needed:
            if len(set(map(len, self.knots.values()))) > 1 or len(self.knots[METRICS[0]]) < 2:
                raise _wrong("knots: each metric needs the same number of them, at least two")
            if any(later < one for knots in self.knots.values() for one, later in pairwise(knots)):
                raise _wrong("knots: the numbers of a metric must not fall")
        if set(self.distances) not in (set(), set(DISTANCES)):
            raise _wrong(f"distances: {', '.join(self.distances)}; they must be {', '.join(DISTANCES)}")
        return self


def _wrong(words: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{words}", {"words": words})


def read_mapping(file: Path, fusion: Fusion | None = None) -> CorpusMapping:
    """Reads `results/pmos/CORPUS.mapping.json`.

    Args:
        file: of the mapping.
        fusion: one that it is read for, in the place of its own.

    Raises:
        MosforgeError: the file is not there, or not such a mapping.
    """
    if file.is_dir():
        raise MosforgeError(f"{file}: a folder; name the file results/pmos/CORPUS.mapping.json")
    try:
        values = read_json(file)
        if fusion is not None and isinstance(values, dict):
            values["fusion"] = fusion
        return CorpusMapping.model_validate(values)
    except ValidationError as error:
        raise MosforgeError(
            f"{file}: not the mapping of a corpus, which is results/pmos/CORPUS.mapping.json: "
            f"{explain(error)}"
        ) from None
