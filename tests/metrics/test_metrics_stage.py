"""The stage and the command line: a shard in, a table out, and errors that name the picture."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.core.images import Pixels
from mosforge.core.measures import METRICS
from mosforge.core.schemas.datasets import DATASET
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.metrics import METRIC_SCORES
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.stamps import made_by
from mosforge.core.tables import read_table, write_table
from mosforge.metrics import command, score
from mosforge.metrics.pairs import score_pairs
from mosforge.metrics.stage import score_dataset, score_shard

SHARD = Path("shard")
OUTPUT = Path("results/metrics/synthetic/noise/00000.parquet")
CFG = {"engine": "fused"}


def save(path: str, pixels: Pixels) -> str:
    Path(path).parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def row(image_id: str, reference: str, path: str, pixels: Pixels, level: int) -> dict[str, object]:
    return {
        "source": "skimage",
        "image_id": image_id,
        "reference": reference,
        "group": "noise",
        "level": level,
        "class_index": level - 1,
        "labels": None,
        "seed": 7,
        "path": path,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "bytes": Path(path).stat().st_size if Path(path).exists() else 0,
        "sha256": sha256_of_file(path) if Path(path).is_file() else "",
    }


def write_manifest(rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    write_table(SHARD / "manifest.parquet", MANIFEST, frame, stage="distortions", cfg={})
    return frame


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Pixels, list[Pixels]]]:
    """Two photographs of different sizes, three levels each, in the working directory, rows interleaved."""
    monkeypatch.chdir(tmp_path)
    references = {"a.png": data.astronaut()[:165, :180].copy(), "b.png": data.coffee()[:170, :161].copy()}
    pictures: dict[str, tuple[Pixels, list[Pixels]]] = {name: (p, []) for name, p in references.items()}
    rows = []
    for level in (1, 2, 3):
        for name, reference in references.items():
            source = save(f"references/{name}", reference)
            noise = np.random.default_rng(level).normal(0, 12 * level, reference.shape)
            distorted = np.clip(reference + noise, 0, 255).astype(np.uint8)
            pictures[name][1].append(distorted)
            path = save(f"{SHARD}/{level}-{name}", distorted)
            rows.append(row(name, source, path, distorted, level))
    write_manifest(rows)
    return pictures


def test_shard_is_scored_in_the_order_of_its_manifest(
    shard: dict[str, tuple[Pixels, list[Pixels]]],
) -> None:
    score_shard(SHARD, OUTPUT, CFG, threads=2)
    table, manifest = read_table(OUTPUT, METRIC_SCORES), read_table(SHARD / "manifest.parquet", MANIFEST)
    assert made_by(OUTPUT)["cfg"] == CFG
    keys = ["source", "image_id", "reference", "group", "level", "class_index", "labels", "seed", "path"]
    pd.testing.assert_frame_equal(table[keys], manifest[keys])
    for name, (reference, distorted) in shard.items():
        rows = table[table["image_id"] == name].sort_values("level")
        np.testing.assert_array_equal(rows[list(METRICS)], score(reference, distorted, threads=1))


def test_threads_leave_the_bytes_unchanged(shard: object) -> None:
    score_shard(SHARD, OUTPUT, CFG, threads=1)
    first = OUTPUT.read_bytes()
    score_shard(SHARD, OUTPUT, CFG, threads=3)
    assert OUTPUT.read_bytes() == first


def test_empty_manifest_gives_an_empty_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({name: [] for name in row("", "", "", np.empty((1, 1, 3), np.uint8), 1)})
    write_table(SHARD / "manifest.parquet", MANIFEST, frame, stage="distortions", cfg={})
    score_shard(SHARD, OUTPUT, CFG, threads=2)
    assert len(read_table(OUTPUT, METRIC_SCORES)) == 0


def test_another_size_than_the_reference_is_refused(shard: object) -> None:
    save(f"{SHARD}/2-b.png", data.coffee()[:170, :170])
    manifest = read_table(SHARD / "manifest.parquet", MANIFEST)
    digests = [sha256_of_file(path) for path in manifest["path"]]
    write_manifest(manifest.assign(sha256=digests).to_dict("records"))
    with pytest.raises(
        MosforgeError, match=r"2-b\.png: 170x170 pixels, but its reference .*b\.png has 161x170"
    ):
        score_shard(SHARD, OUTPUT, CFG, threads=2)
    assert not OUTPUT.exists()


def test_a_small_reference_is_refused(shard: object) -> None:
    save("references/a.png", data.astronaut()[:160, :180])
    with pytest.raises(
        MosforgeError, match=r"references/a\.png: 180x160 pixels; the metrics need at least 161"
    ):
        score_shard(SHARD, OUTPUT, CFG, threads=2)


@pytest.mark.parametrize("missing", ["references/a.png", f"{SHARD}/3-b.png"])
def test_a_missing_picture_is_named(shard: object, missing: str) -> None:
    Path(missing).unlink()
    with pytest.raises(MosforgeError, match=f"{missing}: no such file"):
        score_shard(SHARD, OUTPUT, CFG, threads=2)


@pytest.mark.parametrize("damage", ["flipped", "truncated"])
def test_a_picture_that_changed_since_it_was_made_is_refused(shard: object, damage: str) -> None:
    picture = SHARD / "3-b.png"
    content = bytearray(picture.read_bytes())
    content[len(content) // 2] ^= 1
    picture.write_bytes(content if damage == "flipped" else content[:-1])
    with pytest.raises(MosforgeError, match=r"3-b\.png: damaged since it was made; delete its folder"):
        score_shard(SHARD, OUTPUT, CFG, threads=2)
    assert not OUTPUT.exists()


class BrokenEngine:
    """Gives no number for the second picture that it sees."""

    def __init__(self) -> None:
        self.seen = 0

    def batch(self, shape: tuple[int, ...]) -> int:
        return 1

    def prepare(self, reference: Pixels) -> None:
        return None

    def score(self, prepared: None, pictures: object) -> np.ndarray:
        self.seen += 1
        return np.array([[1, 1, 0, 1, np.nan if self.seen == 2 else 1, 0]])


def test_a_score_that_is_not_finite_names_the_picture(shard: object) -> None:
    manifest = read_table(SHARD / "manifest.parquet", MANIFEST)
    with pytest.raises(MosforgeError, match=r"2-a\.png: fsim against references/a\.png is nan"):
        score_pairs(manifest["reference"].tolist(), manifest["path"].tolist(), BrokenEngine(), 1)


def write_dataset(rows: list[tuple[str, str | None]]) -> Path:
    """A dataset's table of (picture, reference picture or none)."""
    count = len(rows)
    columns = {
        "image": [Path(path).name for path, _ in rows],
        "path": [path for path, _ in rows],
        "reference": [reference or path for path, reference in rows],
        "reference_path": [reference for _, reference in rows],
        "mos": [float(i) for i in range(count)],
        "quality": [i / 10 for i in range(count)],
    }
    write_table("dataset.parquet", DATASET, pd.DataFrame(columns), stage="finetuning", cfg={})
    return Path("dataset.parquet")


def test_a_dataset_is_scored_against_its_references(
    shard: dict[str, tuple[Pixels, list[Pixels]]],
) -> None:
    dataset = write_dataset(
        [
            (f"{SHARD}/1-a.png", "references/a.png"),
            (f"{SHARD}/2-b.png", "references/b.png"),
            (f"{SHARD}/3-a.png", "references/a.png"),
            (f"{SHARD}/3-b.png", None),
            ("references/a.png", "references/a.png"),
        ]
    )
    words = ["metrics", "dataset", "--dataset", str(dataset), "--output", "rated.parquet", "--cfg"]
    run([*words, '{"dataset": "rated", "engine": "fused"}'])
    table = read_table("rated.parquet", TARGET_SCORES)
    assert table["image"].tolist() == ["1-a.png", "2-b.png", "3-a.png", "a.png"]
    assert table["quality"].tolist() == [0.0, 0.1, 0.2, 0.4]
    reference, (first, _, third) = shard["a.png"]
    expected = score(reference, [first, third, reference], threads=1)
    np.testing.assert_array_equal(table.loc[[0, 2, 3], list(METRICS)], expected)
    lumas = [np.asarray(Image.fromarray(p).convert("L"), float) for p in (reference, first)]
    decibels = peak_signal_noise_ratio(*lumas, data_range=255)
    assert table["psnr"].iloc[0] == pytest.approx(decibels, abs=0.05)
    assert table["psnr"].iloc[3] > 300, "equal pictures have a finite value"


def test_references_that_are_too_small_are_left_out_with_a_warning(
    shard: object, caplog: pytest.LogCaptureFixture
) -> None:
    save("references/small.png", data.astronaut()[:160, :180])
    pairs: list[tuple[str, str | None]] = [("references/small.png", "references/small.png")]
    cfg = {"dataset": "rated", "engine": "fused"}
    for further, images in (([(f"{SHARD}/1-a.png", "references/a.png")], ["1-a.png"]), ([], [])):
        score_dataset(write_dataset([*pairs, *further]), Path("rated.parquet"), cfg, 1)
        assert read_table("rated.parquet", TARGET_SCORES)["image"].tolist() == images
        told = (
            f"dataset.parquet: 1 of {1 + len(images)} pictures are left out, since a side of their reference"
        )
        assert f"{told} picture, such as references/small.png, is under the 161 pixels" in caplog.text


def test_a_dataset_without_references_is_refused(shard: object) -> None:
    dataset = write_dataset([(f"{SHARD}/1-a.png", None)])
    with pytest.raises(MosforgeError, match="no picture of rated has a reference picture"):
        score_dataset(dataset, Path("rated.parquet"), {"dataset": "rated", "engine": "fused"}, 1)


@pytest.mark.parametrize("cfg", [{}, {"engine": "fused", "threads": 2}, ["fused"]])
def test_cfg_is_the_engine_alone(shard: object, cfg: object) -> None:
    with pytest.raises(MosforgeError, match='expected the key "engine" and no other'):
        score_shard(SHARD, OUTPUT, cfg, threads=1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["metrics", "a.png", "b.png"], ["metrics", "pair", "a.png", "b.png"]),
        (["metrics", "--format", "json", "a", "b"], ["metrics", "pair", "--format", "json", "a", "b"]),
        (["metrics", "pair", "a", "b"], ["metrics", "pair", "a", "b"]),
        (["metrics", "shard", "--threads", "1"], ["metrics", "shard", "--threads", "1"]),
        (["metrics", "--help"], ["metrics", "--help"]),
        (["metrics", "-h"], ["metrics", "-h"]),
        (["metrics"], ["metrics"]),
        (["score", "metrics", "x"], ["score", "metrics", "x"]),
        ([], []),
    ],
)
def test_the_verb_pair_may_be_left_out(words: list[str], expected: list[str]) -> None:
    assert command.with_verb(words) == expected


def run(words: list[str]) -> None:
    """The command line of this stage alone."""
    import argparse

    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers())
    arguments = parser.parse_args(command.with_verb(words))
    arguments.run(arguments)


def test_pair_prints_the_six_and_the_oriented_mean(shard: object, capsys: pytest.CaptureFixture[str]) -> None:
    run(["metrics", "references/a.png", f"{SHARD}/3-a.png", "--format", "json"])
    values = json.loads(capsys.readouterr().out)
    assert list(values) == ["ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd", "mean"]
    similarities = values["ssim"] + values["ms_ssim"] + values["vsi"] + values["fsim"]
    expected = (similarities + 1 - values["mdsi"] + 1 - values["gmsd"]) / 6
    assert values["mean"] == pytest.approx(expected, abs=2e-6)
    run(["metrics", "references/a.png", f"{SHARD}/3-a.png", "--format", "csv"])
    header, line = capsys.readouterr().out.splitlines()
    assert header == "ssim,ms_ssim,mdsi,vsi,fsim,gmsd,mean"
    assert float(line.split(",")[0]) == pytest.approx(values["ssim"], abs=1e-4)


def test_pair_refuses_in_one_sentence(shard: object, capsys: pytest.CaptureFixture[str]) -> None:
    save("small.png", data.astronaut()[:160, :180])
    Path("broken.png").write_bytes(b"nothing")
    sentences = {
        ("references/a.png", f"{SHARD}/1-b.png"): "1-b.png: 161x170 pixels, but its reference",
        ("small.png", "small.png"): "small.png: 180x160 pixels; the metrics need at least 161",
        ("references/a.png", "nowhere.png"): "nowhere.png: no such file",
        ("broken.png", "small.png"): "broken.png: ",
        ("--engine", "fast", "references/a.png", "references/a.png"): "'fast' is not an engine",
    }
    for words, sentence in sentences.items():
        assert main(["metrics", *words]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert sentence in err
        assert err.startswith("mosforge: error: ")
        assert err.count("\n") == 1


def test_the_command_line_imports_nothing_heavy() -> None:
    check = (
        "import sys, mosforge.metrics.command;"
        "print([name for name in ('torch', 'piq', 'numba', 'cv2', 'pandas') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
