"""The section `finetuning`: the target datasets, their splits, and the training on their scores."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mosforge.config import File, Folder, Name, Section, TrainingSection
from mosforge.core.values import (
    Allowed,
    Amount,
    BelowOne,
    Count,
    Flag,
    Fraction,
    Number,
    Text,
    Whole,
    different,
)

_PaperLayout = Literal["live", "csiq", "tid2013", "livec", "koniq10k", "kadid10k"]
_FurtherLayout = Literal["spaq", "flive", "pipal", "tid2008", "cid2013", "livemd", "agiqa3k", "biq2021"]
Layout = Literal[_PaperLayout, _FurtherLayout, "table", "proxy"]

_Split = Annotated[
    Whole | Annotated[str, Field(pattern="^(0|[1-9][0-9]*|official|full)$")],
    Allowed("a seed, that is a whole number from 0, or official"),
]
_OF_TABLE = ("table", "images", "range", "higher_is_better")
"""Keys of the layout `table`; an official one knows what they say."""

_UNIQUE = Field(min_length=1, json_schema_extra={"uniqueItems": True})
Splits = Annotated[tuple[_Split, ...], _UNIQUE, AfterValidator(different)]
_Seed = Annotated[
    int,
    Field(strict=True, ge=0, le=2**63 - 1),
    Allowed("a whole number from 0 to 9223372036854775807, the largest that a table holds"),
]
Seeds = Annotated[tuple[_Seed, ...], _UNIQUE, AfterValidator(different)]


class Dataset(Section):
    """A target dataset."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"layout": {"const": "proxy"}}},
                    "then": {"required": ["pictures"]},
                    "else": {"required": ["folder"], "properties": {"pictures": False}},
                },
                {
                    "if": {"properties": {"layout": {"const": "table"}}},
                    "then": {"required": ["table", "range", "higher_is_better"]},
                    "else": {"properties": dict.fromkeys(_OF_TABLE, False)},
                },
            ]
        }
    )

    layout: Layout
    """live, csiq, tid2013, livec, koniq10k, kadid10k, spaq, flive, pipal, tid2008, cid2013, livemd,
    agiqa3k or biq2021: the files of the official release; table: your own CSV; proxy: no human scores,
    but HaarPSI of the corpus named in pictures, and every table says so"""
    folder: File | None = None
    """where it lies"""
    corpus: Text
    """the corpus that networks are pretrained on, if an experiment names only an objective"""
    splits: Splits | None = None
    """names of its splits, instead of the seeds of finetuning.splits: a seed, or official"""
    table: File | None = None
    """layout table: the CSV below the folder. It has the columns image and mos, and may have reference (a
    content, which stays on one side of a split), reference_image (the full-reference metrics are then
    compared with the scores), split (train, validation, test) and group (a kind of image, whose SROCC the
    page shows). image and reference_image are files below images, or absolute paths"""
    images: Folder | None = None
    """layout table: folder of the images below the folder (default: the folder itself)"""
    range: tuple[Number, Number] | None = None
    """layout table: lowest and highest possible score"""
    higher_is_better: Flag | None = None
    """layout table: false for DMOS"""
    pictures: Text | None = None
    """layout proxy: the corpus whose images are scored"""

    @model_validator(mode="after")
    def _has_its_keys_and_no_other(self) -> Self:
        needed = ["pictures"] if self.layout == "proxy" else ["folder"]
        needed += ["table", "range", "higher_is_better"] if self.layout == "table" else []
        missing = [key for key in needed if getattr(self, key) is None]
        if missing:
            values = {"layout": self.layout, "key": missing[0]}
            raise PydanticCustomError(
                "rule", "a dataset of the layout {layout} needs the key '{key}'", values
            )
        others = [] if self.layout == "table" else list(_OF_TABLE)
        others += [] if self.layout == "proxy" else ["pictures"]
        unused = [key for key in others if getattr(self, key) is not None]
        if unused:
            values = {"layout": self.layout, "key": unused[0]}
            raise PydanticCustomError(
                "rule", "a dataset of the layout {layout} has no key '{key}'; leave it out", values
            )
        return self


class SplitsSection(Section):
    """How a dataset is split, unless it names its own splits."""

    seeds: Seeds
    """one split for each seed (ours: the paper does not say how many)"""
    train: Fraction
    """share of the contents that is trained on; the other contents are tested on"""
    validation: BelowOne
    """share of the training contents that chooses the epoch; 0: the last epoch is used"""


class LearningRates(Section):
    """Learning rates of the parts of a network."""

    backbone: Fraction
    """of the backbone"""
    head: Fraction
    """of the head; if the pretrained head stays (head_first), of its score branch"""
    classification: Fraction
    """of the branch of the classes, if the pretrained head stays and rehearses the classes (ours)"""


class HeadFirstSection(Section):
    """The training of the head alone, on the features of the backbone as it comes."""

    epochs: Whole
    """passes over all images. 0: the head is not trained first, but a new head is trained with the
    network (paper)"""
    learning_rate: Fraction
    """learning rate at the beginning; it falls to zero by half a cosine"""
    weight_decay: Amount
    """weight decay of AdamW"""


class RehearsalSection(Section):
    """Pairs of distorted images that each step sees beside its rated ones."""

    corpus: Text | None
    """a corpus of one type in an image, such as synthetic; null: none"""
    pairs: Count
    """pairs in each step"""


class FinetuningSection(TrainingSection):
    """The target datasets with their splits, and how networks are fine-tuned on their scores."""

    epochs: Whole
    """passes over all images in which the whole network is trained; 0, with head_first: only the head is
    trained"""
    datasets: Mapping[Name, Dataset]
    """Target datasets with human scores. Those whose folder is missing are left out, with a line that says
    so."""
    seeds: Seeds
    """seeds of the random draws of this stage; each split is trained once for each seed. With several
    seeds, the noise of training is in the intervals (ours)"""
    splits: SplitsSection
    """The seeded splits of a dataset; no content is in two parts of a split"""
    patches: Count
    """random crops of each image in an epoch"""
    learning_rates: LearningRates
    """learning rates of the backbone and of the head"""
    dropout: BelowOne
    """probability that a feature is dropped in a step: for a new head, and in head_first for every head"""
    head_first: HeadFirstSection
    """The head alone is trained first, and the whole network after it. The features of six crops of each
    image (the grid of evaluation.crops) are computed once, so this takes minutes. Dropout drops some of
    them, and the loss is the squared error. A pretrained head stays, and still names the classes
    (ours)"""
    rehearsal: RehearsalSection
    """Beside its batch, each step sees pairs of images of a corpus: one pristine image with one
    distortion type at two levels, at the same crop. The stronger level should score lower, so that the
    fine-tuned score still falls when an image is degraded. Set pretraining.resize to 0: the network then
    sees these images in their own size, as it sees the rated ones (ours)"""
