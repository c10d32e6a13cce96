"""The settings of the jobs of `evaluation`; the keys of the configuration keep their names and meanings."""

from mosforge.core.settings import Settings
from mosforge.core.values import Count, Flag, TestCrops, Whole


class CompareSettings(Settings):
    """One evaluated model, or a measure in its place, and the dataset that it is tested on."""

    dataset: str
    split: str  # name of the split
    backbone: str
    initialisation: str  # what the network starts from, or the name of the measure
    adaptation: str  # how it is adapted to given scores: see `core.runs`
    test_dataset: str  # name of the dataset that it is tested on
    seed: Whole = 0  # of the fine-tuning


class PredictSettings(CompareSettings):
    """What the predictions of a fine-tuned model depend on."""

    crops: TestCrops


class FeaturesSettings(Settings):
    """What the features of a dataset's images depend on."""

    backbone: str
    initialisation: str  # `imagenet`, or CORPUS-OBJECTIVE
    test_dataset: str  # name of the dataset
    multi_level: Flag
    crop: Count  # side of a crop in pixels
    feature_crops: Count


class SanitySettings(Settings):
    """One model, and the crops of the images that its scores should fall on."""

    dataset: str | None  # whose scores it was adapted to, or whose images its pretraining has seen; or none
    split: str | None  # name of the split of that dataset
    backbone: str
    initialisation: str  # what the network starts from
    adaptation: str  # `finetune` or `none`
    seed: Whole = 0  # of the fine-tuning
    crops: TestCrops
