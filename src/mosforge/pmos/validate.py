"""The rule `validate`: how well each metric and each fusion agrees with people (paper, Fig. 1)."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import FEWEST_TESTED
from mosforge.core.schemas.correlations import VALIDATION
from mosforge.core.schemas.metrics import METRICS, orient
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.pmos.fusion import curves_of, fit_curves, map_curves, map_scores, weigh
from mosforge.pmos.mapping import read_mapping
from mosforge.pmos.settings import CLASS_MEANS, ValidationSettings
from mosforge.statistics.intervals import correlations_with_ends, within_contents

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

_FOLDS = 5

OTHER_CONTENTS = "its other contents"


def validate(
    targets: Path,
    mapping: Path | None = None,
    fitted: Path | None = None,
    *,
    output: Path,
    cfg: ValidationSettings,
) -> None:
    """Correlates the metrics and their fusions with the human scores of a dataset.

    Args:
        targets: the dataset's scored images (artefact `targets`).
        mapping: that of a corpus, as `fuse` wrote it: the fusion `quantile` uses it.
        fitted: scored images of another dataset (artefact `targets`): the fusion `logistic` is fitted to it.
        output: one row for each metric, PSNR and fusion, Parquet (artefact `validation`).
        cfg: the names of the dataset and of the corpus, the weights of the metrics, and a calibration.
    """
    rows = read_table(targets, TARGET_SCORES)
    table = agreement_with_people(
        rows,
        cfg,
        read_mapping(mapping, "quantile").plain() if mapping else None,
        read_table(fitted, TARGET_SCORES) if fitted else None,
    )
    write_table(output, VALIDATION, table, stage="pmos", cfg=cfg.plain())
    log.info("%s: %d measures of %d images", output, len(table), len(rows))


def agreement_with_people(
    targets: Frame, cfg: ValidationSettings, mapping: Mapping[str, Any] | None, fitted: Frame | None
) -> Frame:
    """One row for each metric, PSNR and fusion (artefact `validation`).

    No number looks at the scores that it is compared with: `quantile` uses the distribution over a corpus,
    as the labels do, `calibrated` the class means of KADID-10k, and `logistic` the curves of another dataset
    or, where there is none, those of the dataset's other contents, in five folds. Where too few images could
    be scored there is no row, and a warning.

    Args:
        targets: the dataset's scored images (artefact `targets`).
        cfg: the corpus whose distribution `quantile` uses, the weights of the metrics, and what `calibrated`
            learnt; without one, its row is left out.
        mapping: of that corpus, as `fusion.fuse_scores` made it.
        fitted: the scored images of the dataset that `pmos.logistic` names, if it names one.
    """
    if len(targets) < FEWEST_TESTED:
        log.warning("no measure is compared with people, since only %d images have scores", len(targets))
        return Frame(columns=VALIDATION.columns)
    quality = targets["quality"].to_numpy(dtype=np.float64)
    oriented = orient(targets[list(METRICS)].to_numpy(dtype=np.float64))
    columns = {name: oriented[:, i] for i, name in enumerate(METRICS)}
    columns["psnr"] = targets["psnr"].to_numpy(dtype=np.float64)
    dataset, contents = str(targets["dataset"].iloc[0]), targets["reference"].tolist()
    rows = [
        {"measure": name, "fitted_on": None, **_agreement(x, quality, contents, dataset)}
        for name, x in columns.items()
    ]
    for fusion, source, mapped in _fusions(targets, oriented, quality, cfg, mapping, fitted):
        learnt = cfg.calibration if fusion == "calibrated" else None
        row = _agreement(weigh(mapped, (learnt or cfg).weights)[0], quality, contents, dataset)
        rows.append({"measure": fusion, "fitted_on": source, **row})
    return Frame(rows).assign(dataset=dataset)


def _agreement(scores: Floats, quality: Floats, contents: list[str], dataset: str) -> dict[str, Any]:
    """How well scores agree with the given ones, with intervals over the contents of the images."""
    within, low, high = within_contents(scores, quality, contents, dataset, "validation within contents")
    return {
        **correlations_with_ends(scores, quality, contents, dataset, "validation"),
        "contents": len(set(contents)),
        **{"srocc_within": within, "srocc_within_low": low, "srocc_within_high": high},
    }


def _fusions(
    targets: Frame,
    oriented: Floats,
    quality: Floats,
    cfg: ValidationSettings,
    mapping: Mapping[str, Any] | None,
    fitted: Frame | None,
) -> Iterator[tuple[str, str | None, Floats]]:
    """Name, origin and mapped scores of each fusion."""
    yield "mean", None, oriented
    if mapping is not None:
        yield "quantile", cfg.corpus, map_scores(oriented, "quantile", mapping)
    if cfg.calibration is not None:
        yield "calibrated", CLASS_MEANS, map_curves(oriented, cfg.calibration.plain())
    dataset = str(targets["dataset"].iloc[0])
    try:
        if fitted is not None and dataset not in set(fitted["dataset"]):
            curves = curves_of(fitted)
            yield "logistic", curves["dataset"], map_curves(oriented, curves)
        elif len(set(folds := _folds(targets["reference"].tolist()))) > 1:
            yield "logistic", OTHER_CONTENTS, _cross_fitted(oriented, quality, np.array(folds), dataset)
    except MosforgeError as error:  # a table of measures is worth having without this one
        log.warning("%s: without the fusion logistic, since %s", dataset, error)


def _cross_fitted(oriented: Floats, quality: Floats, folds: npt.NDArray[np.int64], dataset: str) -> Floats:
    """Scores through the curves of the other folds."""
    mapped = np.empty_like(oriented)
    for fold in np.unique(folds):
        inside = folds == fold
        curves = fit_curves(oriented[~inside], quality[~inside], dataset)
        mapped[inside] = map_curves(oriented[inside], curves)
    return mapped


def _folds(contents: list[str]) -> list[int]:
    """A fold for each image; images of one content share theirs."""
    numbers = {content: number for number, content in enumerate(sorted(set(contents)))}
    return [numbers[content] % _FOLDS for content in contents]
