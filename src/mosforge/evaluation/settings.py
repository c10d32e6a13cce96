"""The settings of the jobs of the stage `evaluation`."""

from mosforge.core.settings import Settings
from mosforge.core.values import Count


class CompareSettings(Settings):
    """One evaluated model, or a measure in its place, and the dataset that it is tested on.

    Attributes:
        dataset: name of the dataset that it was trained on.
        split: name of the split.
        backbone: of the network; `none` for a measure without a network.
        initialisation: what the fine-tuning started from, or the name of the measure.
        test_dataset: name of the dataset that it is tested on.
    """

    dataset: str
    split: str
    backbone: str
    initialisation: str
    test_dataset: str


class PredictSettings(CompareSettings):
    """What the predictions of a fine-tuned model depend on.

    Attributes:
        crops: random crops of each test image.
    """

    crops: Count
