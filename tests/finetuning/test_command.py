"""`mosforge finetuning check`: what is found of a target dataset, or what is missing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from mosforge.cli import main
from mosforge.core.seeds import generator
from mosforge.finetuning.about import ABOUT
from mosforge.finetuning.registry import LAYOUTS

ERROR = "mosforge: error: "

RATINGS = {
    "layout": "table",
    "corpus": "synthetic",
    "folder": "ratings",
    "table": "scores.csv",
    "images": "images",
    "range": [0, 100],
    "higher_is_better": False,
}


def _scene(number: int) -> Image.Image:
    """An image with keypoints: smooth noise."""
    noise = generator("scene of a rated image", number).integers(0, 256, (24, 24), dtype=np.uint8)
    return Image.fromarray(noise).resize((192, 192), Image.Resampling.BICUBIC)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A part of a configuration, ten images of five contents, and an empty folder for each layout."""
    monkeypatch.chdir(tmp_path)
    official = {
        name: {"layout": name, "folder": f"datasets/{name}", "corpus": "synthetic"} for name in LAYOUTS
    }
    proxy = {"layout": "proxy", "pictures": "synthetic", "corpus": "synthetic"}
    (tmp_path / "mine.yaml").write_text(
        yaml.safe_dump({"finetuning": {"datasets": {"ratings": RATINGS, "demo": proxy, **official}}})
    )
    (tmp_path / "ratings/images").mkdir(parents=True)
    lines = ["image,mos,reference,split"]
    for place in range(10):
        # 9 shows the scene of 1; the one is trained on, the other is tested on
        _scene(1 if place == 9 else place).save(tmp_path / f"ratings/images/{place}.JPG", quality=95 - place)
        part = "test" if place < 2 else "train"
        lines.append(f"{place}.jpg,{10 * place + 0.5},content {place // 2},{part}")
    (tmp_path / "ratings/scores.csv").write_text("\n".join(lines))
    for name in LAYOUTS:
        (tmp_path / "datasets" / name).mkdir(parents=True)
    return tmp_path


def test_a_dataset_is_described(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetuning", "check", "ratings", "--config", "mine.yaml"]) == 0
    found = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:])
    assert found == {
        "dataset": "ratings",
        "images": "10",
        "contents": "5",
        "unit": "DMOS, 0 to 100",
        "direction": "lower is better",
        "lowest": "0.5000",
        "highest": "90.5000",
        "official_split": "train 8, test 2",
        "licence": "that of its owner",
        "contents_found": "4",
        "in_several": "2 of 5 contents show the scene of another (1 scene)",
        "most_alike": found["most_alike"],
        "trained_on": "2 of 2 test images of the official split show a scene that is trained on",
        "with_reference_image": "0 of 10 images",
        "pack": f"{10 * 192 * 192 * 3:,} bytes",
        "splits": found["splits"],
    }
    assert found["splits"].startswith("1: train 8, test 2; 2: train 8, test 2; 3: ")
    assert found["most_alike"].startswith("1.jpg and 9.jpg (")


def check(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """The status of the check of the ratings, and the lines on standard output and error."""
    status = main(["finetuning", "check", "ratings", "--config", "mine.yaml"])
    printed = capsys.readouterr()
    return status, [*printed.out.splitlines(), *printed.err.splitlines()]


def rewrite(change: Callable[[int, str], str], header: str = "image,mos,reference,split") -> None:
    """Changes each line of the table of ratings, given its number from 1."""
    file = Path("ratings/scores.csv")
    lines = enumerate(file.read_text().splitlines()[1:], start=1)
    file.write_text("\n".join([header, *(change(number, line) for number, line in lines)]))


def test_every_bad_image_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in {"3.JPG": b"x", "7.JPG": Path("ratings/images/6.JPG").read_bytes()[:900]}.items():
        (here / "ratings/images" / name).write_bytes(content)
    status, lines = check(capsys)
    assert status == 1
    assert [line.partition(": ")[0] for line in lines if "ratings/images/" in line] == [
        "ratings/images/3.JPG",
        "ratings/images/7.JPG",
    ]
    assert any(line.split() == ["images", "10"] for line in lines), "the rest is told, too"
    assert lines[-1].startswith("mosforge: error: ratings: 2 problems")


def test_sizes_are_compared_with_the_reference_images(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (192, 191)).save(here / "ratings/images/original.png")
    Image.new("RGB", (192, 192)).save(here / "ratings/images/other.png")
    references = {1: "original.png", 2: "original.png", 3: "other.png"}
    rewrite(
        lambda number, line: f"{line},{references.get(number, '')}",
        "image,mos,reference,split,reference_image",
    )
    status, lines = check(capsys)
    assert status == 0, "the run sets such pairs aside"
    text = "\n".join(lines)
    assert "3 of 10 images" in text
    assert (
        "2 of 3 images differ in size from their reference image, such as 0.jpg (192x192 against 192x191)"
        in text
    )


def test_what_cannot_be_learnt_or_tested_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(lambda number, line: f"{number - 1}.jpg,5,content {number},train")
    status, lines = check(capsys)
    assert (status, lines[-1]) == (1, f"{ERROR}ratings: all scores are 5, so that nothing can be learnt")
    rewrite(lambda number, line: f"{number - 1}.jpg,{number},content {number // 10},train")
    status, lines = check(capsys)
    assert status == 1
    assert lines[-1].startswith(f"{ERROR}ratings: no split can be tested: split 1: ")


def test_without_the_guard_contents_are_not_compared(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = yaml.safe_load((here / "mine.yaml").read_text()) | {"sources": {"leakage": {"guard": False}}}
    (here / "mine.yaml").write_text(yaml.safe_dump(config))
    assert main(["finetuning", "check", "ratings", "--config", "mine.yaml"]) == 0
    assert "contents_found" not in capsys.readouterr().out


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_missing_is_named_with_where_to_get_it(
    here: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["finetuning", "check", layout, "--config", "mine.yaml"]) == 1
    out = capsys.readouterr().err
    assert out.startswith(f"{ERROR}{layout}: datasets/{layout} lacks {LAYOUTS[layout].required[0][0]}")
    assert out.rstrip("\n").endswith(f": {ABOUT[layout].obtain}")
    assert out.count("\n") == 1


def test_a_proxy_needs_no_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetuning", "check", "demo", "--config", "mine.yaml"]) == 0
    assert "not human" in capsys.readouterr().out
