"""The 25 types of KADID-10k, one type at one level in a picture (Lin, Hosu and Saupe, QoMEX 2019).

The operations are those of its generator, with symmetric borders throughout, and without the generator's
last step: it stretches each picture to the full range, which takes back a part of a mean shift.
"""

from collections.abc import Mapping
from types import MappingProxyType

from mosforge.distortions.blur import gaussian_lowpass, lens_blur, motion_blur
from mosforge.distortions.codecs import encode_jpeg, encode_jpeg2000_ratio, jpeg, jpeg2000_ratio
from mosforge.distortions.colour import color_dither, color_shift, hsv_saturation
from mosforge.distortions.distortion import Distortion
from mosforge.distortions.lab import brighten, color_diffusion, lab_saturation, sharpen
from mosforge.distortions.noise import (
    denoised,
    gaussian_noise,
    impulse_noise,
    multiplicative_noise,
    ycbcr_noise,
)
from mosforge.distortions.spatial import color_blocks, displaced_patches, jitter, pixelate
from mosforge.distortions.thresholds import quantize
from mosforge.distortions.tone import contrast_curve, darken, mean_shift

TYPES: Mapping[str, Distortion] = MappingProxyType(
    {
        "gaussian_blur": Distortion(gaussian_lowpass, "sigma (pixels)", "Gaussian blur"),
        "lens_blur": Distortion(lens_blur, "radius (pixels)", "lens out of focus: a disc"),
        "motion_blur": Distortion(
            motion_blur, "length (pixels)", "moving camera: a line at a random angle", random=True
        ),
        "color_diffusion": Distortion(color_diffusion, "amount", "colours run and grow stronger"),
        "color_shift": Distortion(color_shift, "shift (pixels)", "green shifted along edges", random=True),
        "color_quantization": Distortion(
            color_dither, "colours", "a small palette with Floyd-Steinberg dither", few_colours=True
        ),
        "saturation_hsv": Distortion(hsv_saturation, "factor", "saturation of HSV multiplied"),
        "saturation_lab": Distortion(lab_saturation, "factor", "a* and b* multiplied"),
        "jpeg2000": Distortion(
            jpeg2000_ratio,
            "compression ratio",
            "JPEG2000 compression",
            encode=encode_jpeg2000_ratio,
            suffix=".jp2",
        ),
        "jpeg": Distortion(jpeg, "quality", "JPEG compression, 4:2:0", encode=encode_jpeg, suffix=".jpg"),
        "white_noise": Distortion(
            gaussian_noise, "variance", "white Gaussian noise in each channel", random=True
        ),
        "white_noise_ycbcr": Distortion(
            ycbcr_noise, "variance", "white Gaussian noise in Y, Cb and Cr", random=True
        ),
        "impulse_noise": Distortion(impulse_noise, "density", "samples set to 0 or 255", random=True),
        "multiplicative_noise": Distortion(
            multiplicative_noise, "variance", "noise that grows with the sample", random=True
        ),
        "denoise": Distortion(denoised, "variance", "white noise, then a denoiser", random=True),
        "brighten": Distortion(brighten, "amount", "mid-tones raised"),
        "darken": Distortion(darken, "amount", "mid-tones lowered"),
        "mean_shift": Distortion(mean_shift, "amount", "brightness shifted, clipped"),
        "jitter": Distortion(
            jitter, "standard deviation (pixels)", "every pixel taken from beside its place", random=True
        ),
        "patches": Distortion(displaced_patches, "patches", "patches copied a little away", random=True),
        "pixelate": Distortion(pixelate, "strength", "fewer pixels, to the nearest"),
        "quantization": Distortion(quantize, "thresholds", "few sample values", few_colours=True),
        "color_block": Distortion(color_blocks, "blocks", "squares of one random colour", random=True),
        "sharpen": Distortion(sharpen, "amount", "unsharp masking of L*"),
        "contrast": Distortion(contrast_curve, "amount", "an S-shaped curve, or its opposite"),
    }
)
"""Name to distortion, in the order of KADID-10k's numbers, which is also that of the classes."""
