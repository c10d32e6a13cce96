"""`mosforge metrics REFERENCE DISTORTED`: for people, light to import, and with errors in one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from mosforge.cli import main
from mosforge.metrics import command


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["metrics", "a.png", "b.png"], ["metrics", "pair", "a.png", "b.png"]),
        (["metrics", "--format", "json", "a", "b"], ["metrics", "pair", "--format", "json", "a", "b"]),
        (["metrics", "pair", "a", "b"], ["metrics", "pair", "a", "b"]),
        (["metrics", "score", "--threads", "1"], ["metrics", "score", "--threads", "1"]),
        (["metrics", "score_dataset", "--help"], ["metrics", "score_dataset", "--help"]),
        (["metrics", "--help"], ["metrics", "--help"]),
        (["metrics", "-h"], ["metrics", "-h"]),
        (["metrics"], ["metrics"]),
        (["score", "metrics", "x"], ["score", "metrics", "x"]),
        ([], []),
    ],
)
def test_the_verb_pair_may_be_left_out(words: list[str], expected: list[str]) -> None:
    assert command.with_verb(words) == expected


def test_the_six_scores_and_the_oriented_mean_are_printed(
    shard: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["metrics", "references/a.png", "shard/3-a.png", "--format", "json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert list(values) == ["ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd", "mean"]
    similarities = values["ssim"] + values["ms_ssim"] + values["vsi"] + values["fsim"]
    expected = (similarities + 1 - values["mdsi"] + 1 - values["gmsd"]) / 6
    assert values["mean"] == pytest.approx(expected, abs=2e-6)
    assert main(["metrics", "pair", "references/a.png", "shard/3-a.png", "--format", "csv"]) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header == "ssim,ms_ssim,mdsi,vsi,fsim,gmsd,mean"
    assert float(line.split(",")[0]) == pytest.approx(values["ssim"], abs=1e-4)


def test_it_says_which_way_each_metric_points(shard: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "references/a.png", "shard/3-a.png"]) == 0
    out, err = capsys.readouterr()
    assert "is better" not in out
    assert "higher is better: ssim, ms_ssim, vsi, fsim, mean; lower is better: mdsi, gmsd" in err


def test_many_pairs_come_from_a_table(shard: object, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pairs").mkdir()
    references, distorted = Path("references").absolute(), ["shard/3-a.png", "shard/1-b.png", "shard/1-b.png"]
    rows = [f"{name},x,{references}/{name.split('-')[1]}" for name in (f"../{path}" for path in distorted)]
    Path("pairs/p.csv").write_text("\ufeffDistorted,note, Reference \n" + "\n".join(rows) + "\n")
    assert main(["metrics", "--pairs", "pairs/p.csv", "--format", "json"]) == 0
    many = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["distorted"] for row in many] == [f"pairs/../{path}" for path in distorted]
    for row in many[:2]:
        assert main(["metrics", row["reference"], row["distorted"], "--format", "json"]) == 0
        (one,) = map(json.loads, capsys.readouterr().out.splitlines())
        assert one == {key: value for key, value in row.items() if key not in ("reference", "distorted")}
    assert many[2] == many[1]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("reference,image\na,b\n", "no column distorted; the columns are: reference, image"),
        ("", "no column reference, distorted; the columns are: none"),
        ("reference,distorted\n", "no pair"),
        ("reference,distorted\na.png\n", "line 2 has 1 cells"),
        ("reference,distorted\n  ,b.png\n", "pair 1 lacks its reference"),
        ("reference,distorted\na.png,b.png\n", "a.png: no such file"),
        ("reference\tdistorted\na.png\tb.png\n", "a.png: no such file"),
        ("reference,distorted\na.png,b,c.png\n", "line 2 has 3 cells"),
        ("reference,distorted,Distorted\na.png,b.png,c.png\n", "more than one column"),
    ],
)
def test_a_bad_table_of_pairs_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, fact: str
) -> None:
    (tmp_path / "p.csv").write_text(text)
    assert main(["metrics", "--pairs", str(tmp_path / "p.csv")]) == 1
    assert fact in capsys.readouterr().err
    for words in ([], ["a.png"], ["a.png", "b.png", "--pairs", "p.csv"]):
        assert main(["metrics", "pair", *words]) == 1
        assert "--pairs" in capsys.readouterr().err


def test_refusals_are_one_sentence(shard: object, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(data.astronaut()[:160, :180]).save("small.png")
    Path("broken.png").write_bytes(b"nothing")
    facts = {
        ("references/a.png", "shard/1-b.png"): "1-b.png: 161x170 pixels",
        ("small.png", "small.png"): "small.png: 180x160 pixels",
        ("references/a.png", "nowhere.png"): "nowhere.png: no such file",
        ("broken.png", "small.png"): "broken.png: ",
        ("--scale", "9", "references/a.png", "references/a.png"): "metrics.scale: 9 ",
        ("--scale", "half", "references/a.png", "references/a.png"): "'half'",
        ("--engine", "fast", "references/a.png", "references/a.png"): "'fast'",
    }
    for words, fact in facts.items():
        assert main(["metrics", *words]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert fact in err
        assert err.startswith("mosforge: error: ")
        assert err.count("\n") == 1


def test_the_command_line_imports_nothing_heavy() -> None:
    check = (
        "import sys, mosforge.metrics.command;"
        "print([m for m in ('torch', 'piq', 'numba', 'cv2', 'pandas', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
