"""The numbers on the page: its tables and figures against the artefacts and the CSV files."""

import csv
import itertools
import json
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
from pages import BESIDE, section, write
from rows import crossed

from mosforge.cli import main
from mosforge.core.files import read_json
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table, write_table
from mosforge.report.artefacts import read_artefacts
from mosforge.report.blocks import say
from mosforge.report.experiment_table import experiment_table
from mosforge.report.gains import gains_of
from mosforge.report.sections import falling_grid, rank_grid
from mosforge.report.settings import PageSettings, TableSettings
from mosforge.report.words import PROXY, interval, number, signed


def test_the_proxy_note_is_beside_each_table_and_figure_that_needs_it(html: str) -> None:
    parts = re.split(r"<h3>", section(html, "correlations"))
    table1, table3, ablation, table2 = parts[1:]
    assert f"own: {PROXY}" in table1.split("</details>")[0]
    assert f"own: {PROXY}" in table3.split("</details>")[0]
    assert PROXY not in ablation
    assert PROXY not in table2
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", section(html, "scatter"))
    of_own = [caption for caption in captions if re.match(r"own[ ,]|\w+ → own,", caption)]
    assert len(of_own) == 2 + 4
    assert [caption for caption in captions if PROXY in caption] == of_own


def test_the_notes_of_a_table_are_those_of_its_markdown(html: str, results: Path) -> None:
    """Also that the labels of pretraining have seen a dataset."""
    shown = re.findall(r"<summary>Notes on this table</summary>(.*?)</details>", html, flags=re.DOTALL)
    for name, notes in zip(("table1", "table3", "ablation"), shown, strict=True):
        rows = read_table(results / f"evaluation/{name}.parquet", CORRELATIONS)
        table = experiment_table(name, rows, TableSettings.model_validate(BESIDE))
        assert re.findall(r"<li[^>]*>(.*?)</li>", unescape(notes)) == table.notes
    assert [say("seen", "live") in unescape(notes) for notes in shown] == [False, True, False]


def test_medians_stand_in_the_row_of_their_model(html: str, results: Path) -> None:
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    shown, _ = tables_of(html, "table1")
    lines = {cells[0]: cells for cells in re.findall(r'row">([\w+]+)<(.*?)</tr>', shown)}
    for (method, start), dataset in itertools.product(
        (("FT", "imagenet"), ("CLS+REG", "tiles-multitask")), ("tid2013", "own")
    ):
        same = rows[(rows["dataset"] == dataset) & (rows["initialisation"] == start)]
        place = ("tid2013", "own").index(dataset) * 2
        values = re.findall(r"<td>(?:<span[^>]*>)?([\d.–]+)", lines[method][1])
        assert values[place] == f"{np.median(same['srocc']):.3f}"


def test_the_pages_tables_are_the_csv(html: str, results: Path, tmp_path: Path) -> None:
    """Value, both ranges and both counts of every number, in the table and below it."""
    outputs = [f"--{name}={tmp_path / name}" for name in ("output", "markdown", "gains", "splits", "sanity")]
    for name in ("table1", "table3", "ablation"):
        correlations = str(results / f"evaluation/{name}.parquet")
        words = ["report", "table", "--experiment", name, "--correlations", correlations, "--predictions"]
        assert main([*words, "--sane", "--labels", *outputs, "--cfg", json.dumps(BESIDE)]) == 0
        lines = list(csv.DictReader((tmp_path / "output").read_text(encoding="utf-8").splitlines()))
        shown, every = tables_of(html, name)
        assert cells_of(shown) == [
            as_cell(line)
            for line in lines
            if line["metric"] == "srocc" or (line["metric"] == "plcc" and name != "table3")
        ]
        assert cells_of(every) == [as_cell(line) for line in lines if line["origin"] == "measured"]
        counts = re.findall(r"<td>(\d+)</td><td>(\d+)</td>", every)
        first = [line for line in lines if line["origin"] == "measured" and line["metric"] == "srocc"]
        assert counts == [(line["splits"], line["images"]) for line in first]
        for line in first:
            assert f"{line['images']} images" in shown
        own = {(line["test_dataset"], line["metric"]) for line in lines if line["own_scale"]}
        assert own == {("live" if name == "table3" else "tid2013", "rmse")}


def tables_of(html: str, experiment: str) -> tuple[str, str]:
    """The table of an experiment, and that of its every measure."""
    part = html.split(f'aria-label="Correlations of {experiment}"')[1]
    every = part.split("<summary>Every measure of these models</summary>")[1]
    return part.split("</table>")[0], every.split("</table>")[0]


def cells_of(table: str) -> list[tuple[str, ...]]:
    """The value and the small print of each cell that holds a number with decimals."""
    cells = re.findall(r"<td>(.*?)</td>", table.replace("\xa0", " "))
    found = [re.match(r"(?:<span[^>]*>)?(−?\d\.\d{3})(?:</span>)?(.*)", cell) for cell in cells]
    return [(cell[1], *re.findall(r"<small>(.*?)</small>", cell[2])) for cell in found if cell]


def as_cell(line: dict[str, str]) -> tuple[str, ...]:
    """How a line of the CSV reads on the page."""
    ranges = (("95%", line["low"], line["high"]), ("splits", line["q25"], line["q75"]))
    small = (f"{word} {interval(float(low), float(high))}" for word, low, high in ranges if low)
    own = (f"own scale {float(line['own_scale']):.3g}",) if line["own_scale"] else ()
    return (number(float(line["value"])), *small, *own)


def test_gains_name_their_datasets_and_what_their_interval_is_over(html: str, results: Path) -> None:
    parts = re.split(r"<h3>", section(html, "correlations"))
    table1, ablation = (part.replace("\xa0", " ") for part in parts if "What pretraining adds" in part)
    gains = table1.split("<summary>What pretraining adds")[1].split("</details>")[0]
    assert table1.split("<summary>What pretraining adds")[0].endswith("<details open>")
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    found = list(gains_of("table1", rows, read_artefacts(results, PageSettings()).predictions).itertuples())
    lines = re.findall(r"<tr><th.*?</tr>", gains, flags=re.DOTALL)[1:]
    assert len(lines) == len(found) == 2
    for line, item in zip(lines, found, strict=True):
        assert re.search(rf">{item.test_dataset}\b", line)
        assert f'row">{item.method} against {item.against}<small>{item.backbone}</small>' in line
        assert f">{signed(item.difference)}<" in line
        assert f"<small>95% {signed(item.low)} to {signed(item.high)}</small><small>over 3 splits" in line
        assert ('class="best"' in line) == (not item.low <= 0 <= item.high)
    assert "Over splits: " in gains
    assert "Over test images" not in gains
    assert "<small>over 36 contents of test images</small>" in ablation
    assert "Over test images" in ablation


def test_every_split_can_be_read_by_itself(html: str, results: Path) -> None:
    part = html.split('aria-label="Splits of tid2013 in table1"')[1].split("</table>")[0].replace("\xa0", " ")
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    for _, row in rows[rows["dataset"] == "tid2013"].iterrows():
        ends = interval(row["srocc_low"], row["srocc_high"])
        assert f"<td>{number(row['srocc'])}<small>95% {ends}</small>" in part
    assert 'aria-label="Splits of tid2013 in ablation"' not in html, "one split is its own table"


def test_what_holds_for_all_intervals_stands_there_once(html: str) -> None:
    assert html.count(say("independent")) == 1
    assert html.count(say("correlations")) == 1
    assert html.count(say("by_order")) == 3


def test_each_network_and_each_pair_of_datasets_has_a_scatter(html: str) -> None:
    within, across = section(html, "scatter").split("<h3>Trained on one dataset, tested on another</h3>")
    assert within.count("<figure>") == 4
    assert across.count("<figure>") == across.count(" → ") / 2 == 6, (
        "in the caption, and in the label for screen readers"
    )
    gallery = section(html, "gallery")
    assert len(re.findall(r"CLS\+REG, efficientnet_lite0, trained on \w+, the network", gallery)) == 2


def test_two_corpora_of_one_objective_have_two_names_everywhere(results: Path, tmp_path: Path) -> None:
    """Each figure and each sentence that names the method names the corpus too."""
    folder = tmp_path / "results"
    (folder / "evaluation").mkdir(parents=True)
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    rows = rows[rows["dataset"] == "tid2013"]
    again = rows[rows["initialisation"] == "tiles-multitask"].assign(initialisation="big-multitask")
    table = pd.concat([rows, again], ignore_index=True)
    other = {("live", "csiq", "net", start): 0.5 for start in ("imagenet", "tiles-cls")}
    for name, made in (("mine", table), ("other", crossed(other))):
        write_table(folder / f"evaluation/{name}.parquet", CORRELATIONS, made, stage="evaluation", cfg={})
    for kind in ("evaluation", "finetuning"):
        shutil.copytree(results / kind / "tid2013", folder / kind / "tid2013")
        for split in (folder / kind / "tid2013").iterdir():
            model = split / "efficientnet_lite0"
            shutil.copytree(model / "tiles-multitask", model / "big-multitask")
    body = write(folder, tmp_path, experiments={"mine": {}, "other": {}}).split("<body>")[1]
    for text in ("correlations", "across"):
        body = body.replace(say(text), "")
    assert body.count("CLS+REG from tiles") > 6
    assert body.count("CLS+REG from big") > 5
    gains = body.split("CLS against FT")[1].split("</tr>")[0]
    assert "live → csiq" in gains
    assert not re.findall(r"CLS\+REG(?! from (?:tiles|big)\b)", body)


def test_an_error_of_a_metric_stands_on_the_datasets_own_scale_too(results: Path, tmp_path: Path) -> None:
    text = write(results, tmp_path, validated=["own"], fusion="quantile", scales={"own": (50, 10)})
    assert section(text, "validation").count("<small>own scale 4</small>") == 2
    assert "own scale" not in re.sub(
        r"“Own scale”", "", section(write(results, tmp_path, validated=["own"]), "validation")
    )


def test_metrics_and_fusions_stand_beside_people(html: str) -> None:
    found = section(html, "validation")
    found = found.replace("\xa0", " ")
    assert re.search(r'row">FSIMc</th><td>0\.861<small>95% 0\.831 to 0\.881</small></td>', found)
    used = '<span class="best">fusion quantile</span><small>from tiles</small><small>makes the labels'
    assert re.search(
        rf'row">{used} of this run</small></th><td>0\.872<small>95% 0\.842 to 0\.892</small></td>', found
    )
    assert found.count("<td>0.910<small>95% 0.900 to 0.920</small></td>") == 2, "within contents"
    assert "30 images of 6 contents" in found
    assert PROXY in found
    assert "results/pmos/validation/live.parquet is not there" in found


def test_the_agreement_of_the_metrics_in_rank_is_a_table(html: str, results: Path) -> None:
    agreement = read_json(results / "pmos/tiles.diagnostics.json")["rank_correlations"]
    rows = rank_grid(agreement).rows[""]
    assert [row[0].text for row in rows] == ["SSIM", "MS-SSIM", "MDSI", "VSI", "FSIMc", "GMSD", "label"]
    for row, values in zip(rows, agreement["values"], strict=True):
        assert [cell.text for cell in row[1:]] == [number(value, 2) for value in values]
    assert 'aria-label="Rank correlation of metrics and label"' in section(html, "pmos")


def test_how_steadily_labels_fall_has_a_row_for_each_type_with_levels() -> None:
    metrics = dict.fromkeys(("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd"), 1.0)
    steps = [{"from": 1, "to": 2, "share": 1.0}, {"from": 2, "to": 3, "share": 0.999}]
    several = {"name": "white_noise", "falling_at_every_step": 0.999, "falling_by_step": steps}
    one_level = {"name": "single", "falling_at_every_step": None}
    (row,) = falling_grid({"types": [several | {"falling_steps": metrics}, one_level]}).rows[""]
    assert [cell.text for cell in row[:3]] == [
        "white noise",
        "99.90%",
        "from level 2 to 3, 0.10% do not fall",
    ]
    assert [cell.text for cell in row[3:]] == ["100%"] * 6
