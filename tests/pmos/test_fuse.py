"""`mosforge pmos fuse` from shards of scores to the labels of a corpus."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mosforge.cli import main
from mosforge.core.schemas.leaks import LEAKS
from mosforge.core.schemas.metrics import DISTANCES, METRIC_SCORES, METRICS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.sources import CATALOGUE
from mosforge.core.schemas.targets import TARGET_SCORES
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table

CFG = {
    "groups": ["gaussian_blur", "jpeg"],
    "shards": {"b": 1, "a": 2},
    "fusion": "quantile",
    "knots": 51,
    "weights": dict.fromkeys(METRICS, 1),
}


def write_shard(file: Path, source: str, group: str, first: int, count: int) -> None:
    rng = np.random.default_rng(first)
    columns: dict[str, Any] = {
        "source": [source] * count,
        "image_id": [f"{first + i}.png" for i in range(count)],
        "reference": [f"photos/{first + i}.png" for i in range(count)],
        "group": [group] * count,
        "level": [i % 5 + 1 for i in range(count)],
        "class_index": [i % 5 for i in range(count)],
        "labels": [None] * count,
        "seed": list(range(count)),
        "path": [f"{group}/{source}/{first + i}.png" for i in range(count)],
    }
    write_table(
        file, METRIC_SCORES, columns | {name: rng.uniform(0, 1, count) for name in METRICS}, stage="t", cfg={}
    )


def write_catalogue(file: Path, source: str, image_ids: Iterable[str]) -> None:
    rows = pd.DataFrame({"image_id": list(image_ids)}).assign(source=source, shard=0, width=200, height=200)
    rows = rows.assign(path=rows["image_id"], sha256=rows["image_id"], format="PNG", mode="RGB")
    write_table(file, CATALOGUE, rows, stage="sources", cfg={})


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    for g, group in enumerate(CFG["groups"]):
        for s, shard in enumerate(("a-00000", "a-00001", "b-00000")):
            file = tmp_path / "metrics" / group / f"{shard}.parquet"
            write_shard(file, shard[0], group, 100 * g + 10 * s, 3 + s)
    write_shard(tmp_path / "metrics/white_noise/a-00000.parquet", "a", "white_noise", 999, 3)
    for source in ("a", "b"):
        tables = [read_table(file, METRIC_SCORES) for file in (tmp_path / "metrics").rglob(f"{source}-*")]
        write_catalogue(tmp_path / f"{source}.parquet", source, pd.concat(tables)["image_id"].unique())
    return tmp_path / "metrics"


def fuse(metrics: Path, name: str, *more: object, leaks: Iterable[Path] = (), **changes: Any) -> int:
    """The exit status of the command; `more` are further words, and `changes` of the settings."""
    out = metrics.parent / name
    catalogues = [metrics.parent / f"{source}.parquet" for source in ("a", "b")]
    words = ["--metrics", metrics, "--catalogues", *catalogues, "--leaks", *leaks, *more]
    words += ["--output", f"{out}.parquet", "--mapping", f"{out}.mapping.json"]
    words += ["--left_out", metrics.parent / "left_out.json", "--cfg", json.dumps(CFG | changes)]
    return main(["pmos", "fuse", *map(str, words)])


def test_the_labels_of_a_corpus(metrics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuse(metrics, "labels") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "24 labels from 6 shards" in err
    labels = read_table(metrics.parent / "labels.parquet", LABELS)
    assert labels["group"].unique().tolist() == CFG["groups"], "a group that is not planned is not read"
    assert labels["path"].is_unique
    assert labels["pmos"].between(0, 1).all()
    assert (labels["agreement"] > 0).all()
    assert read_stamp(metrics.parent / "labels.parquet")["cfg"] == CFG
    mapping = json.loads((metrics.parent / "labels.mapping.json").read_text())
    assert mapping["fusion"] == "quantile"
    assert {len(knots) for knots in mapping["knots"].values()} == {51}
    first = read_table(metrics / "gaussian_blur/a-00000.parquet", METRIC_SCORES)
    kept = labels.set_index("path").loc[first["path"], list(METRICS)]
    np.testing.assert_array_equal(kept, first[list(METRICS)])


def test_the_order_of_the_labels_depends_on_no_shard(metrics: Path) -> None:
    assert fuse(metrics, "labels") == 0
    labels = read_table(metrics.parent / "labels.parquet", LABELS)
    order = labels.assign(group=labels["group"].map(CFG["groups"].index))
    assert order.equals(order.sort_values(["group", "source", "image_id", "level"]))
    for group in CFG["groups"]:
        names = [metrics / group / f"a-0000{number}.parquet" for number in (0, 1)]
        rows = pd.concat([read_table(name, METRIC_SCORES) for name in names], ignore_index=True)
        # one of the shards has no image, as may happen
        for name, part in zip(names, (rows[:0], rows[::-1]), strict=True):
            write_table(name, METRIC_SCORES, part, stage="metrics", cfg={})
    assert fuse(metrics, "other") == 0
    for ending in ("parquet", "mapping.json"):
        made = [(metrics.parent / f"{name}.{ending}").read_bytes() for name in ("labels", "other")]
        assert made[0] == made[1]


def test_images_that_no_catalogue_has_get_no_label_and_move_none(metrics: Path) -> None:
    assert fuse(metrics, "all") == 0
    write_catalogue(metrics.parent / "b.parquet", "b", [])
    assert fuse(metrics, "some") == 0
    assert fuse(metrics, "without", shards={"a": 2}) == 0
    some, without = (read_table(metrics.parent / f"{name}.parquet", LABELS) for name in ("some", "without"))
    assert set(some["source"]) == {"a"}
    assert some.equals(without)


def test_the_same_scores_give_the_same_bytes(metrics: Path) -> None:
    assert fuse(metrics, "one") == fuse(metrics, "two") == 0
    for ending in ("parquet", "mapping.json"):
        assert (metrics.parent / f"one.{ending}").read_bytes() == (
            metrics.parent / f"two.{ending}"
        ).read_bytes()


def test_the_mean_fusion_is_chosen_by_its_name(metrics: Path) -> None:
    assert fuse(metrics, "labels", fusion="mean") == 0
    labels = read_table(metrics.parent / "labels.parquet", LABELS)
    oriented = labels[list(METRICS)].assign(mdsi=1 - labels["mdsi"], gmsd=1 - labels["gmsd"])
    np.testing.assert_allclose(labels["pmos"], oriented.mean(axis=1), rtol=1e-12)


def test_the_logistic_fusion_is_fitted_to_the_given_targets(metrics: Path) -> None:
    rng = np.random.default_rng(0)
    quality = rng.uniform(0, 1, 60)
    columns = {name: quality + rng.normal(0, 0.05, 60) for name in METRICS}
    columns |= {name: 1 - columns[name] for name in ("mdsi", "gmsd")}
    words = ("image", "path", "reference", "reference_path")
    rows = {word: [f"{i}.png" for i in range(60)] for word in words} | columns
    rows |= {"dataset": ["rated"] * 60, "mos": quality, "quality": quality, "psnr": 30 * quality}
    write_table(metrics.parent / "rated.parquet", TARGET_SCORES, rows, stage="metrics", cfg={})
    targets = ("--targets", metrics.parent / "rated.parquet")
    assert fuse(metrics, "labels", *targets, fusion="logistic", logistic="rated") == 0
    labels = read_table(metrics.parent / "labels.parquet", LABELS)
    assert labels["pmos"].between(0, 1).all()
    assert json.loads((metrics.parent / "labels.mapping.json").read_text())["fitted"]["dataset"] == "rated"


def test_the_calibrated_fusion_uses_the_curves_and_weights_of_the_settings(metrics: Path) -> None:
    curves = {name: {"upper": 0.9, "lower": 0.1, "centre": 0.5, "width": 0.2} for name in METRICS}
    weights = {**dict.fromkeys(METRICS, 0), "mdsi": 1}
    assert fuse(metrics, "labels", fusion="calibrated", curves=curves, weights=weights) == 0
    labels = read_table(metrics.parent / "labels.parquet", LABELS)
    expected = 0.1 + 0.8 / (1 + np.exp(-((1 - labels["mdsi"]) - 0.5) / 0.2))
    np.testing.assert_allclose(labels["pmos"], expected, rtol=1e-12)
    mapping = json.loads((metrics.parent / "labels.mapping.json").read_text())
    assert mapping["fitted"] == {"dataset": "the class means of KADID-10k", "curves": curves}


def test_a_missing_shard_is_named_and_nothing_is_written(
    metrics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (metrics / "jpeg/a-00001.parquet").unlink()
    assert fuse(metrics, "labels") == 1
    assert "jpeg/a-00001.parquet: no such file" in capsys.readouterr().err
    assert not list(metrics.parent.glob("labels*"))


def leaks_of(file: Path, image_ids: list[str], source: str = "a") -> Path:
    count = len(image_ids)
    columns: dict[str, Any] = {
        "source": [source] * count,
        "image_id": image_ids,
        "dataset": ["live"] * count,
        "image": ["refimgs/bikes.bmp"] * count,
        "matches": [20] * count,
        "scale": [1.0] * count,
        "mirrored": [False] * count,
        "correlation": [0.99] * count,
    }
    write_table(file, LEAKS, columns, stage="sources", cfg={})
    return file


def test_leaked_images_get_no_label_and_move_none(metrics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [leaks_of(metrics.parent / "a.leaks.parquet", ["0.png"]), metrics.parent / "b.leaks.parquet"]
    leaks_of(files[1], [])
    assert fuse(metrics, "labels", leaks=files) == 0
    # the second group's images have names of their own
    assert "1 of 24 pristine images left out" in capsys.readouterr().err
    labels = read_table(metrics.parent / "labels.parquet", LABELS)
    assert len(labels) == 23
    assert json.loads((metrics.parent / "left_out.json").read_text()) == {"a": ["0.png"]}
    assert "0.png" not in set(labels["image_id"])


def test_leaks_of_another_source_leave_nothing_out(metrics: Path) -> None:
    assert fuse(metrics, "plain") == 0
    other = leaks_of(metrics.parent / "c.leaks.parquet", ["0.png"], source="c")
    assert fuse(metrics, "other", leaks=[other]) == 0
    plain, kept = (read_table(metrics.parent / f"{name}.parquet", LABELS) for name in ("plain", "other"))
    assert plain.equals(kept)


def test_a_corpus_of_nothing_but_leaks_is_refused(metrics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = [read_table(file, METRIC_SCORES) for file in metrics.rglob("*.parquet")]
    tables = [
        leaks_of(
            metrics.parent / f"{source}.leaks.parquet",
            sorted({i for frame in scores for i in frame["image_id"]}),
            source,
        )
        for source in ("a", "b")
    ]
    assert fuse(metrics, "none", leaks=tables) == 1
    assert "sources.leakage.guard" in capsys.readouterr().err
    assert not (metrics.parent / "none.parquet").exists()


def test_a_corpus_without_an_image_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuse(tmp_path / "mine", "labels", groups=["jpeg"], shards={"photos": 0}) == 1
    assert "mine: the corpus has no image" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_two_corpora_share_one_map(metrics: Path, tmp_path: Path) -> None:
    """The same scores have the same label, in whichever corpus; each by itself has another map."""
    other = tmp_path / "other"
    scores = read_table(metrics / "jpeg/a-00001.parquet", METRIC_SCORES)
    scores = scores.assign(group="authentic", path="other/" + scores["path"])
    better = scores.assign(path="better/" + scores["path"], **{name: scores[name] / 2 for name in DISTANCES})
    (other / "authentic").mkdir(parents=True)
    write_table(
        other / "authentic/a-00000.parquet", METRIC_SCORES, pd.concat([scores, better]), stage="t", cfg={}
    )
    joined = [{"groups": ["authentic"], "shards": {"a": 1}}]
    assert fuse(metrics, "joined", "--metrics", other, joined=joined) == 0
    labels = read_table(tmp_path / "joined.parquet", LABELS).set_index("path")["pmos"]
    assert labels[scores["path"]].tolist() == labels[scores["path"].str.removeprefix("other/")].tolist()
    assert fuse(metrics, "alone") == 0
    alone = read_table(metrics.parent / "alone.parquet", LABELS).set_index("path")["pmos"]
    assert len(labels) == len(alone) + 2 * len(scores)
    assert not np.allclose(alone, labels[alone.index])


def test_each_of_two_corpora_needs_an_image(
    metrics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    full, empty = ({"groups": CFG["groups"], "shards": shards} for shards in (CFG["shards"], {"a": 0}))
    for first, second, name in ((full, empty, other), (empty, full, metrics)):
        assert fuse(metrics, "joined", "--metrics", other, **first, joined=[second]) == 1
        assert f"{name}: the corpus has no image" in capsys.readouterr().err


@pytest.mark.parametrize(("cfg", "scale"), [({"scale": 3}, 3), ({"scale": "auto"}, "auto"), ({}, "auto")])
def test_the_mapping_has_the_viewing_scale_of_the_scores(
    metrics: Path, cfg: dict[str, Any], scale: int | str
) -> None:
    """Scores that do not say their scale were made before one could be chosen."""
    for file in metrics.rglob("*.parquet"):
        write_table(file, METRIC_SCORES, read_table(file, METRIC_SCORES), stage="metrics", cfg=cfg)
    assert fuse(metrics, "labels") == 0
    assert json.loads((metrics.parent / "labels.mapping.json").read_text())["scale"] == scale
