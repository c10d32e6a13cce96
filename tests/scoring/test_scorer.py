"""`Scorer`: the same image gets the same score, however it is handed over."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import expit, softmax
from skimage import data

from mosforge.core.errors import MosforgeError, UnreadableImageError
from mosforge.core.images import at_least, read_rgb
from mosforge.models.card import card_markdown
from mosforge.models.crops import CropOutputs, draw_boxes, grid_boxes, predict, view
from mosforge.models.folder import load_card, load_model, save_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.scoring.scorer import Scorer, class_probabilities, pixels_digest

Model = Callable[..., Path]
CPU = torch.device("cpu")


def test_the_same_image_gets_the_same_score_on_every_call(model: Model, images: Path) -> None:
    scorer = Scorer(model(), device="cpu")
    paths = sorted(images.rglob("*.*g"))
    torch.manual_seed(0)
    first = {path: scorer.score(path) for path in paths}
    assert len(first) == 4
    torch.manual_seed(1)
    np.random.default_rng().random()
    assert {path: scorer.score(path) for path in reversed(paths)} == first
    assert Scorer(model(), device="cpu").score(paths[2]) == first[paths[2]]
    assert len({score.quality for score in first.values()}) == 4


def test_file_image_and_array_get_the_same_score(model: Model, images: Path, tmp_path: Path) -> None:
    scorer = Scorer(model(), device="cpu")
    path = images / "a coffee.png"
    expected = scorer.score(path)
    assert scorer.score(str(path)) == expected
    assert scorer.score(Image.open(path)) == expected
    pixels = read_rgb(path)
    assert scorer.score(pixels) == expected
    assert scorer.score(np.asfortranarray(pixels)) == expected
    wider = np.concatenate([pixels, pixels], axis=1)
    assert scorer.score(wider[:, : pixels.shape[1]]) == expected, "a view into a larger image"
    shutil.copy(path, tmp_path / "another name.tiff")
    assert scorer.score(tmp_path / "another name.tiff") == expected
    Image.fromarray(pixels).save(tmp_path / "another format.bmp")
    assert scorer.score(tmp_path / "another format.bmp") == expected


def test_a_sideways_image_is_scored_upright(model: Model, images: Path, tmp_path: Path) -> None:
    scorer = Scorer(model(), device="cpu")
    upright = Image.open(images / "a coffee.png")
    exif = Image.Exif()
    exif[274] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "sideways.png", exif=exif)
    expected = scorer.score(upright)
    assert scorer.score(tmp_path / "sideways.png") == expected
    assert scorer.score(Image.open(tmp_path / "sideways.png")) == expected


def test_the_number_of_crops(model: Model, images: Path) -> None:
    folder = model()
    image = images / "a coffee.png"
    default, same, other = (Scorer(folder, crops=crops, device="cpu").score(image) for crops in (None, 5, 30))
    assert default == same
    assert other.quality != default.quality
    assert other.quality == pytest.approx(default.quality, abs=4 * max(default.spread, 1e-3))
    for crops in (-1, 1001, 2.5, True, "grid"):
        with pytest.raises(
            MosforgeError, match=f"crops: {crops!r} is neither a number of crops up to 1000 nor 0"
        ):
            Scorer(folder, crops=crops)


def test_a_grid_of_crops_and_the_view_of_a_large_image(model: Model) -> None:
    folder = model(test_crops="grid", view_side=100)
    scorer, (network, _) = Scorer(folder, device="cpu"), load_model(folder)
    pixels = np.random.default_rng(1).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    small = view(pixels, 100)
    found = scorer.crop_scores(pixels)
    np.testing.assert_array_equal(found.pixels, small)
    np.testing.assert_array_equal(found.boxes, grid_boxes(small, 64))
    expected = predict(network, small, grid_boxes(small, 64), 64, CPU).scores
    np.testing.assert_array_equal(found.qualities, expected)
    assert scorer.score(pixels) == scorer.score(small) == found.score
    assert found.score.raw == pytest.approx(expected.mean())
    whole = Scorer(model(test_crops="grid"), device="cpu").score(pixels)
    assert whole.quality != found.score.quality, "without that fact every image is shown in its own size"
    own = Scorer(folder, device="cpu", crops=5).crop_scores(pixels)
    assert own.pixels.shape == pixels.shape, "random crops are of the image's own size"
    with pytest.raises(MosforgeError, match="test_crops"):
        Scorer(model(test_crops="many"), device="cpu")


def test_the_scores_of_one_image_at_two_sizes_are_near(model: Model) -> None:
    """Both are larger than the view, so the network is shown nearly the same pixels."""
    scorer = Scorer(model(test_crops="grid", view_side=100), device="cpu")
    coffee = Image.fromarray(data.coffee())
    large = coffee.resize((1200, 800), Image.Resampling.LANCZOS)
    small = coffee.resize((300, 200), Image.Resampling.LANCZOS)
    spread = abs(scorer.score(small).quality - scorer.score(coffee.crop((0, 0, 100, 100))).quality)
    assert abs(scorer.score(large).quality - scorer.score(small).quality) < 0.2 * spread


def test_a_network_of_one_size_takes_no_whole_image(model: Model, tmp_path: Path) -> None:
    card = load_card(model()) | {"backbone": "vit_tiny_patch16_224", "crop": 224}
    save_model(tmp_path / "vit", Network(card["backbone"], ScoreHead(192, 0.5)), card)
    with pytest.raises(MosforgeError, match="crops: 0: vit_tiny_patch16_224 takes no whole images"):
        Scorer(tmp_path / "vit", crops=0, device="cpu")


def test_more_crops_than_go_through_at_once(model: Model, images: Path) -> None:
    network, _ = load_model(model())
    pixels = read_rgb(images / "b.jpg")
    boxes = draw_boxes(pixels, 64, 70, "x")
    together = predict(network, pixels, boxes, 64, CPU).scores
    single = np.array([predict(network, pixels, box[None], 64, CPU).scores[0] for box in boxes[-8:]])
    assert together.shape == (70,)
    np.testing.assert_allclose(together[-8:], single, atol=1e-5)


def test_the_score_is_on_the_scale_and_in_the_direction_of_the_dataset(model: Model, images: Path) -> None:
    image = images / "a coffee.png"
    mos = Scorer(model(range=[1.0, 5.0]), device="cpu").score(image)
    dmos = Scorer(model(range=[-10.0, 110.0], higher_is_better=False), device="cpu").score(image)
    assert mos.quality == dmos.quality
    assert 0 < mos.quality < 1
    assert mos.quality != 0.5
    assert mos.score == pytest.approx(1 + 4 * mos.quality)
    assert dmos.score == pytest.approx(110 - 120 * dmos.quality)


def test_the_quality_is_cut_off_at_the_ends(
    model: Model, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model(range=[0.0, 100.0], higher_is_better=False)
    for raw, quality, score in ((1.7, 1.0, 0.0), (-0.3, 0.0, 100.0)):
        monkeypatch.setattr(
            "mosforge.scoring.scorer.run_network",
            lambda *_, raw=raw: CropOutputs(np.zeros((5, 1)), np.full(5, raw), None),
        )
        got = Scorer(folder, device="cpu").score(images / "b.jpg")
        assert (got.quality, got.score, got.spread) == (quality, score, 0.0)
        assert got.raw == pytest.approx(raw)
    monkeypatch.setattr(
        "mosforge.scoring.scorer.run_network",
        lambda *_: CropOutputs(np.zeros((5, 1)), np.full(5, np.nan), None),
    )
    with pytest.raises(MosforgeError, match="not a number"):
        Scorer(folder, device="cpu").score(images / "b.jpg")


def test_a_model_that_was_not_trained_to_score_is_refused(model: Model) -> None:
    with pytest.raises(MosforgeError, match="objective cls"):
        Scorer(model("multitask", objective="cls"), device="cpu")


@pytest.mark.slow
def test_quality_and_spread_are_those_of_the_crops(model: Model, images: Path) -> None:
    scorer = Scorer(model(), crops=200, device="cpu")
    score = scorer.score(images / "a coffee.png")
    network, _ = load_model(model())
    pixels = read_rgb(images / "a coffee.png")
    every = np.array([(top, left, 64) for top in range(0, 37, 4) for left in range(0, 77, 4)])
    dense = predict(network, pixels, every, 64, CPU).scores
    assert score.quality == pytest.approx(dense.mean(), abs=5 * dense.std() / np.sqrt(200) + 1e-4)
    assert score.spread == pytest.approx(dense.std(), rel=0.3)


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (64, 64), (1, 1), (5, 300)])
def test_an_image_smaller_than_a_crop_is_continued_by_mirroring(model: Model, shape: tuple[int, int]) -> None:
    scorer = Scorer(model(), device="cpu")
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    score = scorer.score(pixels)
    assert 0 <= score.quality <= 1
    if max(shape) <= 64:
        assert score.spread == 0
        network, _ = load_model(model())
        with torch.inference_mode():
            expected = network(torch.from_numpy(at_least(pixels, 64).copy())[None]).item()
        assert score.quality == pytest.approx(np.clip(expected, 0, 1), abs=1e-5)


@pytest.mark.parametrize("kind", ["single", "multiple"])
def test_the_likeliest_distortions(model: Model, images: Path, kind: str) -> None:
    folder = model("multitask", label_kind=kind)
    score = Scorer(folder, device="cpu").score(images / "a coffee.png")
    network, card = load_model(folder)
    pixels = read_rgb(images / "a coffee.png")
    logits = predict(network, pixels, draw_boxes(pixels, 64, 5, pixels_digest(pixels)), 64, CPU).logits
    assert logits is not None
    chances = dict(
        zip(
            card["classes"],
            (softmax(logits, axis=1) if kind == "single" else expit(logits)).mean(axis=0),
            strict=True,
        )
    )
    likeliest = sorted(chances, key=lambda name: -chances[name])[:3]
    assert score.distortions is not None
    assert list(score.distortions) == likeliest
    assert score.distortions == pytest.approx({name: chances[name] for name in likeliest})


@pytest.mark.parametrize(
    ("card", "probabilities"),
    [
        ({"label_kind": "single"}, np.array([3, 9, 3, 1]) / 16),
        ({"label_kind": "multiple"}, [1 / 2, 3 / 4, 1 / 2, 1 / 4]),
        ({"label_kind": "both", "single_classes": 2}, [1 / 4, 3 / 4, 1 / 2, 1 / 4]),
    ],
)
def test_probabilities_of_classes_by_hand(card: dict[str, object], probabilities: list[float]) -> None:
    logits = np.array([[0.0, np.log(3), 0.0, -np.log(3)]])
    np.testing.assert_allclose(class_probabilities(logits, card)[0], probabilities)


@pytest.mark.parametrize("objective", ["reg", "rank"])
def test_a_model_that_was_not_trained_on_classes_names_no_distortion(
    model: Model, images: Path, objective: str
) -> None:
    folder = model("multitask", objective=objective)
    assert Scorer(folder, device="cpu").score(images / "b.jpg").distortions is None
    assert "- Distortions:" not in card_markdown(load_model(folder)[1])


def test_a_model_without_that_head_names_no_distortion(model: Model, images: Path) -> None:
    assert Scorer(model(), device="cpu").score(images / "b.jpg").distortions is None


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((80, 80, 3), np.float32),
        np.zeros((80, 80), np.uint8),
        np.zeros((80, 80, 4), np.uint8),
        np.zeros((3, 80, 80), np.uint8),
        np.zeros((0, 80, 3), np.uint8),
        np.zeros((80, 80, 3), np.uint16),
    ],
)
def test_an_array_that_is_no_image_is_reported(model: Model, array: np.ndarray) -> None:
    with pytest.raises(MosforgeError, match="uint8, RGB"):
        Scorer(model(), device="cpu").score(array)


def test_a_file_that_is_no_image_is_reported(model: Model, tmp_path: Path) -> None:
    scorer = Scorer(model(), device="cpu")
    (tmp_path / "x.jpg").write_text("text")
    with pytest.raises(UnreadableImageError, match=r"x\.jpg: not a"):
        scorer.score(tmp_path / "x.jpg")
    with pytest.raises(UnreadableImageError, match=r"none\.jpg: no such file"):
        scorer.score(tmp_path / "none.jpg")


def test_boxes_lie_within_the_image_and_reach_its_edges() -> None:
    boxes = draw_boxes(np.zeros((66, 70, 3), np.uint8), 64, 500, "key", 1)
    assert boxes.shape == (500, 3)
    assert boxes.min(axis=0).tolist() == [0, 0, 64]
    assert boxes.max(axis=0).tolist() == [2, 6, 64]


def test_boxes_depend_only_on_the_key() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    np.testing.assert_array_equal(draw_boxes(pixels, 64, 9, "a", 1), draw_boxes(255 - pixels, 64, 9, "a", 1))
    assert (draw_boxes(pixels, 64, 9, "a", 1) != draw_boxes(pixels, 64, 9, "a", 2)).any()


def test_more_boxes_begin_with_the_fewer() -> None:
    pixels = np.zeros((100, 130, 3), np.uint8)
    np.testing.assert_array_equal(draw_boxes(pixels, 64, 9, "a")[:4], draw_boxes(pixels, 64, 4, "a"))
