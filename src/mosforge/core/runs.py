"""What identifies one evaluated model on one dataset."""

from typing import NamedTuple


class Run(NamedTuple):
    """A fine-tuned model, or a measure in its place, and the dataset that it is evaluated on."""

    dataset: str
    split: str
    backbone: str
    initialisation: str
    test_dataset: str


RUN = Run._fields
"""The keys of a run, which are columns of `predictions` and of `correlations` too."""

FEWEST_TESTED = 2
"""Test images that a correlation needs."""

NO_NETWORK = "none"
"""In the place of a backbone: a baseline without a network, whose name is the `initialisation`."""

BRISQUE = "brisque"
"""In the place of an initialisation: the only baseline that is trained."""
