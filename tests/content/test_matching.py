"""The same content is found in every disguise, and no other content is."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from mosforge.content.matching import find_pairs_within, find_same_content, undistorted_images
from mosforge.core.errors import MosforgeError
from mosforge.finetuning.contents import group_contents
from mosforge.finetuning.split import divide
from mosforge.sources.fetch_source import packaged_image

PRISTINE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "pristine"
needs_pristine = pytest.mark.skipif(not PRISTINE.is_dir(), reason="the shared images are not here")

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


def disguised(images: list[tuple[str, str]], disguise: str, folder: Path) -> list[tuple[str, str]]:
    made = []
    for name, path in images:
        with Image.open(path) as image:
            DISGUISES[disguise](image.convert("RGB")).save(folder / f"{Path(name).stem}.png")
        made.append((name, str(folder / f"{Path(name).stem}.png")))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("disguise", DISGUISES)
def test_the_same_content_is_found_and_no_other(
    images: list[tuple[str, str]], tmp_path: Path, disguise: str
) -> None:
    shown = images[:3]
    found = find_same_content(images, disguised(shown, disguise, tmp_path), CORRELATION)
    assert found["image_id"].tolist() == found["image"].tolist() == [name for name, _ in shown]
    assert (found["mirrored"] == ("mirrored" in disguise)).all()
    assert (found["matches"] >= 8).all()


def test_an_image_that_is_a_crop_of_the_datasets_is_found(
    images: list[tuple[str, str]], tmp_path: Path
) -> None:
    crops = disguised(images[:2], "quarter of the area", tmp_path)
    assert find_same_content(crops, images, CORRELATION)["image"].tolist() == ["astronaut", "chelsea"]


def test_two_views_of_one_motorcycle_are_two_contents(images: list[tuple[str, str]], tmp_path: Path) -> None:
    right = Image.fromarray(packaged_image("skimage/data/motorcycle_right.png"))
    right.save(tmp_path / "right.png")
    seen = find_same_content(images, [("right", str(tmp_path / "right.png"))], 0.5)
    assert seen["image_id"].tolist() == ["motorcycle"]  # nearly the same spots, 19 cm apart
    assert find_same_content(images, [("right", str(tmp_path / "right.png"))], CORRELATION).empty


def test_order_and_threads_change_nothing(images: list[tuple[str, str]], tmp_path: Path) -> None:
    shown = disguised(images[2:5], "JPEG 50", tmp_path)
    one = find_same_content(images, shown, CORRELATION)
    other = find_same_content(images[::-1], shown[::-1], CORRELATION, threads=3)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("value", [0, 128])
def test_images_without_a_keypoint_are_no_match(tmp_path: Path, value: int) -> None:
    Image.fromarray(np.full((200, 300, 3), value, np.uint8)).save(tmp_path / "flat.png")
    flat = [("flat", str(tmp_path / "flat.png"))]
    assert find_same_content(flat, flat, CORRELATION).empty


def test_many_copies_of_few_versions_are_one_content(images: list[tuple[str, str]], tmp_path: Path) -> None:
    scene = resized(Image.fromarray(packaged_image("skimage/data/astronaut.png")), 0.4)
    for quality in (10, 30, 90):
        for copy in range(7):  # more than an image is compared with
            scene.save(tmp_path / f"{quality}_{copy}.jpg", quality=quality)
    versions = [(path.name, str(path)) for path in sorted(tmp_path.glob("*.jpg"))]
    pairs = find_pairs_within([images[1], *versions], CORRELATION)
    dataset = pd.DataFrame({"image": [images[1][0], *(name for name, _ in versions)], "reference_path": None})
    groups = group_contents(dataset.assign(reference=dataset["image"]), pairs).groupby("content")["image"]
    assert sorted(groups.count()) == [1, 21]


def test_images_of_which_most_are_copies_are_found(images: list[tuple[str, str]], tmp_path: Path) -> None:
    scene = resized(Image.fromarray(packaged_image("skimage/data/astronaut.png")), 0.4)
    scene.save(tmp_path / "scene.png")
    copies = [(f"{copy:02d}", str(tmp_path / "scene.png")) for copy in range(66)]
    pairs = find_pairs_within([images[1], *copies], CORRELATION)
    assert set(pairs["image"]) | set(pairs["other"]) == {name for name, _ in copies}
    leaked = find_same_content([images[1], ("pristine", copies[0][1])], copies, CORRELATION)
    assert leaked["image_id"].tolist() == ["pristine"]


def test_a_damaged_image_is_named(images: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no")
    with pytest.raises(MosforgeError, match=r"x\.jpg: not a"):
        find_same_content(images[:1], [("x.jpg", str(tmp_path / "x.jpg"))], CORRELATION)


def test_a_reference_image_stands_for_its_distorted_images() -> None:
    frame = pd.DataFrame(
        {"image": ["b", "a", "c"], "path": ["p/b", "p/a", "p/c"], "reference_path": ["r/2", "r/1", "r/2"]}
    )
    assert undistorted_images(frame) == [("r/1", "r/1"), ("r/2", "r/2")]
    frame.loc[1, "reference_path"] = None
    assert undistorted_images(frame) == [("a", "p/a"), ("r/2", "r/2")]
    assert undistorted_images(frame.assign(reference_path=None)) == [("a", "p/a"), ("b", "p/b"), ("c", "p/c")]


def pristine(name: str, step: int = 1) -> list[tuple[str, str]]:
    files = sorted(path for path in (PRISTINE / name).rglob("*") if path.suffix in (".png", ".jpg"))
    return [(path.name, str(path)) for path in files[::step]]


@pytest.mark.slow
@needs_pristine
def test_kodak_is_found_beside_bsds(tmp_path: Path) -> None:
    """A sample of the two tests below: each image of Kodak in one disguise, each disguise twice."""
    kodak, bsds = pristine("kodak24"), pristine("bsds500", step=20)
    shown = []
    for place, disguise in enumerate(DISGUISES):
        (tmp_path / str(place)).mkdir()
        shown += disguised(kodak[place :: len(DISGUISES)], disguise, tmp_path / str(place))
    found = find_same_content(kodak + bsds, shown, CORRELATION)
    assert found["image_id"].tolist() == found["image"].tolist() == [name for name, _ in kodak]
    assert find_same_content(bsds, kodak[::6], CORRELATION).empty
    assert find_same_content(kodak[::6], bsds, CORRELATION).empty


@pytest.mark.exhaustive
@needs_pristine
@pytest.mark.parametrize("disguise", DISGUISES)
def test_all_of_kodak_is_found_beside_all_of_bsds(tmp_path: Path, disguise: str) -> None:
    kodak, bsds = pristine("kodak24"), pristine("bsds500")
    found = find_same_content(kodak + bsds, disguised(kodak, disguise, tmp_path), CORRELATION, threads=2)
    assert found["image_id"].tolist() == found["image"].tolist() == [name for name, _ in kodak]


@pytest.mark.exhaustive
@needs_pristine
def test_no_image_of_bsds_shows_the_content_of_kodaks_nor_the_reverse() -> None:
    kodak, bsds = pristine("kodak24"), pristine("bsds500")
    assert find_same_content(bsds, kodak, CORRELATION, threads=2).empty
    assert find_same_content(kodak, bsds, CORRELATION, threads=2).empty


def test_images_of_one_scene_are_found_within_a_dataset(
    images: list[tuple[str, str]], tmp_path: Path
) -> None:
    made = [
        (f"{disguise} {name}", path)
        for disguise in ("crop from a corner", "JPEG 20", "mirrored")
        for name, path in disguised(images[:3], disguise, _folder(tmp_path / disguise))
    ]
    found = find_pairs_within([*images, *made], CORRELATION)
    assert {frozenset((one.split()[-1], other.split()[-1])) for one, other, *_ in found.to_numpy()} == {
        frozenset((name,)) for name, _ in images[:3]
    }
    assert set(found["image"]) | set(found["other"]) == {name for name, _ in [*images[:3], *made]}
    assert (found["mirrored"] == (found["image"] + found["other"]).str.contains("mirrored")).all()
    again = find_pairs_within([*made[::-1], *images], CORRELATION, threads=3)
    pd.testing.assert_frame_equal(found, again, check_exact=True)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize("count", [0, 1])
def test_a_few_images_are_no_pair(images: list[tuple[str, str]], count: int) -> None:
    assert find_pairs_within(images[:count], CORRELATION).empty


BIQ2021 = PRISTINE.parent / "biq2021"


@pytest.mark.exhaustive
@pytest.mark.skipif(not BIQ2021.is_dir(), reason="BIQ2021 is not here")
def test_the_scenes_of_biq2021s_test_images_that_are_trained_on() -> None:
    """Measured at twice the size, 175; 173 of them are the same images."""
    rows = pd.read_csv(BIQ2021 / "labels.csv")
    rows = rows.assign(reference=rows["image"], reference_path=None, part=rows["split"])
    named = [(name, str(BIQ2021 / "images" / name)) for name in rows["image"]]
    contents = group_contents(rows, find_pairs_within(named, CORRELATION, threads=2))
    split = divide(rows.merge(contents[["image", "content"]]), "official", 1.0, 0.0)
    assert (~split["clean"]).sum() == pytest.approx(175, abs=5)
