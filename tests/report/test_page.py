"""The job `page`: the page as a reader and a browser meet it."""

import base64
import csv
import io
import itertools
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rows import crossed

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table, write_table
from mosforge.report.artefacts import read_artefacts
from mosforge.report.blocks import say
from mosforge.report.gains import gains_of
from mosforge.report.page import page
from mosforge.report.sections import falling_grid
from mosforge.report.settings import PageSettings
from mosforge.report.words import PROXY, interval, number, signed

CFG = {
    "title": "Small & real",
    "experiments": ["table1", "table3", "ablation", "table2"],
    "corpora": ["tiles", "authentic"],
    "validated": ["own", "live"],
    "proxies": ["own"],
    "fusion": "quantile",
    "compared": {"tiles": ["live", "tid2013"]},
    "left_out": ["csiq <b>: its folder is missing"],
    "config": {"pmos": {"fusion": "quantile"}, "sources": {"obtain": "https://example.org"}},
}
_VOID = {"meta", "link", "img", "br", "path", "use"}


class Parsed(HTMLParser):
    """Checks that elements nest, and collects what a browser could be made to fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(tag, attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.links += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset")
        ]


def parsed(text: str) -> Parsed:
    found = Parsed()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def write(results: Path, folder: Path, **cfg: object) -> str:
    """Writes a page and its figures into a folder, and returns the text of the page."""
    output = folder / "index.html"
    page(results, output=output, figures=folder / "figures", cfg=PageSettings.model_validate(cfg))
    return output.read_text(encoding="utf-8")


def section(html: str, name: str) -> str:
    """The text of a section."""
    return html.split(f'<section id="{name}">')[1].split("</section>")[0]


@pytest.fixture(scope="module")
def html(results: Path) -> str:
    output, figures = results / "report/index.html", results / "report/figures"
    words = ["report", "page", "--results", str(results), "--cfg", json.dumps(CFG)]
    assert main([*words, "--output", str(output), "--figures", str(figures)]) == 0
    return output.read_text(encoding="utf-8")


def test_the_page_parses_and_fetches_nothing(html: str) -> None:
    found = parsed(html)
    assert found.links
    paper = "https://doi.org/10.33851/JMIS.2022.9.2.75"
    assert ("a", {"href": paper}) in found.elements, "it is named, and fetched only by who clicks on it"
    assert all(link.startswith(("#", "data:")) for link in found.links if link != paper)
    assert not re.search(r"url\(\s*['\"]?(?!#)", html)
    assert "@import" not in html
    assert not {"script", "iframe", "object"} & {tag for tag, _ in found.elements}


def test_each_link_of_the_page_has_its_section(html: str) -> None:
    found = parsed(html)
    sections = [attrs["id"] for tag, attrs in found.elements if tag == "section"]
    links = [attrs["href"] or "" for tag, attrs in found.elements if tag == "a"]
    assert [link for link in links if link.startswith("#")] == [f"#{name}" for name in sections]
    assert len(sections) == 8
    assert (sections[0], sections[-1]) == ("correlations", "run"), "results come before times"


def test_the_first_screen_has_the_run_the_main_table_a_figure_and_one_sentence(html: str) -> None:
    first = html.split("<body>")[1].split("<summary>Notes on this table</summary>")[0]
    assert re.search(r"<h1>Small &amp; real, \d+ \w+ \d{4}</h1>", first)
    assert "36 distorted images of 3 pristine images in tiles; 15 fine-tuned models evaluated" in first
    assert len(re.findall(r'<p class="finding">', first)) == 1
    shown = re.sub(r"<details>.*?</details>", "", first, flags=re.DOTALL)
    assert 'aria-label="Correlations of table1"' in shown
    assert shown.count("<figure>") == 1
    assert say("independent") not in shown


def test_thumbnails_hold_what_opens_in_full_size(html: str) -> None:
    gallery = section(html, "gallery")
    for part, side in (("thumbs five", 176), ("thumbs large", 176)):
        found = gallery.split(f'class="{part}"')[1].split("</figure>")[0]
        opened = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', found)[-1]
        assert Image.open(io.BytesIO(base64.b64decode(opened))).size == (side, side), "nothing is scaled"
        assert 'class="zoom" tabindex="0"' in found


def test_every_figure_is_embedded_and_saved(html: str, results: Path) -> None:
    figures = results / "report/figures"
    saved = {path.stem for path in figures.glob("*.svg")}
    drawn = [attrs for tag, attrs in parsed(html).elements if tag == "svg"]
    assert len(drawn) == len(saved)
    assert saved == {path.stem for path in figures.glob("*.png")}
    assert {
        "bars-table1",
        "matrix-table3-efficientnet_lite0-cls-reg",
        "pmos-tiles-histogram",
        "pmos-tiles-level-jpeg",
        "pmos-tiles-distribution-fsim",
        "pmos-tiles-metrics",
        "pretraining-tiles-efficientnet_lite0-multitask",
        "finetuning-own-efficientnet_lite0-loss",
        "scatter-own-efficientnet_lite0-tiles-multitask",
    } <= saved
    assert all(attrs["aria-label"] for attrs in drawn)
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_figures_take_the_colours_of_the_page(html: str) -> None:
    inline = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    assert "var(--ink)" in inline
    assert not re.search(r"fill: #(?:fff|000)", inline)
    assert "prefers-color-scheme: dark" in html


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
        assert main([*words, "--sane", *outputs, "--cfg", '{"proxies": ["own"]}']) == 0
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
    return (number(float(line["value"])), *small)


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


def test_the_configuration_stands_on_the_page_and_on_paper(html: str) -> None:
    whole = html.split("<summary>The whole configuration</summary>")[1].split("</details>")[0]
    assert re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', whole) == [
        ("pmos.fusion", "quantile"),
        ("sources.obtain", "https://example.org"),
    ]
    screen, paper = html.split("</style>")[0].split("@media print")
    assert "details::details-content" not in screen
    assert re.search(r"details::details-content \{[^}]*content-visibility: visible", paper)


def test_each_network_and_each_pair_of_datasets_has_a_scatter(html: str) -> None:
    within, across = section(html, "scatter").split("<h3>Trained on one dataset, tested on another</h3>")
    assert within.count("<figure>") == 4
    assert across.count("<figure>") == across.count(" → ") / 2 == 6, (
        "in the caption, and in the label for screen readers"
    )
    gallery = section(html, "gallery")
    assert len(re.findall(r"CLS\+REG, efficientnet_lite0, trained on \w+ scores", gallery)) == 2


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
    body = write(folder, tmp_path, experiments=["mine", "other"]).split("<body>")[1]
    for text in ("correlations", "across"):
        body = body.replace(say(text), "")
    assert body.count("CLS+REG from tiles") > 6
    assert body.count("CLS+REG from big") > 5
    gains = body.split("CLS against FT")[1].split("</tr>")[0]
    assert "live → csiq" in gains
    assert not re.findall(r"CLS\+REG(?! from (?:tiles|big)\b)", body)


def test_what_the_user_wrote_is_escaped(html: str) -> None:
    assert "<title>Small &amp; real, " in html
    assert "csiq &lt;b&gt;: its folder is missing" in html
    assert "broken &lt;b&gt;.jpg" in html


def test_an_image_left_out_is_listed_with_the_dataset_that_shows_it(html: str, results: Path) -> None:
    assert "were compared by content with live, tid2013: some show" in html
    assert "1 pristine image of tiles left out" in html
    image = "resources/datasets/tid2013/reference_images/I19.BMP"
    row = rf'row">kodim &lt;19&gt;\.png</th><td>tid2013</td><td>{re.escape(image)}</td>'
    assert re.search(row, html)


def test_without_the_leakage_guard_what_it_once_found_is_not_shown(results: Path, tmp_path: Path) -> None:
    text = write(results, tmp_path, corpora=["tiles"])
    assert "kodim" not in text
    assert "compared by content" not in text


def test_what_the_leakage_guard_found_is_shown_only_if_it_is_there(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    for name in ("sources/tiles.parquet", "pmos/tiles.parquet"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(results / name, folder / name)
    found = write(folder, tmp_path, corpora=["tiles"], compared={"tiles": ["live"]})
    assert "results/sources/tiles.leaks.parquet is not there" in found
    assert "were compared by content" not in found


def test_what_is_not_there_has_a_line(html: str) -> None:
    absent = re.findall(r'<p class="absent">(.*?)</p>', html)
    for file in ("results/evaluation/table2.parquet", "results/pmos/authentic.parquet"):
        assert sum(line.startswith(f"{file} is not there") for line in absent) == 1


def test_an_experiment_without_a_row_is_another_than_one_without_a_file(
    results: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    nothing = read_table(results / "evaluation/table1.parquet", CORRELATIONS).iloc[:0]
    write_table(folder / "evaluation/mine.parquet", CORRELATIONS, nothing, stage="evaluation", cfg={})
    text = write(folder, tmp_path, experiments=["mine", "other"])
    assert [say("nothing_measured") in text, "evaluation/mine.parquet is not there" in text] == [True, False]
    assert "evaluation/other.parquet is not there" in text


def test_the_run_is_described(html: str) -> None:
    run = section(html, "run")
    assert "the file is truncated" in run
    assert "1 min 15 s" in run
    assert re.search(r"<dt>distorted images of 3 pristine images in tiles</dt><dd>36</dd>", run)
    assert re.search(r"<dt>fine-tuned models evaluated</dt><dd>15</dd>", run)
    rows = {row[1]: row[0] for row in re.findall(r"(<tr><th scope=\"row\">(\w+)</th>.*?</tr>)", run)}
    assert "a fine GPU" in rows["finetune"]
    assert ">CPU<" in rows["pmos"]


def test_nothing_at_all_still_makes_a_page(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    text = write(results, results / "report", experiments=["table1"], corpora=["synthetic"])
    parsed(text)
    assert text.count('class="absent"') >= 7
    assert say("no_experiment") in write(results, results / "report")
    with pytest.raises(MosforgeError, match=r"nowhere: no such folder"):
        write(tmp_path / "nowhere", tmp_path)


def test_missing_predictions_and_images_do_not_stop_the_page(results: Path, tmp_path: Path) -> None:
    for name in ("evaluation/table1.parquet", "pmos/tiles.parquet"):
        (tmp_path / "results" / name).parent.mkdir(parents=True)
        shutil.copy(results / name, tmp_path / "results" / name)
    text = write(tmp_path / "results", tmp_path, **CFG)
    parsed(text)
    for missing in ("no_predictions", "no_distortions", "no_extremes", "no_finetuning_history"):
        assert say(missing) in text


def test_a_damaged_artefact_is_named(results: Path, tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation/table1.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(MosforgeError, match=r"table1\.parquet: not a readable Parquet file"):
        write(tmp_path, tmp_path, experiments=["table1"])
    assert not (tmp_path / "index.html").exists()


def test_the_same_artefacts_make_the_same_figures(html: str, results: Path, tmp_path: Path) -> None:
    assert html
    write(results, tmp_path, experiments=["ablation"])
    again = sorted((tmp_path / "figures").iterdir())
    assert "scatter-tid2013-efficientnet_lite0-imagenet.svg" in {path.name for path in again}
    for path in again:
        # the whole page draws more splits into the learning curves than the ablation has
        if not path.name.startswith(("finetuning", "scatter")):
            assert path.read_bytes() == (results / "report/figures" / path.name).read_bytes()


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
