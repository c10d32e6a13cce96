"""Parts of the fused engine against independent definitions of them."""

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from piq.fsim import _construct_filters, _phase_congruency
from piq.functional import rgb2lab
from skimage import color, data

from mosforge.metrics.fused.compilation import F32, Map, aligned, kernel
from mosforge.metrics.fused.fourier import is_slow_size, transform
from mosforge.metrics.fused.fsim import PhaseCongruency, lower_median, phase_congruency_in_float64
from mosforge.metrics.fused.pooling import pool
from mosforge.metrics.fused.powers import power
from mosforge.metrics.fused.resampling import ResampledTransforms, Resampling
from mosforge.metrics.fused.vsi import to_lab
from mosforge.metrics.fused.wavelets import ORIENTATIONS, SCALES, WaveletFilters, log_gabor_bank


@settings(max_examples=30, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(0, 2.0**120, width=32), min_size=1, max_size=60), repeats=st.integers(1, 5))
def test_lower_median_is_torch_median(values: list[float], repeats: int) -> None:
    array = np.array(values * repeats, np.float32)
    expected = float(torch.median(torch.from_numpy(array)))
    assert lower_median(array, np.empty(len(array), np.uint32)) == expected


@pytest.mark.parametrize("shape", [(321, 481), (481, 321), (218, 323), (164, 222), (167, 161)])
@pytest.mark.parametrize("content", ["noise", "patch"])
def test_resampled_responses_are_those_of_the_plain_transform(shape: tuple[int, int], content: str) -> None:
    """Large factors in both sides, even sides, and a prime; for a white spectrum, and a nearly flat one."""
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    if content == "patch":
        image[:] = 0
        image[40:60, 70:100] = 50
    bank = log_gabor_bank(shape)
    spectrum = aligned((*shape, 2))
    transform(image, spectrum)
    assert is_slow_size(shape)
    # Of white noise, a few ten-thousandths of the coarse responses come from what is left out.
    tolerances = (1e-6, 5e-5, 3e-4, 1e-3)
    grids = [Resampling(bank[:, scale]) for scale in range(SCALES)]
    energy = float((spectrum.astype(np.float64) ** 2).sum())
    assert all(grid.suffices(spectrum, energy) for grid in grids)
    transforms = ResampledTransforms(grids)
    for orientation in range(ORIENTATIONS):
        columns = transforms.columns(spectrum, orientation)
        for scale, tolerance in enumerate(tolerances):
            expected = scipy.fft.ifft2(scipy.fft.fft2(image.astype(np.float64)) * bank[orientation, scale])
            rows = columns[scale][transforms.places[scale]]
            pairs = np.einsum("wth,wt->wh", rows, transforms.weights[scale]).reshape(shape[1], shape[0], 2)
            got = (pairs[..., 0] + 1j * pairs[..., 1]).T
            assert np.abs(got - expected).max() < tolerance * np.abs(expected).max(), (orientation, scale)


def test_only_sizes_with_large_factors_are_resampled() -> None:
    assert is_slow_size((321, 481))
    assert is_slow_size((334, 500))
    assert not is_slow_size((333, 500))
    assert not is_slow_size((192, 256))


@pytest.mark.parametrize(("factor", "shift"), [(1, 0), (2, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
@pytest.mark.parametrize("replicate", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pooling_is_padding_and_averaging(factor: int, shift: int, replicate: bool, dtype: type) -> None:
    planes = np.random.default_rng(0).integers(0, 256, (2, 23, 31)).astype(dtype)
    pads = (shift, factor - 1 - shift, shift, factor - 1 - shift)
    padded = torch.nn.functional.pad(
        torch.from_numpy(planes).double(), pads, mode="replicate" if replicate else "constant"
    )
    expected = torch.nn.functional.avg_pool2d(padded, factor).numpy()
    out = np.empty(expected.shape, np.float32)
    pool(planes, out, factor, shift, replicate)
    np.testing.assert_allclose(out, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(24, 36), (25, 31)])
def test_filters_are_those_of_piq(shape: tuple[int, int]) -> None:
    expected = _construct_filters(torch.empty(1, 1, *shape, dtype=torch.float64)).view(4, 4, *shape)
    np.testing.assert_allclose(log_gabor_bank(shape), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(96, 120), (97, 101), (91, 106)])
def test_phase_congruency_is_that_of_piq(shape: tuple[int, int]) -> None:
    luma = np.ascontiguousarray(data.camera()[100 : 100 + shape[0], 150 : 150 + shape[1]], np.float32)
    x = torch.from_numpy(luma)[None, None].double()
    expected = _phase_congruency(x, _construct_filters(x))[0, 0].numpy()
    got = np.empty(shape, np.float32)
    filters = WaveletFilters(shape)
    PhaseCongruency(filters).compute(luma, got)
    np.testing.assert_allclose(got, expected, atol=2e-5)
    np.testing.assert_allclose(phase_congruency_in_float64(luma, filters.thresholds), expected, atol=1e-12)


@kernel
def powers(x: Map, exponent: F32, out: Map) -> None:
    for i in range(x.shape[0]):
        out[i] = power(x[i], exponent)


@pytest.mark.parametrize("exponent", [1 / 3, 0.03, 2.4])
def test_powers_have_the_digits_of_float32(exponent: float) -> None:
    x = np.random.default_rng(0).uniform(1e-3, 1.2, 100_000).astype(np.float32)
    out = np.empty_like(x)
    powers(x, F32(exponent), out)
    # The logarithm's last digit, 2**-22 of a unit here, is multiplied with the exponent.
    np.testing.assert_allclose(out, x.astype(np.float64) ** exponent, rtol=3e-7 + 7e-7 * exponent)


def test_lab_is_cie_lab() -> None:
    """scikit-image's, given the D50 white that piq divides by."""
    rgb = np.random.default_rng(0).random((64, 48, 3))
    rgb[0, 0] = 0
    xyz = color.rgb2xyz(rgb)
    expected = color.xyz2lab(xyz, illuminant="D50")
    planes = np.ascontiguousarray(rgb.transpose(2, 0, 1), np.float32)
    lab = np.empty_like(planes)
    to_lab(planes, lab)
    np.testing.assert_allclose(lab.transpose(1, 2, 0), expected, atol=2e-2)
    # piq's matrix has other last digits than scikit-image's.
    exact = rgb2lab(torch.from_numpy(planes)[None].double(), data_range=1.0)[0]
    np.testing.assert_allclose(lab, exact, atol=2e-4)
