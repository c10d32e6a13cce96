"""The distortion types of each kind of corpus: the nine of DB-CNN, those of a camera, KADID-10k's 25.

And their classes: the meaning of an index of the softmax, or of a bit of the labels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, check_pixels
from mosforge.core.schemas.distortions import UNDISTORTED, class_name
from mosforge.core.values import Level, is_whole
from mosforge.distortions import blur, codecs, colour, noise, spatial, tone
from mosforge.distortions.operation import unchanged

Mixture = tuple[tuple[str, int], ...]
"""The distortions of an authentic image: (type, level from 1) pairs in the order of `AUTHENTIC`."""


@dataclass(frozen=True)
class DistortionType:
    """A function on images, and how its result is stored."""

    function: Callable[..., Pixels]  # of pixels and parameter, and if `random` of a generator, too
    parameter: str  # the meaning of a level's number, with its unit
    random: bool = False  # whether the function draws random numbers
    encode: Callable[..., bytes] | None = None  # pixels and parameter to a bitstream, stored as it is
    suffix: str = ".png"  # ending of the stored file
    few_colours: bool = False  # of the result: other settings of PNG store it best

    def apply(self, pixels: Pixels, parameter: Level, rng: np.random.Generator) -> Pixels:
        """Distorts an image.

        Args:
            pixels: uint8 RGB, shape (height, width, 3).
            parameter: the value of the level.
            rng: source of the random numbers; not used unless `random`.

        Returns:
            uint8 RGB, same shape.

        Raises:
            MosforgeError: `pixels` is no such array, or the type does not allow the parameter.
        """
        check_pixels(pixels)
        return self.function(pixels, parameter, rng) if self.random else self.function(pixels, parameter)


def _codec(encode: Callable[[Pixels, float], bytes], parameter: str, suffix: str) -> DistortionType:
    def there_and_back(pixels: Pixels, value: float) -> Pixels:
        return codecs.decode(encode(pixels, value))

    return DistortionType(there_and_back, parameter, encode=encode, suffix=suffix)


_JPEG = _codec(codecs.encode_jpeg, "quality", ".jpg")
_MOTION_BLUR = DistortionType(blur.motion_blur, "length (pixels)", random=True)
_OVEREXPOSURE = DistortionType(tone.overexposure, "amount")
_UNDEREXPOSURE = DistortionType(tone.underexposure, "amount")
_PALETTE = DistortionType(colour.color_dither, "colours", few_colours=True)

SYNTHETIC: Mapping[str, DistortionType] = {
    "gaussian_blur": DistortionType(blur.gaussian_blur, "kernel size (pixels)"),
    "white_noise": DistortionType(noise.white_noise, "log2 of the variance", random=True),
    "jpeg": _JPEG,
    "jpeg2000": _codec(codecs.encode_jpeg2000, "bits per pixel", ".jp2"),
    "contrast": DistortionType(tone.contrast_range, "range"),
    "pink_noise": DistortionType(noise.pink_noise, "weight", random=True),
    "color_dither": _PALETTE,
    "overexposure": _OVEREXPOSURE,
    "underexposure": _UNDEREXPOSURE,
    UNDISTORTED: DistortionType(unchanged, "nothing changed"),
}
"""DB-CNN's types and the undistorted image, of which an image has one at one level; in the order of the
classes."""

AUTHENTIC: Mapping[str, DistortionType] = {
    "defocus": DistortionType(blur.defocus, "sigma (pixels)"),
    "motion_blur": _MOTION_BLUR,
    "chromatic_aberration": DistortionType(colour.chromatic_aberration, "shift (pixels)", random=True),
    "overexposure": _OVEREXPOSURE,
    "underexposure": _UNDEREXPOSURE,
    "contrast": DistortionType(tone.contrast_factor, "factor"),
    "jpeg": _JPEG,
}
"""A camera's types, of which an image has several; in the order in which a camera applies them, which is
also that of the labels."""

EXCLUSIVE = frozenset({"overexposure", "underexposure"})
"""At most one of these is in an image."""

KADID25: Mapping[str, DistortionType] = {
    "gaussian_blur": DistortionType(blur.gaussian_lowpass, "sigma (pixels)"),
    "lens_blur": DistortionType(blur.lens_blur, "radius (pixels)"),
    "motion_blur": _MOTION_BLUR,
    "color_diffusion": DistortionType(colour.color_diffusion, "amount"),
    "color_shift": DistortionType(colour.color_shift, "shift (pixels)", random=True),
    "color_quantization": _PALETTE,
    "saturation_hsv": DistortionType(colour.hsv_saturation, "factor"),
    "saturation_lab": DistortionType(colour.lab_saturation, "factor"),
    "jpeg2000": _codec(codecs.encode_jpeg2000_ratio, "compression ratio", ".jp2"),
    "jpeg": _JPEG,
    "white_noise": DistortionType(noise.gaussian_noise, "variance", random=True),
    "white_noise_ycbcr": DistortionType(noise.ycbcr_noise, "variance", random=True),
    "impulse_noise": DistortionType(noise.impulse_noise, "density", random=True),
    "multiplicative_noise": DistortionType(noise.multiplicative_noise, "variance", random=True),
    "denoise": DistortionType(noise.denoised, "variance", random=True),
    "brighten": DistortionType(colour.brighten, "amount"),
    "darken": DistortionType(tone.darken, "amount"),
    "mean_shift": DistortionType(tone.mean_shift, "amount"),
    "jitter": DistortionType(spatial.jitter, "standard deviation (pixels)", random=True),
    "patches": DistortionType(spatial.displaced_patches, "patches", random=True),
    "pixelate": DistortionType(spatial.pixelate, "strength"),
    "quantization": DistortionType(tone.quantize, "thresholds", few_colours=True),
    "color_block": DistortionType(spatial.color_blocks, "blocks", random=True),
    "sharpen": DistortionType(colour.sharpen, "amount"),
    "contrast": DistortionType(tone.contrast_curve, "amount"),
}
"""The types of KADID-10k (Lin, Hosu and Saupe, QoMEX 2019), of which an image has one at one level; in the
order of the classes.

The operations are those of its generator, with symmetric borders throughout, and without the generator's last
step, which stretches each image to the full range and so takes back a part of a mean shift.
"""

TYPES: Mapping[str, Mapping[str, DistortionType]] = {
    "synthetic": SYNTHETIC,
    "authentic": AUTHENTIC,
    "kadid25": KADID25,
}
"""The types of each kind of corpus."""


def type_of(kind: str, name: str) -> DistortionType:
    """A distortion type of a kind of corpus.

    Raises:
        MosforgeError: the kind has no such type; the message lists those that it has.
    """
    if kind not in TYPES:
        raise MosforgeError(f"no kind of corpus {kind!r}; there are {', '.join(TYPES)}")
    if name not in TYPES[kind]:
        raise MosforgeError(f"no {kind} distortion type {name!r}; there are {', '.join(TYPES[kind])}")
    return TYPES[kind][name]


def level_value(levels: Mapping[str, Sequence[Level]], type: str, level: int) -> Level:
    """The value of a distortion type's level.

    Args:
        levels: of each type, weakest first.
        type: name of the type.
        level: from 1.

    Raises:
        MosforgeError: the type has no such level.
    """
    values = levels.get(type, ())
    if not (is_whole(level) and 1 <= level <= len(values)):
        there = f"1 to {len(values)}" if values else "none configured"
        raise MosforgeError(f"no level {level} of {type}; its levels are {there}")
    return values[level - 1]


def is_bitstream(kind: str, name: str) -> bool:
    """Whether images of a type are stored as the bitstream of its codec, and not as PNG."""
    return name in TYPES[kind] and TYPES[kind][name].encode is not None


@dataclass(frozen=True)
class DistortionClass:
    """One row of a class table."""

    index: int  # class index, or bit of the labels, from 0
    type: str  # name of the distortion type
    level: int | None  # from 1 (weakest); None for a bit that stands for the type at any level
    parameter: Level | None  # the level's value; None for such a bit

    @property
    def name(self) -> str:
        """The name in lists of classes: the type, and its level; an undistorted image has only one."""
        return class_name(self.type, self.level)


def classes_of(kind: str, levels: Mapping[str, Sequence[Level]]) -> list[DistortionClass]:
    """The class table of a kind of corpus; a type without levels is not in it.

    Where an image has one type, it has a class for every (type, level), in the order of `levels`. Where it
    has several, a bit for every type, then one for every (type, level), both in the camera's order.
    """
    is_authentic = kind == "authentic"
    names = [name for name in (AUTHENTIC if is_authentic else levels) if levels.get(name)]
    types: list[tuple[str, int | None, Level | None]] = [(name, None, None) for name in names if is_authentic]
    pairs = [(name, i, value) for name in names for i, value in enumerate(levels[name], start=1)]
    return [DistortionClass(index, *row) for index, row in enumerate([*types, *pairs])]


def labels(mixture: Mixture, classes: Sequence[DistortionClass]) -> list[int]:
    """The label vector of a mixture: 1 for every type and every (type, level) in it.

    Args:
        mixture: the distortions of an image.
        classes: the rows of `classes_of`.

    Returns:
        A 0 or 1 for each row.
    """
    present = {*mixture, *((name, None) for name, _ in mixture)}
    return [int((row.type, row.level) in present) for row in classes]
