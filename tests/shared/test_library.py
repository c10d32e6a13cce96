"""The functions for other programs."""

import json
from pathlib import Path

import numpy as np
import pytest
from skimage import data

import mosforge
from mosforge import distort, metrics, pseudo_mos
from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.images import read_rgb
from mosforge.core.schemas.metrics import METRICS, orient
from mosforge.core.values import CorpusKind
from mosforge.distortions.kinds import TYPES
from mosforge.pmos.fusion import fuse_scores

IMAGE = np.ascontiguousarray(data.astronaut()[100:300, 100:320])
WEIGHTS = dict(zip(METRICS, (0.0, 0.0, 1.0, 1.0, 0.0, 1.0), strict=True))


@pytest.mark.parametrize(("type", "level"), [("jpeg", 5), ("white_noise", 2), ("overexposure", 1)])
def test_an_image_is_distorted_as_on_the_command_line(type: str, level: int, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    words = ["distort", str(tmp_path / "image.png"), "--type", type, "--level", str(level), "--seed", "4"]
    assert main([*words, "-o", str(tmp_path / "out.png")]) == 0
    found = distort(IMAGE, type, level, seed=4)
    assert np.array_equal(found, read_rgb(tmp_path / "out.png"))
    assert found.shape == IMAGE.shape
    assert not np.array_equal(found, IMAGE)


@pytest.mark.parametrize("kind", ["synthetic", "authentic", "kadid25"])
def test_the_result_is_an_array_of_the_callers_own(kind: CorpusKind) -> None:
    """Also of a view, and of an array that may not be written."""
    view = np.ascontiguousarray(IMAGE[::-1])[::-1]
    view.flags.writeable = False
    for type in ("jpeg", "jpeg2000", "color_dither", "color_quantization", "pixelate", "motion_blur"):
        if type in TYPES[kind]:
            found = distort(view, type, 2, kind=kind)
            np.testing.assert_array_equal(found, distort(IMAGE, type, 2, kind=kind))
            found[:] = 0  # nothing refuses it
            assert np.array_equal(view, IMAGE)


def test_the_kinds_have_types_of_their_own() -> None:
    assert distort(IMAGE, "sharpen", 5, kind="kadid25").shape == IMAGE.shape
    with pytest.raises(MosforgeError, match="no synthetic distortion type 'sharpen'"):
        distort(IMAGE, "sharpen", 5)
    with pytest.raises(MosforgeError, match="no level 6 of jpeg; its levels are 1 to 5"):
        distort(IMAGE, "jpeg", 6)
    for level in (True, 2.0, "3", None):
        with pytest.raises(MosforgeError, match=f"no level {level} of jpeg"):
            distort(IMAGE, "jpeg", level)
    for seed in (-1, True, 1.5, "3", None):  # None would draw anew in each call
        with pytest.raises(MosforgeError, match=f"seed: {seed!r} is not a whole number from 0"):
            distort(IMAGE, "white_noise", 1, seed=seed)
    with pytest.raises(MosforgeError, match="no kind of corpus 'KADID25'; there are synthetic"):
        distort(IMAGE, "jpeg", 1, kind="KADID25")
    with pytest.raises(MosforgeError, match="uint8"):
        distort(IMAGE.astype(np.float64), "jpeg", 1)
    with pytest.raises(MosforgeError, match="161"):
        distort(IMAGE[:100], "jpeg", 1)


@pytest.mark.parametrize(("fusion", "scale"), [("quantile", 2), ("mean", "auto")])
def test_the_pseudo_mos_is_that_of_the_corpus(fusion: str, scale: int | str, tmp_path: Path) -> None:
    images = [distort(IMAGE, "gaussian_blur", level) for level in (1, 3, 5)]
    scores = metrics.score(IMAGE, images, scale=scale)
    fused = fuse_scores(scores, fusion, 11, WEIGHTS)
    file = tmp_path / "corpus.mapping.json"
    file.write_text(json.dumps(fused.mapping | {"scale": scale}))
    found = pseudo_mos(IMAGE, images, file)
    assert found == pytest.approx(fused.pmos)
    assert found[0] > found[1] > found[2]
    if fusion == "mean":
        assert found == pytest.approx(orient(scores)[:, [2, 3, 5]].mean(axis=1))


def test_another_file_is_no_mapping(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(MosforgeError, match=r"x\.json: not the mapping of a corpus"):
        pseudo_mos(IMAGE, [IMAGE], tmp_path / "x.json")
    with pytest.raises(MosforgeError, match="a folder; name the file"):
        pseudo_mos(IMAGE, [IMAGE], tmp_path)


def test_they_are_at_the_top() -> None:
    assert set(mosforge.__all__) == {
        *("Score", "Scorer", "__version__", "distort", "metrics", "pretrained_backbone", "pseudo_mos")
    }
    assert all(getattr(mosforge, name) is not None for name in mosforge.__all__)


@pytest.mark.parametrize(
    "change",
    [
        {"fusion": "Mean"},
        {"weights": WEIGHTS | {"ssim": float("nan")}},
        {"weights": WEIGHTS | {"ssim": -5}},
        {"weights": WEIGHTS | {"ssim": "1"}},
        {"weights": {"ssim": 1}},
        {"weights": dict.fromkeys(METRICS, 0)},
    ],
)
def test_a_mapping_with_impossible_weights_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    mapping = {"fusion": "mean", "weights": WEIGHTS, "scale": 1}
    for values in (mapping, mapping | change):
        (tmp_path / "x.json").write_text(json.dumps(values))
        if values == mapping:
            assert pseudo_mos(IMAGE, [IMAGE], tmp_path / "x.json").tolist() == [1]
        else:
            with pytest.raises(MosforgeError, match=r"x\.json: not the mapping"):
                pseudo_mos(IMAGE, [IMAGE], tmp_path / "x.json")


CURVE = {"upper": 1.0, "lower": 0.0, "centre": 0.5, "width": -0.1}
KNOTS = (-1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("fusion", "change", "words"),
    [
        ("quantile", {"knots": None}, "knots of ssim, ms_ssim"),
        ("quantile", {"knots": {"ssim": [0.0, 1.0]}}, "knots of ssim, ms_ssim"),
        ("quantile", {"knots": dict.fromkeys(METRICS, KNOTS) | {"vsi": [0.0]}}, "knots"),
        ("quantile", {"knots": dict.fromkeys(METRICS, ())}, "knots"),
        ("quantile", {"knots": dict.fromkeys(METRICS, (0.0,))}, "knots"),
        (
            "quantile",
            {"knots": dict.fromkeys(METRICS, KNOTS) | {"vsi": KNOTS[::-1]}},
            "knots: the numbers of a metric must not fall",
        ),
        ("quantile", {"distances": ["vsi"]}, "distances: vsi; they must be mdsi, gmsd"),
        ("quantile", {"knots": dict.fromkeys(METRICS, ("0", "1"))}, "knots.ssim"),
        ("logistic", {"fitted": None}, "fitted"),
        ("calibrated", {"fitted": {"dataset": "x", "curves": {}}}, "fitted.curves of ssim, ms_ssim"),
        ("logistic", {"fitted": {"dataset": "x", "curves": {"ssim": {}}}}, "fitted.curves.ssim"),
        ("mean", {"scale": "large"}, "scale: 'large'"),
    ],
)
def test_a_mapping_without_what_its_fusion_needs_is_refused(
    tmp_path: Path, fusion: str, change: dict[str, object], words: str
) -> None:
    """A whole one is read, also with a curve whose width a fit left negative."""
    whole = {
        "fusion": fusion,
        "distances": ["mdsi", "gmsd"],
        "weights": WEIGHTS,
        "knots": dict.fromkeys(METRICS, KNOTS),
        "fitted": {"dataset": "x", "curves": dict.fromkeys(METRICS, CURVE)},
        "scale": 1,
    }
    file = tmp_path / "x.json"
    file.write_text(json.dumps(whole))
    assert pseudo_mos(IMAGE, [IMAGE], file) == pytest.approx([1], abs=0.01)
    changed = {key: value for key, value in (whole | change).items() if value is not None}
    file.write_text(json.dumps(changed))
    with pytest.raises(MosforgeError, match=rf"x\.json: not the mapping .*{words}"):
        pseudo_mos(IMAGE, [IMAGE], file)
