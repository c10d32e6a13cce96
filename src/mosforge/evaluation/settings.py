"""The settings of the jobs of `evaluation`; the keys of the configuration keep their names and meanings."""

from mosforge.core.settings import Settings
from mosforge.core.values import Count, Whole


class CompareSettings(Settings):
    """One evaluated model, or a measure in its place, and the dataset that it is tested on."""

    dataset: str
    split: str  # name of the split
    backbone: str
    initialisation: str  # what the fine-tuning started from, or the name of the measure
    test_dataset: str  # name of the dataset that it is tested on
    seed: Whole = 0  # of the fine-tuning


class PredictSettings(CompareSettings):
    """What the predictions of a fine-tuned model depend on."""

    crops: Count
