"""The configuration as types, where each key is described once; the smallest sections are in `configuration`.

From these types come the JSON schema, the page of all keys, the comments of `config.yaml`, and the sentences
about what is wrong. Here is what the sections share: types of values, and the keys of both trainings.
"""

import os
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mosforge.core.settings import Settings
from mosforge.core.values import Allowed, Count, Flag, FrozenStages, Schedule, Text, Whole, different

EXPANDED = AfterValidator(os.path.expanduser)
"""A leading ~ of a file or folder is the user's home folder, as in a shell."""

Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]*$"), Allowed("a name of small letters, digits and _")]
File = Annotated[
    str,
    Field(pattern="^[^{}]+$"),
    Allowed("the name of a file or folder, without braces, which mark Snakemake's wildcards"),
    EXPANDED,
]
Folder = Annotated[str, Field(min_length=1), Allowed("the name of a folder"), EXPANDED]
Names = Annotated[tuple[Text, ...], Field(json_schema_extra={"uniqueItems": True}), AfterValidator(different)]
Crop = Annotated[int, Field(strict=True, ge=64), Allowed("a number of pixels from 64")]


class Section(Settings):
    """A part of the configuration: the text below a key describes it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_null_for_what_may_be_left_out(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and not cls.model_fields[str(info.field_name)].is_required():
            raise PydanticCustomError("null", "null says nothing; leave the key out")
        return value


class TrainingSection(Section):
    """The keys that pretraining and fine-tuning share."""

    crop: Crop
    """side of the random crops that the network sees, in pixels; a smaller image is continued by mirroring"""
    flip: Flag
    """random horizontal flips (ours)"""
    epochs: Count
    """passes over all images"""
    batch_size: Count
    """crops in a step"""
    schedule: Schedule
    """constant (paper), or cosine: the learning rates rise first, and then fall to zero by half a
    cosine"""
    warm_up: Whole
    """cosine: number of steps in which the rates rise; a twentieth of all steps if that is less (ours)"""
    frozen_stages: FrozenStages
    """How many of the backbone's first stages, and the stem before them, keep their weights, which makes
    a training faster. 0: all are trained. all: only the head is trained; the backbone keeps its weights and
    batch statistics, and a step costs a forward pass (ours)"""
    frozen_statistics: Flag
    """batch normalisation keeps the means and variances that the backbone starts with (ours)"""
