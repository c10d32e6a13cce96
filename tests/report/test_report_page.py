"""The page as a reader and a browser meet it, and the command line that writes it."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rows import crossed

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table, write_table
from mosforge.report.artefacts import predictions_of
from mosforge.report.differences import paired_differences
from mosforge.report.gallery import distortions
from mosforge.report.notes import BY_ORDER, PROXY
from mosforge.report.page import PageCfg, page_context, parse_cfg, render, write_page
from mosforge.report.provenance import read_source
from mosforge.report.summary import interval, number, signed

CFG = {
    "title": "Small & real",
    "experiments": ["table1", "table3", "ablation", "table2"],
    "corpora": ["tiles", "authentic"],
    "validated": ["own", "live"],
    "proxies": ["own"],
    "compared": {"tiles": ["live", "tid2013"]},
    "left_out": ["csiq <b>: its folder is missing"],
    "config": {"pmos": {"fusion": "quantile"}, "sources": {"obtain": "https://example.org"}},
}
_VOID = {"meta", "link", "img", "br", "path", "use"}


class Page(HTMLParser):
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


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def html(results: Path) -> str:
    words = ["report", "page", "--results", str(results), "--cfg", json.dumps(CFG)]
    assert main([*words, "--output", str(results / "report/index.html")]) == 0
    return (results / "report/index.html").read_text(encoding="utf-8")


def test_the_page_parses_and_fetches_nothing(html: str) -> None:
    page = parsed(html)
    assert page.links
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"url\(\s*['\"]?(?!#)", html)
    assert "@import" not in html
    assert not {"script", "iframe", "object"} & {tag for tag, _ in page.elements}


def test_every_figure_is_embedded_and_saved(html: str, results: Path) -> None:
    figures = results / "report/figures"
    saved = {path.stem for path in figures.glob("*.svg")}
    drawn = [attrs for tag, attrs in parsed(html).elements if tag == "svg"]
    assert len(drawn) == len(saved)
    assert saved == {path.stem for path in figures.glob("*.png")}
    assert {
        "bars-table1-own",
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
    parts = re.split(r"<h3>", html.split('<section id="correlations">')[1].split("</section>")[0])
    table1, table3, ablation, table2 = parts[1:]
    assert f"own: {PROXY}" in table1.split("</details>")[0]
    assert f"own: {PROXY}" in table3.split("</details>")[0]
    assert PROXY not in ablation
    assert PROXY not in table2
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html.split('<section id="scatter">')[1])
    own = [caption for caption in captions if caption.startswith("own, ") and "SROCC 0." in caption]
    assert len(own) == 2
    assert all(PROXY in caption for caption in own)


def test_medians_stand_on_the_page(html: str, results: Path) -> None:
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    for _, group in rows.groupby(["dataset", "initialisation"]):
        assert f">{np.median(group['srocc']):.3f}<" in html


def test_the_pages_tables_are_the_csv(html: str, results: Path, tmp_path: Path) -> None:
    """Value, both ranges and both counts of every number, in the table and below it."""
    for name in ("table1", "table3", "ablation"):
        output = tmp_path / f"{name}.csv"
        words = [
            "report",
            "table",
            "--experiment",
            name,
            "--output",
            str(output),
            "--cfg",
            '{"proxies": ["own"]}',
        ]
        words += ["--correlations", str(results / f"evaluation/{name}.parquet")]
        assert main(words) == 0
        with output.open(encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        shown, every = tables_of(html, name)
        assert cells_of(shown) == [
            told(line)
            for line in lines
            if line["metric"] == "srocc" or (line["metric"] == "plcc" and name != "table3")
        ]
        assert cells_of(every) == [told(line) for line in lines if line["origin"] == "measured"]
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
    """The value and the small print of each cell that holds a number."""
    return [
        (value, *re.findall(r"<small>(.*?)</small>", rest.replace("\xa0", " ")))
        for value, rest in re.findall(r'<td><span(?: class="\w*")?>(.*?)</span>(.*?)</td>', table)
    ]


def told(line: dict[str, str]) -> tuple[str, ...]:
    """How a line of the CSV reads on the page."""
    ranges = (("95%", line["low"], line["high"]), ("splits", line["q25"], line["q75"]))
    spreads = (f"{word} {interval(float(low), float(high))}" for word, low, high in ranges if low)
    return (number(float(line["value"])), *spreads)


def test_gains_name_their_datasets_and_what_their_interval_is_over(html: str, results: Path) -> None:
    section = html.split('<section id="correlations">')[1].split("</section>")[0]
    table1, ablation = (part for part in re.split(r"<h3>", section) if "What pretraining adds" in part)
    gains = table1.split("What pretraining adds")[1].split("</details>")[0]
    assert table1.split("<summary>What pretraining adds")[0].endswith("<details open>\n")
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    found = paired_differences(rows, lambda run: predictions_of(run, results))
    lines = re.findall(r"<tr><th.*?</tr>", gains, flags=re.DOTALL)[1:]
    assert len(lines) == len(found) == 2
    for line, item in zip(lines, found, strict=True):
        assert re.search(rf">\s*{item.test}\b", line)
        assert f'<th scope="row">{item.method} against {item.base}<small>{item.backbone}</small>' in line
        assert f"<td>{signed(item.value)}<br>" in line
        assert f">{signed(item.low)} to {signed(item.high)}</span><small>over 3 splits</small>" in line
    assert "Student's 95% interval" in gains
    assert "</span><small>over 36 test images</small>" in ablation
    assert "both models measured on the same ones" in ablation


def test_every_split_can_be_read_alone(html: str, results: Path) -> None:
    part = html.split('aria-label="Splits of tid2013 in table1"')[1].split("</table>")[0].replace("\xa0", " ")
    rows = read_table(results / "evaluation/table1.parquet", CORRELATIONS)
    for _, row in rows[rows["dataset"] == "tid2013"].iterrows():
        ends = interval(row["srocc_low"], row["srocc_high"])
        assert f"<td>{number(row['srocc'])}<small>95% {ends}</small>" in part
    assert 'aria-label="Splits of tid2013 in ablation"' not in html, "one split is its own table"


def test_what_holds_for_all_intervals_is_said_once(html: str) -> None:
    assert html.count("takes them for independent of one another") == 1
    assert html.count("RANK that of RankIQA") == 1
    assert html.count(BY_ORDER) == 3


def test_the_configuration_is_printed(html: str) -> None:
    assert "details.quiet" not in html
    assert "details::details-content { display: block" in html


def test_each_network_and_each_pair_of_datasets_has_a_scatter(html: str) -> None:
    section = html.split('<section id="scatter">')[1].split("</section>")[0]
    within, across = section.split("<h3>Trained on one dataset, tested on another</h3>")
    assert within.count("<figure>") == 4
    assert across.count("<figure>") == across.count(" → ") / 2 == 6, "in the caption, and for who cannot see"
    gallery = html.split('<section id="gallery">')[1]
    assert len(re.findall(r"As CLS\+REG, efficientnet_lite0, trained on \w+ scores them", gallery)) == 2


def test_two_corpora_of_one_objective_are_told_apart_everywhere(results: Path, tmp_path: Path) -> None:
    """Each picture and each sentence that names the method names the corpus too."""
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
    output = tmp_path / "index.html"
    write_page(folder, output, tmp_path / "figures", PageCfg(experiments=["mine", "other"]))
    text = output.read_text(encoding="utf-8").split('<section id="correlations">')
    body = text[0].split("<body>")[1] + text[1].split("CLS+REG to do both, as the paper proposes")[1]
    named = body.replace("one network for each pair of datasets: CLS+REG where", "")
    assert named.count("CLS+REG from tiles") > 6
    assert named.count("CLS+REG from big") > 5
    gains = body.split("CLS against FT")[1].split("</tr>")[0]
    assert "live → csiq" in gains
    assert not re.findall(r"CLS\+REG(?! from (?:tiles|big)\b)", named)


def test_what_the_user_wrote_is_escaped(html: str) -> None:
    assert "<title>Small &amp; real</title>" in html
    assert "csiq &lt;b&gt;: its folder is missing" in html
    assert "broken &lt;b&gt;.jpg" in html


def test_a_photograph_left_out_is_told_with_the_dataset_that_shows_it(html: str, results: Path) -> None:
    assert "were compared by content with live, tid2013: some show the same picture" in html
    assert "1 photograph of tiles left out of the corpus" in html
    picture = "resources/datasets/tid2013/reference_images/I19.BMP"
    assert f"<tr><td>kodim &lt;19&gt;.png</td><td>tid2013</td><td>{picture}</td></tr>" in html
    assert read_source(results, "tiles").leaks == (), "the guard is off, and what it once found is no matter"


def test_what_the_leakage_guard_found_is_told_where_it_is_there(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    for name in ("sources/tiles.parquet", "pmos/tiles.parquet"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(results / name, folder / name)
    cfg = PageCfg(corpora=["tiles"], compared={"tiles": ["live"]})
    found = render(page_context(folder, cfg))
    assert "results/sources/tiles.leaks.parquet is not there" in found
    assert "were compared by content" not in found


def test_what_is_not_there_is_said_in_a_line(html: str) -> None:
    assert "results/evaluation/table2.parquet is not there" in html
    assert "results/pmos/authentic.parquet is not there" in html


def test_the_run_is_told(html: str) -> None:
    assert "the file is truncated" in html
    assert "1 min 15 s" in html
    assert "pmos.fusion" in html
    assert "distorted pictures of 3 photographs in tiles" in html
    rows = {row[1]: row[0] for row in re.findall(r"(<tr><th scope=\"row\">(\w+)</th>.*?</tr>)", html)}
    assert "a fine GPU" in rows["finetune"]
    assert ">CPU<" in rows["pmos"]


def test_nothing_at_all_still_makes_a_page(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    output = tmp_path / "results/report/index.html"
    write_page(
        tmp_path / "results",
        output,
        output.parent / "figures",
        PageCfg(experiments=["table1"], corpora=["synthetic"]),
    )
    text = output.read_text(encoding="utf-8")
    parsed(text)
    assert text.count('class="absent"') >= 7
    write_page(tmp_path / "results", output, output.parent / "figures", PageCfg())
    assert "No experiment is configured." in output.read_text(encoding="utf-8")


def test_missing_predictions_and_pictures_do_not_stop_the_page(results: Path, tmp_path: Path) -> None:
    for name in ("evaluation/table1.parquet", "pmos/tiles.parquet"):
        (tmp_path / "results" / name).parent.mkdir(parents=True)
        shutil.copy(results / name, tmp_path / "results" / name)
    output = tmp_path / "index.html"
    write_page(tmp_path / "results", output, output.parent / "figures", parse_cfg(CFG))
    text = output.read_text(encoding="utf-8")
    parsed(text)
    assert "No predictions are there yet." in text
    assert "No distorted pictures are there to show" in text


def test_a_damaged_artefact_is_named(results: Path, tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation/table1.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(MosforgeError, match=r"table1\.parquet: not a readable Parquet file"):
        write_page(tmp_path, tmp_path / "index.html", tmp_path / "figures", PageCfg(experiments=["table1"]))
    assert not (tmp_path / "index.html").exists()


def test_the_same_artefacts_make_the_same_figures(html: str, results: Path, tmp_path: Path) -> None:
    assert html
    write_page(results, tmp_path / "index.html", tmp_path / "figures", PageCfg(experiments=["ablation"]))
    again = sorted((tmp_path / "figures").iterdir())
    assert "scatter-tid2013-efficientnet_lite0-imagenet.svg" in {path.name for path in again}
    for path in again:
        # the whole page draws more splits into the learning curves than the ablation has
        if not path.name.startswith(("finetuning", "scatter")):
            assert path.read_bytes() == (results / "report/figures" / path.name).read_bytes()


def test_the_gallery_shows_every_type_and_level_of_one_photograph(results: Path) -> None:
    pmos = read_table(results / "pmos/tiles.parquet", LABELS)
    shown = distortions(pmos, results.parent)
    assert shown is not None
    assert [(row.name, len(row.levels)) for row in shown.types] == [
        ("gaussian blur", 5),
        ("jpeg", 5),
        ("overexposure", 2),
    ]
    labels = pmos[pmos["image_id"] == shown.image_id].set_index(["group", "level"])["pmos"]
    assert shown.types[1].levels[4].score == labels["jpeg", 5]


def test_metrics_and_fusions_stand_beside_people(html: str) -> None:
    section = html.split('<section id="validation">')[1].split("</section>")[0]
    assert "FSIMc" in section
    assert ">0.861<" in section
    assert "fusion quantile<small>from tiles</small>" in section
    assert PROXY in section
    assert "results/pmos/validation/live.parquet is not there" in section
