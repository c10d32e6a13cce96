"""The table and the section of the page about scores that fall."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_table import arguments

from mosforge.cli import main
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.sanity import SANITY
from mosforge.core.tables import write_table
from mosforge.report.blocks import say
from mosforge.report.page import page
from mosforge.report.sanity import NAMES, NUMBERS, sanity_grid, sanity_table
from mosforge.report.settings import PageSettings
from mosforge.statistics.sanity import FOLLOWS, SHARES

FT = {"dataset": "tid2013", "split": "1", "initialisation": "imagenet", "adaptation": "finetune"}
ZERO_SHOT = {"dataset": None, "split": None, "initialisation": "synthetic-multitask", "adaptation": "none"}


def rows(model: dict[str, Any], step: float, tells: bool = False) -> pd.DataFrame:
    """Six images of two types; the score falls by a step from level to level, but at the last of blur."""
    found = []
    for image in range(6):
        found.append((f"{image}.png", "undistorted", 0, 0.8))
        for name, levels in (("jpeg", 3), ("gaussian_blur", 3)):
            scores = 0.8 - step * np.arange(1, levels + 1)
            scores[-1] += 1.5 * step * (name == "gaussian_blur")
            found += [(f"{image}.png", name, i, score) for i, score in enumerate(scores, start=1)]
    frame = pd.DataFrame(found, columns=["image_id", "type", "level", "score"])
    told = {"told_type": "jpeg", "told_level": 1} if tells else {"told_type": None, "told_level": None}
    return frame.assign(**model, **told, backbone="efficientnet_lite0", seed=0, source="fresh")


def labels(images: range) -> pd.DataFrame:
    """The pseudo-MOS of these images, which falls at every step of both types."""
    table = rows(ZERO_SHOT, 0.1).drop_duplicates(["image_id", "type", "level"])
    table = table[table["image_id"].isin([f"{image}.png" for image in images])]
    falling = table.assign(
        group=table["type"], pmos=1 - 0.2 * table["level"], reference="r.png", path="d.png"
    )
    falling = falling.assign(**dict.fromkeys(["class_index", "seed"], 0), **dict.fromkeys(METRICS, 0.5))
    falling["level"] = falling["level"].where(falling["group"] != "undistorted", 1)
    return falling.assign(labels=None, agreement=0.0)[LABELS.columns]


def test_a_table_has_the_shares_of_each_model_over_its_trainings() -> None:
    trainings = [rows(FT | {"split": split}, step) for split, step in (("1", 0.1), ("2", -0.1))]
    tables = [*trainings, rows(ZERO_SHOT, 0.1, tells=True)]
    found = sanity_table("table1", tables, {("imagenet", "finetune"): "FT"})
    assert list(found.columns) == NUMBERS
    assert list(NAMES) == [*SHARES, FOLLOWS]
    values = found[found["type"] == ""].set_index(["method", "share"])["value"]
    assert values["FT", "falls"] == 1 / 4, "JPEG of the first split"
    assert values["FT", "falls_but_one"] == 2 / 4
    zero_shot = "CLS+REG from synthetic, zero-shot"
    assert values[zero_shot, "falls"] == 1 / 2
    assert values[zero_shot, "type"] == pytest.approx(3 / 7)
    assert ("FT", "type") not in values
    assert dict(found[["method", "trainings"]].to_numpy()) == {"FT": 2, zero_shot: 1}
    again = sanity_table("table1", tables, {("synthetic-multitask", "finetune"): "CLS+REG"})
    assert set(again["method"]) == {"FT", "CLS+REG, zero-shot"}, "as its fine-tuned network is called"
    grid = sanity_grid(found)
    assert [len(row) for row in grid.rows[""]] == [2 + len(SHARES)] * 2
    assert [cell.text for cell in grid.rows[""][0][2:]] == ["25%", "50%", "50%", "50%", "50%", "–", "–"]
    assert grid.rows[""][1][1].text == "–"


def test_with_labels_the_table_has_the_srocc_with_the_pseudo_mos() -> None:
    tables = [rows(FT, 0.1), rows(FT | {"split": "2"}, -0.1), rows(ZERO_SHOT, 0.1)]
    found = sanity_table("table1", tables, {("imagenet", "finetune"): "FT"}, labels(range(6)))
    follows = found[found["share"] == "pmos"].set_index(["method", "type"])
    zero_shot = "CLS+REG from synthetic, zero-shot"
    blur = stats.spearmanr([0.8, 0.7, 0.6, 0.65], [1, 0.8, 0.6, 0.4]).statistic
    assert follows.loc[(zero_shot, "jpeg"), "value"] == pytest.approx(1)
    assert follows.loc[(zero_shot, "gaussian_blur"), "value"] == pytest.approx(blur)
    assert follows.loc[("FT", "jpeg"), "value"] == pytest.approx(0), "the mean of 1 and -1"
    assert follows.loc[(zero_shot, ""), "count"] == 6 * 7
    assert follows.loc[(zero_shot, "jpeg"), "count"] == 6 * 4
    assert sanity_grid(found).head[-1].text == "SROCC with the pseudo-MOS"
    together = [0.8, 0.7, 0.6, 0.5, 0.7, 0.6, 0.65], [1, 0.8, 0.6, 0.4, 0.8, 0.6, 0.4]
    srocc = stats.spearmanr(*np.round(together, 9)).statistic
    assert follows.loc[(zero_shot, ""), "value"] == pytest.approx(srocc)
    assert sanity_grid(found).rows[""][1][-1].text == f"{srocc:.3f}"
    fewer = sanity_table("table1", tables, {}, labels(range(3)))
    row = fewer[(fewer["share"] == "pmos") & (fewer["type"] == "")].iloc[-1]
    assert (row["images"], row["count"]) == (3, 21)
    assert np.isnan(row["low"])


def test_table_markdown_and_page_hold_the_shares(results: Path, tmp_path: Path) -> None:
    files = []
    for model, table in (
        ("finetuning/a", rows(FT, 0.1)),
        ("pretraining/b", rows(ZERO_SHOT, 0.1, tells=True)),
    ):
        file = results / f"evaluation/sanity/{model}.parquet"
        write_table(file, SANITY, table[SANITY.columns], stage="evaluation", cfg={})
        files.append(str(file))
    given = results / "pmos/fresh.parquet"
    write_table(given, LABELS, labels(range(6)), stage="pmos", cfg={})
    words = [*arguments(results, tmp_path, "table1"), "--sane", *files, "--labels", str(given)]
    assert main([*words, "--cfg", "{}"]) == 0
    lines = list(csv.DictReader((tmp_path / "table1.sanity").read_text(encoding="utf-8").splitlines()))
    (line,) = (row for row in lines if (row["method"], row["type"], row["share"]) == ("FT", "", "falls"))
    assert (line["value"], line["low"], line["count"], line["images"]) == ("0.5", "0.5", "12", "6")
    text = (tmp_path / "table1.md").read_text(encoding="utf-8")
    assert "| FT, efficientnet_lite0 | tid2013 | 50% (95%: 50% to 50%) | 100%" in text
    cfg = {
        "experiments": {"table1": {}},
        "sanity": {"table1": ["finetuning/a", "pretraining/b", "pretraining/c"]},
        "sanity_corpus": "fresh",
    }
    pages = []
    for change in ({}, {"sanity_corpus": "not_labelled"}, {"sanity": {}}):
        settings = PageSettings.model_validate(cfg | change)
        page(results, output=tmp_path / "p.html", figures=tmp_path / "f", cfg=settings)
        pages.append((tmp_path / "p.html").read_text(encoding="utf-8"))
    section, unlabelled = (
        text.split('<section id="sanity">')[1].split("</section>")[0] for text in pages[:2]
    )
    assert section.count("CLS+REG from synthetic, zero-shot") == 1 + len(SHARES) + 1
    assert "gaussian blur" in section
    assert say("sanity_pmos") in section
    assert "SROCC with the pseudo-MOS</th>" not in unlabelled
    assert say("no_sanity_pmos") in unlabelled
    curves = [text.split('<section id="curves">')[1].split("</section>")[0] for text in pages]
    held_out = (
        curves[0].split("Pretrained models on images that no training has seen")[1].split("</table>")[0]
    )
    assert re.findall(r">([\d.%]+)<small", held_out) == ["43%", "14%", "0.841"]
    assert "FT" not in held_out
    assert [say("held_out") in curves[0], say("not_held_out") in curves[2]] == [True, True]
    assert 'id="sanity"' not in pages[2]
