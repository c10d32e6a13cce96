"""What methods are called: one vocabulary for tables, figures and sentences."""

import pandas as pd

from mosforge.core.runs import NO_NETWORK
from mosforge.models.objectives import corpus_and_objective

METRIC_NAMES = {
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "mdsi": "MDSI",
    "vsi": "VSI",
    "fsim": "FSIMc",
    "gmsd": "GMSD",
    "psnr": "PSNR",
}
"""Full-reference metrics as papers write them."""

PLAIN = "FT"
"""The method that starts from ImageNet weights alone."""

BOTH = "CLS+REG"
"""The paper's proposal, the multi-task pretraining."""

_OBJECTIVES = {"imagenet": PLAIN, "cls": "CLS", "reg": "REG", "multitask": BOTH, "rank": "RANK"}

_FROM = " from "


def method_of(initialisation: str) -> str:
    """The paper's short name of an initialisation: FT, CLS, REG or CLS+REG; RANK for the ranking loss.

    Anything else, for example a full-reference metric, has the name that papers write.
    """
    _, objective = corpus_and_objective(initialisation)
    return (_OBJECTIVES | METRIC_NAMES).get(objective, objective.upper())


def method_names(correlations: pd.DataFrame) -> dict[str, str]:
    """Initialisation -> the name of its method, by which the methods of these rows are told apart.

    That is its short name. Where a network is pretrained towards one objective on several corpora, and
    then fine-tuned and tested on the same datasets, the objective's names say the corpus too, such as
    `CLS+REG from synthetic`.

    Args:
        correlations: rows of the artefact `correlations`, or a part of them.
    """
    models = correlations[["dataset", "backbone", "test_dataset", "initialisation"]].drop_duplicates()
    models = models.assign(method=models["initialisation"].map(method_of))
    several = models.duplicated(["dataset", "backbone", "test_dataset", "method"])
    unclear = set(models.loc[several, "method"])
    return {
        name: f"{method}{_FROM}{corpus}"
        if method in unclear and (corpus := corpus_and_objective(name)[0])
        else method
        for name, method in zip(models["initialisation"], models["method"], strict=True)
    }


def without_corpus(method: str) -> str:
    """The short name in what `method_names` gave."""
    return method.partition(_FROM)[0]


def backbone_of(name: str) -> str:
    """The backbone as it is shown; nothing where there is no network."""
    return "" if name == NO_NETWORK else name


def of_networks(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose predictions a network made."""
    return rows[rows["backbone"] != NO_NETWORK]
