"""The types of the synthetic corpus: one type at one level in a picture (DB-CNN's nine)."""

from collections.abc import Mapping
from types import MappingProxyType

from mosforge.distortions.blur import gaussian_blur
from mosforge.distortions.codecs import encode_jpeg, encode_jpeg2000, jpeg, jpeg2000
from mosforge.distortions.colour import color_dither
from mosforge.distortions.distortion import Distortion
from mosforge.distortions.noise import pink_noise, white_noise
from mosforge.distortions.tone import contrast_range, overexposure, underexposure

TYPES: Mapping[str, Distortion] = MappingProxyType(
    {
        "gaussian_blur": Distortion(
            gaussian_blur, "kernel size (pixels)", "Gaussian blur, sigma a sixth of the kernel size"
        ),
        "white_noise": Distortion(
            white_noise, "log2 of the variance", "white Gaussian noise in each channel", random=True
        ),
        "jpeg": Distortion(jpeg, "quality", "JPEG compression, 4:2:0", encode=encode_jpeg, suffix=".jpg"),
        "jpeg2000": Distortion(
            jpeg2000, "bits per pixel", "JPEG2000 compression", encode=encode_jpeg2000, suffix=".jp2"
        ),
        "contrast": Distortion(contrast_range, "range", "each channel stretched, then mapped into a range"),
        "pink_noise": Distortion(pink_noise, "weight", "1/f noise in each channel", random=True),
        "color_dither": Distortion(
            color_dither, "colours", "a small palette with Floyd-Steinberg dither", few_colours=True
        ),
        "overexposure": Distortion(overexposure, "amount", "brightness raised, clipped"),
        "underexposure": Distortion(underexposure, "amount", "brightness lowered, clipped"),
    }
)
"""Name to distortion, in the order of the classes, whatever that of a configuration (`plans.in_order`)."""
