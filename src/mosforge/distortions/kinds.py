"""The distortion types of each kind of corpus: the nine of DB-CNN, those of a camera, KADID-10k's 25."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels, check_pixels
from mosforge.core.values import Level
from mosforge.distortions import blur, codecs, colour, noise, spatial, tone


@dataclass(frozen=True)
class DistortionType:
    """A function on images, and how its result is stored.

    Attributes:
        function: `(pixels, parameter)`, or `(pixels, parameter, rng)` if `random`; returns pixels.
        parameter: the meaning of a level's number, with its unit.
        about: one sentence for people.
        random: whether the function draws random numbers.
        encode: `(pixels, parameter)` to the codec's bitstream, which is stored as it is.
        suffix: ending of the stored file.
        few_colours: whether the result has few colours, which other settings of PNG store best.
    """

    function: Callable[..., Pixels]
    parameter: str
    about: str
    random: bool = False
    encode: Callable[[Pixels, float], bytes] | None = None
    suffix: str = ".png"
    few_colours: bool = False

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


_JPEG = DistortionType(
    codecs.jpeg, "quality", "JPEG compression, 4:2:0", encode=codecs.encode_jpeg, suffix=".jpg"
)
_MOTION_BLUR = DistortionType(
    blur.motion_blur, "length (pixels)", "moving camera: a line at a random angle", random=True
)
_OVEREXPOSURE = DistortionType(tone.overexposure, "amount", "brightness raised, clipped")
_UNDEREXPOSURE = DistortionType(tone.underexposure, "amount", "brightness lowered, clipped")
_PALETTE = DistortionType(
    colour.color_dither, "colours", "a small palette with Floyd-Steinberg dither", few_colours=True
)

SYNTHETIC: Mapping[str, DistortionType] = MappingProxyType(
    {
        "gaussian_blur": DistortionType(
            blur.gaussian_blur, "kernel size (pixels)", "Gaussian blur, sigma a sixth of the kernel size"
        ),
        "white_noise": DistortionType(
            noise.white_noise, "log2 of the variance", "white Gaussian noise in each channel", random=True
        ),
        "jpeg": _JPEG,
        "jpeg2000": DistortionType(
            codecs.jpeg2000,
            "bits per pixel",
            "JPEG2000 compression",
            encode=codecs.encode_jpeg2000,
            suffix=".jp2",
        ),
        "contrast": DistortionType(
            tone.contrast_range, "range", "each channel stretched, then mapped into a range"
        ),
        "pink_noise": DistortionType(noise.pink_noise, "weight", "1/f noise in each channel", random=True),
        "color_dither": _PALETTE,
        "overexposure": _OVEREXPOSURE,
        "underexposure": _UNDEREXPOSURE,
    }
)
"""DB-CNN's types, of which an image has one at one level; in the order of the classes."""

AUTHENTIC: Mapping[str, DistortionType] = MappingProxyType(
    {
        "defocus": DistortionType(blur.defocus, "sigma (pixels)", "lens out of focus: Gaussian low-pass"),
        "motion_blur": _MOTION_BLUR,
        "chromatic_aberration": DistortionType(
            colour.chromatic_aberration, "shift (pixels)", "red and blue shifted against green", random=True
        ),
        "overexposure": _OVEREXPOSURE,
        "underexposure": _UNDEREXPOSURE,
        "contrast": DistortionType(tone.contrast_factor, "factor", "distance from mid-grey reduced"),
        "jpeg": _JPEG,
    }
)
"""A camera's types, of which an image has several; in the order in which a camera applies them, which is
also that of the labels."""

EXCLUSIVE = frozenset({"overexposure", "underexposure"})
"""At most one of these is in an image."""

KADID25: Mapping[str, DistortionType] = MappingProxyType(
    {
        "gaussian_blur": DistortionType(blur.gaussian_lowpass, "sigma (pixels)", "Gaussian blur"),
        "lens_blur": DistortionType(blur.lens_blur, "radius (pixels)", "lens out of focus: a disc"),
        "motion_blur": _MOTION_BLUR,
        "color_diffusion": DistortionType(colour.color_diffusion, "amount", "colours run and grow stronger"),
        "color_shift": DistortionType(
            colour.color_shift, "shift (pixels)", "green shifted near edges", random=True
        ),
        "color_quantization": _PALETTE,
        "saturation_hsv": DistortionType(colour.hsv_saturation, "factor", "saturation of HSV multiplied"),
        "saturation_lab": DistortionType(colour.lab_saturation, "factor", "a* and b* multiplied"),
        "jpeg2000": DistortionType(
            codecs.jpeg2000_ratio,
            "compression ratio",
            "JPEG2000 compression",
            encode=codecs.encode_jpeg2000_ratio,
            suffix=".jp2",
        ),
        "jpeg": _JPEG,
        "white_noise": DistortionType(
            noise.gaussian_noise, "variance", "white Gaussian noise in each channel", random=True
        ),
        "white_noise_ycbcr": DistortionType(
            noise.ycbcr_noise, "variance", "white Gaussian noise in Y, Cb and Cr", random=True
        ),
        "impulse_noise": DistortionType(
            noise.impulse_noise, "density", "samples set to 0 or 255", random=True
        ),
        "multiplicative_noise": DistortionType(
            noise.multiplicative_noise, "variance", "noise that grows with the sample", random=True
        ),
        "denoise": DistortionType(noise.denoised, "variance", "white noise, then a denoiser", random=True),
        "brighten": DistortionType(colour.brighten, "amount", "mid-tones raised"),
        "darken": DistortionType(tone.darken, "amount", "mid-tones lowered"),
        "mean_shift": DistortionType(tone.mean_shift, "amount", "brightness shifted, clipped"),
        "jitter": DistortionType(
            spatial.jitter,
            "standard deviation (pixels)",
            "every pixel taken from beside its place",
            random=True,
        ),
        "patches": DistortionType(
            spatial.displaced_patches, "patches", "patches copied a little away", random=True
        ),
        "pixelate": DistortionType(spatial.pixelate, "strength", "fewer pixels, to the nearest"),
        "quantization": DistortionType(tone.quantize, "thresholds", "few sample values", few_colours=True),
        "color_block": DistortionType(
            spatial.color_blocks, "blocks", "squares of one random colour", random=True
        ),
        "sharpen": DistortionType(colour.sharpen, "amount", "unsharp masking of L*"),
        "contrast": DistortionType(tone.contrast_curve, "amount", "an S-shaped curve, or its opposite"),
    }
)
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
    if name not in TYPES[kind]:
        raise MosforgeError(f"no {kind} distortion type {name!r}; there are {', '.join(TYPES[kind])}")
    return TYPES[kind][name]


def is_bitstream(kind: str, name: str) -> bool:
    """Whether images of a type are stored as the bitstream of its codec, and not as PNG."""
    return name in TYPES[kind] and TYPES[kind][name].encode is not None
