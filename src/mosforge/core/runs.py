"""What identifies one evaluated model on one dataset."""

from typing import NamedTuple

from mosforge.core.layout import training_of

FINETUNE, PROBE, NO_ADAPTATION = "finetune", "probe", "none"
"""How a network is adapted to the scores of a dataset: trained further, by a ridge regression on its frozen
features, or not at all. A measure without a network has `none`."""


class Run(NamedTuple):
    """An adapted network, or a measure in its place, and the dataset that it is evaluated on."""

    dataset: str
    split: str
    backbone: str
    initialisation: str
    test_dataset: str
    seed: int = 0  # of the fine-tuning
    adaptation: str = FINETUNE

    @property
    def training(self) -> str:
        """The part of its paths that names the training."""
        return training_of(self.seed)

    @property
    def wildcards(self) -> dict[str, str]:
        """What stands in its paths, by name."""
        keys = {key: str(value) for key, value in self._asdict().items()}
        return {**keys, "training": self.training}


def budget_of(split: str) -> int | None:
    """How many rated images the split of a rating budget trains on: 25 of `1-25`; None: all of its part."""
    _, _, ratings = split.partition("-")
    return int(ratings) if ratings else None


def whole_split(split: str) -> str:
    """The split that a rating budget is a part of: `1` of `1-25`; any other is itself."""
    return split.partition("-")[0]


RUN = Run._fields
"""The keys of a run, which are columns of `predictions` and of `correlations` too."""

FEWEST_TESTED = 2
"""Test images that a correlation needs."""

NO_NETWORK = "none"
"""In the place of a backbone: a baseline without a network, whose name is the `initialisation`."""

BRISQUE = "brisque"
"""In the place of an initialisation: the only baseline that is trained."""
