"""The leakage guard: the same picture is found in every disguise, and no other picture is accused."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from mosforge.core.errors import MosforgeError
from mosforge.sources.features import read_features
from mosforge.sources.screening import pictures_of, screen
from mosforge.sources.tiles import packaged_photograph

PRISTINE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "pristine"
needs_pristine = pytest.mark.skipif(not PRISTINE.is_dir(), reason="the shared photographs are not here")

PACKAGED = {
    "astronaut": "skimage/data/astronaut.png",
    "chelsea": "skimage/data/chelsea.png",
    "china": "sklearn/datasets/images/china.jpg",
    "coffee": "skimage/data/coffee.png",
    "flower": "sklearn/datasets/images/flower.jpg",
    "motorcycle": "skimage/data/motorcycle_left.png",
    "rocket": "skimage/data/rocket.jpg",
}
CORRELATION = 0.9

Disguise = Callable[[Image.Image], Image.Image]


def cropped(image: Image.Image, width: float, height: float, left: float, top: float) -> Image.Image:
    """A crop of these shares of the sides, placed at these shares of what is left of them."""
    sides = round(image.width * width), round(image.height * height)
    x, y = round((image.width - sides[0]) * left), round((image.height - sides[1]) * top)
    return image.crop((x, y, x + sides[0], y + sides[1]))


def resized(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


DISGUISES: dict[str, Disguise] = {
    "as it is": lambda image: image,
    "crop as TID2013's of Kodak's": lambda image: cropped(image, 2 / 3, 3 / 4, 0.5, 0.5),
    "crop from a corner": lambda image: cropped(image, 2 / 3, 3 / 4, 0.0, 1.0),
    "quarter of the area": lambda image: cropped(image, 0.5, 0.5, 0.5, 0.5),
    "half the size": lambda image: resized(image, 0.5),
    "larger": lambda image: resized(image, 1.5),
    "JPEG 50": lambda image: encoded(image, 50),
    "JPEG 20": lambda image: encoded(image, 20),
    "mirrored": ImageOps.mirror,
    "grey": lambda image: image.convert("L"),
    "quarter as JPEG 20": lambda image: encoded(cropped(image, 0.5, 0.5, 0.5, 0.5), 20),
    "mirrored crop": lambda image: ImageOps.mirror(cropped(image, 0.6, 0.6, 0.3, 0.6)),
}


def disguised(photographs: list[tuple[str, str]], disguise: str, folder: Path) -> list[tuple[str, str]]:
    pictures = []
    for name, path in photographs:
        with Image.open(path) as image:
            DISGUISES[disguise](image.convert("RGB")).save(folder / f"{Path(name).stem}.png")
        pictures.append((name, str(folder / f"{Path(name).stem}.png")))
    return pictures


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    pytest.importorskip("skimage")
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("photographs")
    for name, packaged in PACKAGED.items():
        Image.fromarray(packaged_photograph(packaged)).save(folder / f"{name}.png")
    return [(name, str(folder / f"{name}.png")) for name in PACKAGED]


@pytest.mark.slow
@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_same_picture_is_found_and_no_other(
    photographs: list[tuple[str, str]], tmp_path: Path, disguise: str
) -> None:
    shown = photographs[:3]
    found = screen(photographs, disguised(shown, disguise, tmp_path), CORRELATION)
    assert found["image_id"].tolist() == found["image"].tolist() == [name for name, _ in shown]
    assert (found["mirrored"] == ("mirrored" in disguise)).all()
    assert (found["matches"] >= 8).all()


def test_a_photograph_that_is_a_crop_of_the_picture_is_found(
    photographs: list[tuple[str, str]], tmp_path: Path
) -> None:
    crops = disguised(photographs[:2], "quarter of the area", tmp_path)
    assert screen(crops, photographs, CORRELATION)["image"].tolist() == ["astronaut", "chelsea"]


def test_two_views_of_one_motorcycle_are_two_pictures(
    photographs: list[tuple[str, str]], tmp_path: Path
) -> None:
    right = Image.fromarray(packaged_photograph("skimage/data/motorcycle_right.png"))
    right.save(tmp_path / "right.png")
    seen = screen(photographs, [("right", str(tmp_path / "right.png"))], 0.5)
    assert seen["image_id"].tolist() == ["motorcycle"]  # nearly the same spots, 19 cm apart
    assert screen(photographs, [("right", str(tmp_path / "right.png"))], CORRELATION).empty


def test_order_and_threads_change_nothing(photographs: list[tuple[str, str]], tmp_path: Path) -> None:
    pictures = disguised(photographs[2:5], "JPEG 50", tmp_path)
    one = screen(photographs, pictures, CORRELATION)
    other = screen(photographs[::-1], pictures[::-1], CORRELATION, threads=3)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("value", [0, 128])
def test_pictures_without_a_feature_are_no_match(tmp_path: Path, value: int) -> None:
    Image.fromarray(np.full((200, 300, 3), value, np.uint8)).save(tmp_path / "flat.png")
    flat = [("flat", str(tmp_path / "flat.png"))]
    assert len(read_features(flat[0][1]).points) == 0
    assert screen(flat, flat, CORRELATION).empty


def test_a_strip_has_no_features(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 3), "teal").save(tmp_path / "strip.png")
    features = read_features(str(tmp_path / "strip.png"))
    assert (features.thumbnail.shape, features.descriptors.shape) == ((1, 320), (0, 128))


def test_mirrored_features_are_those_of_the_mirrored_picture(
    photographs: list[tuple[str, str]], tmp_path: Path
) -> None:
    turned = disguised(photographs[:1], "mirrored", tmp_path)[0][1]
    one, other = read_features(photographs[0][1]).mirrored(), read_features(turned)
    assert np.array_equal(one.thumbnail, other.thumbnail)
    distance = np.linalg.norm(one.points[:, None] - other.points[None], axis=2)
    nearest = distance.argmin(axis=1)
    near = distance.min(axis=1) < 1.0  # the octave of double size lies half a pixel aside
    assert near.mean() > 0.7
    difference = one.descriptors[near].astype(float) - other.descriptors[nearest[near]]
    assert np.median(np.linalg.norm(difference, axis=1)) < 60  # of a length of 512


def test_features_lie_in_every_part_of_a_picture(photographs: list[tuple[str, str]]) -> None:
    features = read_features(dict(photographs)["astronaut"])
    height, width = features.thumbnail.shape
    quarters = (features.points * 2 / (width, height)).astype(int) @ (1, 2)
    assert np.bincount(quarters, minlength=4).min() >= 30
    assert len(features.points) <= 320


def test_a_damaged_picture_is_told(photographs: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no")
    with pytest.raises(MosforgeError, match=r"x\.jpg: not an image"):
        screen(photographs[:1], [("x.jpg", str(tmp_path / "x.jpg"))], CORRELATION)


def test_a_reference_stands_for_the_pictures_that_name_it() -> None:
    frame = pd.DataFrame(
        {"image": ["b", "a", "c"], "path": ["p/b", "p/a", "p/c"], "reference_path": ["r/2", "r/1", "r/2"]}
    )
    assert pictures_of(frame) == [("r/1", "r/1"), ("r/2", "r/2")]
    frame.loc[1, "reference_path"] = None
    assert pictures_of(frame) == [("a", "p/a"), ("r/2", "r/2")]
    assert pictures_of(frame.assign(reference_path=None)) == [("a", "p/a"), ("b", "p/b"), ("c", "p/c")]


def pristine(name: str, step: int = 1) -> list[tuple[str, str]]:
    files = sorted(path for path in (PRISTINE / name).rglob("*") if path.suffix in (".png", ".jpg"))
    return [(path.name, str(path)) for path in files[::step]]


@pytest.mark.slow
@needs_pristine
def test_kodak_is_found_beside_bsds(tmp_path: Path) -> None:
    """A sample of the two below: each photograph of Kodak's in one disguise, each disguise twice."""
    kodak, bsds = pristine("kodak24"), pristine("bsds500", step=20)
    pictures = []
    for place, disguise in enumerate(DISGUISES):
        (tmp_path / str(place)).mkdir()
        pictures += disguised(kodak[place :: len(DISGUISES)], disguise, tmp_path / str(place))
    found = screen(kodak + bsds, pictures, CORRELATION)
    assert found["image_id"].tolist() == found["image"].tolist() == [name for name, _ in kodak]
    assert screen(bsds, kodak[::6], CORRELATION).empty
    assert screen(kodak[::6], bsds, CORRELATION).empty


@pytest.mark.exhaustive
@needs_pristine
@pytest.mark.parametrize("disguise", DISGUISES)
def test_all_of_kodak_is_found_beside_all_of_bsds(tmp_path: Path, disguise: str) -> None:
    kodak, bsds = pristine("kodak24"), pristine("bsds500")
    found = screen(kodak + bsds, disguised(kodak, disguise, tmp_path), CORRELATION, threads=2)
    assert found["image_id"].tolist() == found["image"].tolist() == [name for name, _ in kodak]


@pytest.mark.exhaustive
@needs_pristine
def test_no_picture_of_bsds_is_accused_because_of_kodak_nor_the_reverse() -> None:
    kodak, bsds = pristine("kodak24"), pristine("bsds500")
    assert screen(bsds, kodak, CORRELATION, threads=2).empty
    assert screen(kodak, bsds, CORRELATION, threads=2).empty
