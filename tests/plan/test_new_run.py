"""`mosforge init`: what it makes of images and ratings, and what it refuses."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from mosforge.cli import main
from mosforge.config.configuration import Configuration
from mosforge.config.files import load_config
from mosforge.plan import new_run
from mosforge.plan.new_run import preset
from mosforge.plan.plan import Plan


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pristine images, one of them deep, and forty rated ones, in folders with difficult names."""
    monkeypatch.chdir(tmp_path)
    for name in ('my "photos"/a.png', 'my "photos"/deep/b: c.png', 'my "photos"/d.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (200, 170)).save(tmp_path / name)
    (tmp_path / "rated # 1").mkdir()
    for number in range(1, 41):
        Image.new("RGB", (200, 170)).save(tmp_path / f"rated # 1/{number}.png")
    write("image,mos\n" + "".join(f"{number}.png,{1 + number / 10}\n" for number in range(1, 41)))
    return tmp_path


def write(text: str) -> None:
    Path("rated # 1/scores.csv").write_text(text, encoding="utf-8")


def init(*words: str, status: int = 0) -> None:
    assert main(["init", "--photos", 'my "photos"', "--ratings", "rated # 1/scores.csv", *words]) == status


def made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    with monkeypatch.context() as context:
        context.chdir(folder)
        return load_config()


def test_the_configuration_is_complete_and_names_only_what_is_ones_own(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    init()
    lines = capsys.readouterr().out.splitlines()
    assert "40 ratings from 1 to 5, higher is better" in lines[0]
    config = made(here / "runs/mine", monkeypatch)
    assert list(config.evaluation.experiments) == ["mine"]
    assert list(config.finetuning.datasets) == ["ratings"]
    plan = Plan(config)
    assert plan.explain_missing() is None, "wherever the run is started"
    assert plan.corpora.image_count("synthetic") == 3 * 39
    assert len(plan.experiments.runs("mine")) % 3 == 0, "two networks and BRISQUE on each split"
    plan.check_networks()
    plan.check_experiment("mine")
    # what it says is to be called next can be called
    checks = [shlex.split(line)[1:] for line in lines if line.startswith("  mosforge ")]
    for words in checks:
        with monkeypatch.context() as context:
            context.chdir(here)
            assert main(words) == 0
    assert len(checks) == 2
    assert lines[-1].endswith("--directory runs/mine -- mine report")


def test_options_say_what_the_table_does_not(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("elsewhere").mkdir()
    Path("rated # 1/scores.csv").rename("elsewhere/scores.csv")
    words = ["--photos", 'my "photos"', "--ratings", "elsewhere/scores.csv", "--directory", "other"]
    assert main(["init", *words, "--images", "rated # 1", "--range", "0", "9", "--lower-is-better"]) == 0
    dataset = made(here / "other", monkeypatch).finetuning.datasets["ratings"]
    assert (dataset.range, dataset.higher_is_better) == ((0.0, 9.0), False)
    assert Path(str(dataset.images)).samefile("rated # 1")


@pytest.mark.parametrize(
    ("scores", "scale"),
    [
        ((0.5, 1), (0, 1)),
        ((4.9, 1), (1, 5)),
        ((0, 4.9), (0, 5)),
        ((1, 7), (1, 10)),
        ((0.5, 7), (0, 10)),
        ((63, 40), (0, 100)),
    ],
)
def test_the_narrowest_usual_scale_that_holds_all_scores(
    here: Path, monkeypatch: pytest.MonkeyPatch, scores: tuple[float, float], scale: tuple[float, float]
) -> None:
    write(f"image,mos\n1.png,{scores[0]}\n2.png,{scores[1]}\n")
    init()
    assert made(here / "runs/mine", monkeypatch).finetuning.datasets["ratings"].range == scale


def test_a_split_and_reference_images_are_used(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ["test" if number < 20 else "train" for number in range(1, 40)]
    rows = [f"{number}.png,3,{part},40.png\n" for number, part in enumerate(parts, start=1)]
    write("image,mos,split,reference_image\n" + "".join(rows))
    init()
    plan = Plan(made(here / "runs/mine", monkeypatch))
    runs = plan.experiments.runs("mine")
    assert {run.split for run in runs} == {"official"}
    assert {run.initialisation for run in runs} >= {"psnr", "ssim", "brisque", "imagenet"}


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ("a second run", "runs/mine/run.yaml: there is a run"),
        ("no table", "scores.csv: no such table of ratings"),
        ("no rating", "there is no rating"),
        ("no photos", 'my "photos": there is no image'),
        ("an odd scale", "from -3 to 120, which is no usual scale"),
        ("images elsewhere", "99.png is not below rated # 1; name it with --images"),
    ],
)
def test_what_cannot_be_run_is_refused_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], change: str, fact: str
) -> None:
    if change == "a second run":
        init()
    elif change == "no table":
        Path("rated # 1/scores.csv").unlink()
    elif change == "no rating":
        write("image,mos\n")
    elif change == "no photos":
        Path('my "photos"').rename("away")
        Path('my "photos"').mkdir()
    elif change == "an odd scale":
        write("image,mos\n1.png,-3\n2.png,120\n")
    elif change == "images elsewhere":
        write("image,mos\n99.png,3\n")
    before = sorted(Path().rglob("*"))
    capsys.readouterr()
    init(status=1)
    error = capsys.readouterr().err
    assert fact in error
    assert error.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("ratings", [20, 385, 3000, 100_000])
@pytest.mark.parametrize("images", [39, 2340, 780_000])
@pytest.mark.parametrize("rate", [9.0, 1000.0])
def test_the_preset_keeps_to_its_hours(
    monkeypatch: pytest.MonkeyPatch, images: int, ratings: int, rate: float
) -> None:
    monkeypatch.setattr(new_run, "assumed_rate", lambda: rate)
    for official in (False, True):
        size = preset(images, ratings, official=official)
        hours = size["epochs"] * images / rate / 3600
        assert hours <= new_run.HOURS or size["epochs"] == 1
        passes = size["patches"] * size["tuning_epochs"]
        trainings = 2 * (1 if official else size["splits"])
        hours = trainings * passes * 0.8 * ratings / rate / 3600
        assert hours <= 1.01 * new_run.HOURS or passes == 3
        assert min(size.values()) >= 1
        assert size["tuning_epochs"] <= 10
        assert size["patches"] <= 100


@pytest.mark.parametrize("scale", [(1.0, 1234567.8), (-1e6, 1e20), (1.5e-7, 5.123456789)])
def test_a_scale_is_read_back_as_it_was_given(
    here: Path, monkeypatch: pytest.MonkeyPatch, scale: tuple[float, float]
) -> None:
    init("--range", *map(repr, scale))
    assert made(here / "runs/mine", monkeypatch).finetuning.datasets["ratings"].range == scale


@pytest.mark.parametrize(
    ("limits", "fact"),
    [
        (("5", "1"), "5 1: give the lowest, then the highest"),
        (("nan", "5"), "give the lowest, then the highest"),
        (("0", "inf"), "give the lowest, then the highest"),
        (("1", "4"), r"1 4: the scores of .*scores\.csv go from 1\.1 to 5"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], limits: tuple[str, str], fact: str
) -> None:
    init("--range", *limits, status=1)
    assert re.search(fact, capsys.readouterr().err)
    assert not Path("runs").exists()


@pytest.mark.parametrize("score", ["nan", "inf", "1e999"])
def test_a_score_that_is_none_is_named(here: Path, capsys: pytest.CaptureFixture[str], score: str) -> None:
    write(f"image,mos\n1.png,2\n2.png,{score}\n")
    init("--range", "1", "5", status=1)
    assert "the score of 2.png is" in capsys.readouterr().err
