"""The settings of the jobs of `finetuning`; the keys of the configuration keep their names and meanings."""

from mosforge.core.settings import DatasetImages, Settings
from mosforge.core.values import BelowOne, Count, Flag, Fraction, Number


class PackDatasetSettings(DatasetImages):
    """What the pack of a target dataset depends on."""


class DatasetSettings(DatasetImages):
    """What the table of a target dataset depends on."""

    range: tuple[Number, Number] | None = None
    higher_is_better: Flag = True


class ContentsSettings(DatasetImages):
    """What the contents of a target dataset depend on."""

    correlation: Number


class SplitAcrossSettings(Settings):
    """What the comparison of a test dataset with the dataset that is trained on depends on."""

    correlation: Number
    dataset: DatasetImages  # that is tested on
    trained_on: DatasetImages


class SplitSettings(DatasetImages):
    """What a split of a target dataset depends on."""

    validation: BelowOne
    train: Fraction | None = None
    ratings: Count | None = None  # how many images of the training and validation part stay rated
