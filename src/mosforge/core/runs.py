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

NO_NETWORK = "none"
"""The backbone of a measure without a network."""

BRISQUE = "brisque"
"""The initialisation of the one measure without a network that is trained."""
