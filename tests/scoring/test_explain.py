"""`mosforge score --explain`: one page about one image, which refers to nothing outside itself."""

import base64
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mosforge.cli import main
from mosforge.core.images import read_rgb
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.tables import write_table
from mosforge.scoring.explain import score_map

Model = Callable[..., Path]
Explain = Callable[..., tuple[int, str, str, str]]


class Page(HTMLParser):
    """The addresses that a page refers to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]

    def handle_data(self, text: str) -> None:
        self.text += text

    def images(self) -> list[Image.Image]:
        found = [address.partition("base64,")[2] for address in self.addresses if "base64," in address]
        return [Image.open(io.BytesIO(base64.b64decode(content))) for content in found]


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    """Exit status, standard output, standard error and the page."""

    def run(folder: Path, *words: str) -> tuple[int, str, str, str]:
        page = tmp_path / "page.html"
        status = main(
            ["score", "--model", str(folder), "--device", "cpu", "--explain", str(page), *map(str, words)]
        )
        return status, *capsys.readouterr(), page.read_text() if page.exists() else ""

    return run


@pytest.fixture
def dataset(tmp_path: Path, images: Path) -> Path:
    """A rated dataset below a folder of results, its paths relative to the folder above."""
    folder = tmp_path / "project/results/finetuning/rated"
    (tmp_path / "project/images").mkdir(parents=True)
    names = [f"{i}.png" for i in range(9)]
    for i, name in enumerate(names):
        Image.fromarray(np.full((30, 40, 3), 20 * i, np.uint8)).save(tmp_path / "project/images" / name)
    columns = {
        "image": names,
        "path": [f"images/{name}" for name in names],
        "reference": names,
        "mos": [1 + i / 2 for i in range(9)],
        "quality": [i / 8 for i in range(9)],
    }
    write_table(folder / "dataset.parquet", DATASET, columns, stage="finetuning", cfg={})
    parts = {"image": names, "reference": names, "content": names, "part": ["train"] * 8 + ["test"]}
    write_table(folder / "1/split.parquet", SPLIT, parts, stage="finetuning", cfg={})
    return folder / "dataset.parquet"


def test_the_page_stands_alone(explain: Explain, model: Model, images: Path) -> None:
    status, out, err, text = explain(model("multitask"), images / "a coffee.png")
    assert (status, err) == (0, "")
    assert re.search(r"0\.\d{4}", out)
    page = Page(text)
    assert page.addresses
    assert all(address.startswith("data:") for address in page.addresses)
    assert "url(" not in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)
    assert not page.tags & {"script", "iframe"}
    assert "prefers-color-scheme: dark" in text
    assert "Likeliest distortions" in page.text


def test_a_name_is_text_and_no_markup(explain: Explain, model: Model, images: Path, tmp_path: Path) -> None:
    strange = tmp_path / '<img src=x onerror=alert(1)>&".png'
    strange.write_bytes((images / "a coffee.png").read_bytes())
    *_, text = explain(model(), strange)
    assert "<img src=x" not in text
    assert str(strange) in Page(text).text


def test_rated_images_stand_beside_the_score(
    explain: Explain, model: Model, images: Path, dataset: Path
) -> None:
    folder = model(dataset="rated", split="1", range=[1.0, 5.0])
    status, *_, text = explain(folder, images / "b.jpg", "--examples", dataset)
    assert status == 0
    page = Page(text)
    assert "Rated images of rated" in page.text
    shown = [image for image in page.images() if image.size == (40, 30)]
    greys = [round(np.asarray(image).mean() / 20) for image in shown]
    assert greys == [0, 2, 3, 5, 7], "spread over the qualities, and the test image 8 is not among them"
    assert "0.875 (4.50)" in page.text


def test_images_of_another_place_are_reported(
    explain: Explain, model: Model, images: Path, dataset: Path
) -> None:
    for file in dataset.parents[3].glob("images/*"):
        file.unlink()
    status, _, err, text = explain(model(), images / "b.jpg", "--examples", dataset)
    assert (status, text) == (1, "")
    assert "dataset.parquet: its images are not there" in err


def test_the_rated_images_of_another_dataset_are_refused(
    explain: Explain, model: Model, images: Path, dataset: Path
) -> None:
    status, _, err, text = explain(model(dataset="other"), images / "b.jpg", "--examples", dataset)
    assert (status, text) == (1, "")
    assert "the table of rated, and the model learned from other" in err


def test_the_map_is_the_mean_of_the_crops_that_cover_a_pixel() -> None:
    boxes = np.array([(0, 0, 4), (0, 2, 4), (2, 2, 4)])
    values = score_map((6, 6), boxes, np.array([0.2, 0.4, 0.9]))
    assert values[0, 0] == pytest.approx(0.2)
    assert values[1, 3] == pytest.approx(0.3)
    assert values[3, 3] == pytest.approx(0.5)
    assert values[5, 5] == pytest.approx(0.9)
    assert np.isnan(values[4:, :2]).all()
    assert np.isnan(values).sum() == 4


def test_the_map_lies_over_the_image(explain: Explain, model: Model, images: Path) -> None:
    *_, text = explain(model(), images / "a coffee.png")
    shown = Page(text).images()
    height, width = read_rgb(images / "a coffee.png").shape[:2]
    assert [image.size for image in shown[:3]] == [(width, height)] * 3
    assert [image.mode for image in shown[:3]] == ["RGB", "RGB", "RGBA"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sub"], "a page is about one image, and 2 were named"),
        (["none.png"], "none.png: no such file"),
        (["b.jpg", "--crops", "0"], "crops: 0 is the whole image"),
    ],
)
def test_an_input_without_a_page_is_reported(
    explain: Explain,
    model: Model,
    images: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(images)
    status, out, err, text = explain(model(), *words)
    assert (status, out, text) == (1, "", "")
    assert sentence in err


def test_examples_without_a_page_are_reported(
    model: Model, images: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", str(images), "--model", str(model()), "--examples", str(dataset)]
    assert main(words) == 1
    assert "--explain HTML" in capsys.readouterr().err
