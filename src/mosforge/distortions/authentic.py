"""The types of the authentic corpus: what a camera does, several at once in a picture."""

from collections.abc import Mapping
from types import MappingProxyType

from mosforge.distortions.blur import defocus, motion_blur
from mosforge.distortions.codecs import encode_jpeg, jpeg
from mosforge.distortions.colour import chromatic_aberration
from mosforge.distortions.distortion import Distortion
from mosforge.distortions.tone import contrast_factor, overexposure, underexposure

TYPES: Mapping[str, Distortion] = MappingProxyType(
    {
        "defocus": Distortion(defocus, "sigma (pixels)", "lens out of focus: Gaussian low-pass"),
        "motion_blur": Distortion(
            motion_blur, "length (pixels)", "moving camera: a line at a random angle", random=True
        ),
        "chromatic_aberration": Distortion(
            chromatic_aberration, "shift (pixels)", "red and blue shifted against green", random=True
        ),
        "overexposure": Distortion(overexposure, "amount", "brightness raised, clipped"),
        "underexposure": Distortion(underexposure, "amount", "brightness lowered, clipped"),
        "contrast": Distortion(contrast_factor, "factor", "distance from mid-grey reduced"),
        "jpeg": Distortion(jpeg, "quality", "JPEG compression, 4:2:0", encode=encode_jpeg, suffix=".jpg"),
    }
)
"""Name to distortion, in the order in which a camera applies them. It is also the order of the labels."""

EXCLUSIVE = frozenset({"overexposure", "underexposure"})
"""At most one of these is in a picture."""
