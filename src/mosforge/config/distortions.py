"""The section `distortions`: the corpora, and the levels of every distortion type."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mosforge.config import Name, Names, Section
from mosforge.core.values import Allowed, CorpusKind, Count, Flag, Level, Part, PngCompression, Share, Whole


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("even")
    return value


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("falling")
    return value


_AT_MOST = Field(max_length=20)
_Odd = Annotated[
    int,
    Field(strict=True, ge=3, le=1001, json_schema_extra={"not": {"multipleOf": 2}}),
    AfterValidator(_odd),
    Allowed("an odd number of pixels from 3 to 1001"),
]
_Quality = Annotated[int, Field(strict=True, ge=0, le=100), Allowed("a quality from 0 to 100")]
_Colours = Annotated[int, Field(strict=True, ge=2, le=256), Allowed("a number of colours from 2 to 256")]
_Thresholds = Annotated[int, Field(strict=True, ge=1, le=100), Allowed("a whole number from 1 to 100")]
_Pieces = Annotated[int, Field(strict=True, ge=1, le=10_000), Allowed("a whole number from 1 to 10000")]
_Signed = Annotated[float, Field(strict=True, ge=-1, le=1), Allowed("a number from -1 to 1")]
_Zero = Annotated[int, Field(strict=True, ge=0, le=0), Allowed("0, the only level of an undistorted image")]
_Range = Annotated[
    tuple[Share, Share], AfterValidator(_rising), Allowed("a low and a high end, both from 0 to 1")
]
_Log2 = Annotated[float, Field(strict=True, ge=-30, le=10), Allowed("a number from -30 to 10")]
_Rate = Annotated[float, Field(strict=True, ge=0.001, le=24), Allowed("a number of bits from 0.001 to 24")]
_Ratio = Annotated[float, Field(strict=True, ge=1, le=24_000), Allowed("a ratio from 1 to 24000")]
_Defocus = Annotated[float, Field(strict=True, ge=0.1, le=165), Allowed("a number of pixels from 0.1 to 165")]
_Sigma = Annotated[float, Field(strict=True, ge=0.1, le=249), Allowed("a number of pixels from 0.1 to 249")]
_Radius = Annotated[float, Field(strict=True, ge=0.5, le=499), Allowed("a number of pixels from 0.5 to 499")]
_Length = Annotated[float, Field(strict=True, ge=1, le=1001), Allowed("a number of pixels from 1 to 1001")]
_Jitter = Annotated[float, Field(strict=True, gt=0, le=20), Allowed("a positive number of pixels up to 20")]
_Variance = Annotated[float, Field(strict=True, ge=1e-9, le=1000), Allowed("a number from 1e-9 to 1000")]
_UpTo2 = Annotated[float, Field(strict=True, gt=0, le=2), Allowed("a positive number up to 2")]
_UpTo50 = Annotated[float, Field(strict=True, gt=0, le=50), Allowed("a positive number up to 50")]
_UpTo100 = Annotated[float, Field(strict=True, gt=0, le=100), Allowed("a positive number up to 100")]
_Strength = Annotated[float, Field(strict=True, gt=0, le=0.9), Allowed("a positive number up to 0.9")]
_Types = Annotated[int, Field(strict=True, ge=1, le=7), Allowed("a whole number from 1 to 7")]

Odds = Annotated[tuple[_Odd, ...], _AT_MOST]
Qualities = Annotated[tuple[_Quality, ...], _AT_MOST]
Colours = Annotated[tuple[_Colours, ...], _AT_MOST]
Thresholds = Annotated[tuple[_Thresholds, ...], _AT_MOST]
Pieces = Annotated[tuple[_Pieces, ...], _AT_MOST]
Signed = Annotated[tuple[_Signed, ...], _AT_MOST]
Zeros = Annotated[tuple[_Zero, ...], Field(max_length=1)]
Ranges = Annotated[tuple[_Range, ...], _AT_MOST]
Log2s = Annotated[tuple[_Log2, ...], _AT_MOST]
Rates = Annotated[tuple[_Rate, ...], _AT_MOST]
Ratios = Annotated[tuple[_Ratio, ...], _AT_MOST]
Defocuses = Annotated[tuple[_Defocus, ...], _AT_MOST]
Sigmas = Annotated[tuple[_Sigma, ...], _AT_MOST]
Radii = Annotated[tuple[_Radius, ...], _AT_MOST]
Lengths = Annotated[tuple[_Length, ...], _AT_MOST]
Jitters = Annotated[tuple[_Jitter, ...], _AT_MOST]
Variances = Annotated[tuple[_Variance, ...], _AT_MOST]
UpToOne = Annotated[tuple[Part, ...], _AT_MOST]
UpTo2 = Annotated[tuple[_UpTo2, ...], _AT_MOST]
UpTo50 = Annotated[tuple[_UpTo50, ...], _AT_MOST]
UpTo100 = Annotated[tuple[_UpTo100, ...], _AT_MOST]
Strengths = Annotated[tuple[_Strength, ...], _AT_MOST]


class Types(Section):
    """The levels of the distortion types of a kind, weakest first; a type without levels is left out."""

    def levels(self) -> dict[str, tuple[Level, ...]]:
        """The levels of each type, in the order of the classes, not in that of the configuration.

        Snakemake puts the keys of a further configuration file first: an order of their own would number the
        classes anew wherever one type is changed.
        """
        return {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name)}


class SyntheticTypes(Types):
    """The synthetic types (DB-CNN), in the order of their classes."""

    gaussian_blur: Odds = ()
    """size of the kernel in pixels; sigma is a sixth of it"""
    white_noise: Log2s = ()
    """log2 of the variance on a [0, 1] image"""
    jpeg: Qualities = ()
    """libjpeg quality, 4:2:0"""
    jpeg2000: Rates = ()
    """bits per pixel"""
    contrast: Ranges = ()
    """range that the stretched channels are mapped into"""
    pink_noise: UpTo100 = ()
    """weight of the 1/f field"""
    color_dither: Colours = ()
    """colours of the palette"""
    overexposure: UpToOne = ()
    """added to a [0, 1] image (two of DB-CNN's levels are used: ours)"""
    underexposure: UpToOne = ()
    """subtracted from a [0, 1] image"""
    undistorted: Zeros = ()
    """[0]: the pristine image itself is the last class, with the best label; []: it is none (ours)"""


class AuthenticTypes(Types):
    """The authentic types, in the order in which a camera applies them."""

    defocus: Defocuses = ()
    """sigma of the Gaussian low-pass, in pixels"""
    motion_blur: Odds = ()
    """length of the line in pixels; the angle is random"""
    chromatic_aberration: UpTo100 = ()
    """shift of red and blue against green, in pixels"""
    overexposure: UpToOne = ()
    """added to a [0, 1] image"""
    underexposure: UpToOne = ()
    """subtracted from a [0, 1] image"""
    contrast: UpToOne = ()
    """factor by which the distance from mid-grey is multiplied"""
    jpeg: Qualities = ()
    """libjpeg quality, 4:2:0"""


class Kadid25Types(Types):
    """KADID-10k's types, in the order of their classes."""

    gaussian_blur: Sigmas = ()
    """sigma in pixels; the published .1 changes no pixel and is left out, and 3 is new"""
    lens_blur: Radii = ()
    """radius of the disc in pixels"""
    motion_blur: Lengths = ()
    """length of the line in pixels; the published 1 changes nothing and is left out, and 8 is new"""
    color_diffusion: UpTo50 = ()
    """x; a* and b* are blurred with a sigma of 1.5 x + 2 pixels, and multiplied by x"""
    color_shift: UpTo100 = ()
    """shift of green in pixels"""
    color_quantization: Colours = ()
    """colours of the palette"""
    saturation_hsv: Signed = ()
    """factor of HSV's saturation; below 0 the colours turn to their complements"""
    saturation_lab: UpTo100 = ()
    """factor of a* and b*; 1.5 replaces the published 1, which changes nothing"""
    jpeg2000: Ratios = ()
    """compression ratio against 24 bits per pixel"""
    jpeg: Qualities = ()
    """libjpeg quality, 4:2:0"""
    white_noise: Variances = ()
    """variance on a [0, 1] image"""
    white_noise_ycbcr: Variances = ()
    """variance in Y, Cb and Cr on [0, 1]"""
    impulse_noise: UpToOne = ()
    """share of the samples that become 0 or 255"""
    multiplicative_noise: Variances = ()
    """variance of the factor by which a sample is multiplied"""
    denoise: Variances = ()
    """variance of noise that is added, and then removed by non-local means (published: by the network
    DnCNN)"""
    brighten: UpTo2 = ()
    """twice what is added to mid-grey"""
    darken: UpTo2 = ()
    """twice what is taken from mid-grey"""
    mean_shift: Signed = ()
    """added to a [0, 1] image; published .15, .08, 0, -.08, -.15. There 0 changes nothing, and upwards
    and downwards are not ordered, so all are upwards here: .04, .22 and .3 are new"""
    jitter: Jitters = ()
    """standard deviation of a pixel's displacement, in pixels; it is displaced five times"""
    patches: Pieces = ()
    """number of patches of 16x16 pixels that are copied up to 8 pixels away"""
    pixelate: Strengths = ()
    """x; the image is shrunk by the factor .95 - x^.6 and enlarged again"""
    quantization: Thresholds = ()
    """number of thresholds between sample values"""
    color_block: Pieces = ()
    """number of squares of 32x32 pixels, each of one random colour"""
    sharpen: UpTo100 = ()
    """factor of the unsharp mask"""
    contrast: Signed = ()
    """steepness of the curve; published .3, .15, 0, -.4, -.6. There -.2 changes nothing, and more and
    less contrast are not ordered, so all are more contrast here: .45 and .6 are new"""


class Authentic(Section):
    """How several types are mixed in one image."""

    types: AuthenticTypes
    """the levels of each type, weakest first"""
    types_per_image: tuple[_Types, _Types]
    """fewest and most types in one image"""


class Corpus(Section):
    """A set of distorted images."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"kind": {"const": "authentic"}}},
            "then": {"required": ["total"]},
            "else": {"properties": {"total": False}},
        }
    )

    kind: CorpusKind
    """synthetic: one type at one level in an image; authentic: mixtures; kadid25: one of KADID-10k's 25 types
    at one level in an image"""
    sources: Names
    """names from sources.collections"""
    total: Count | None = None
    """authentic: about how many images to make from each source; each of its images has an equal share"""

    @model_validator(mode="after")
    def _has_its_total(self) -> Self:
        if self.kind == "authentic" and self.total is None:
            raise PydanticCustomError("rule", "a corpus of the kind authentic needs the key total")
        if self.kind != "authentic" and self.total is not None:
            about = {"kind": self.kind}
            raise PydanticCustomError(
                "rule", "a corpus of the kind {kind} has no key total; leave it out", about
            )
        return self


class DistortionsSection(Section):
    """The distorted images that are made of the pristine ones."""

    seed: Whole
    """seed of every random draw of this stage (ours)"""
    png_compression: PngCompression
    """zlib level of the lossless images: 0 is fastest to write and largest, 9 is smallest (ours)"""
    keep: Flag
    """false: the distorted images are temporary. A shard is deleted when all jobs of the run have read
    it. A later target that reads images makes them again, so name all targets at once (ours)"""
    corpora: Mapping[Name, Corpus]
    """A corpus is a set of distorted images; its name is a folder below results/. Without a source it is not
    made."""
    synthetic: SyntheticTypes
    """The synthetic types and their levels, weakest first (DB-CNN). The class index is the position in
    this order, also if another file changes a type. An empty list drops a type."""
    authentic: Authentic
    """The authentic types and their levels, in the order in which a camera applies them (ours)"""
    kadid25: Kadid25Types
    """KADID-10k's types and their levels, weakest first (Lin, Hosu and Saupe, 2019). If a published level
    changes nothing, or the levels are not ordered, the line says what was decided (ours)."""

    def levels(self, kind: CorpusKind) -> dict[str, tuple[Level, ...]]:
        """The levels of each type of a kind of corpus, in the order of the classes."""
        types: dict[CorpusKind, Types]
        types = {"synthetic": self.synthetic, "authentic": self.authentic.types, "kadid25": self.kadid25}
        return types[kind].levels()
