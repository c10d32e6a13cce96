"""The job `page`: the page as a reader and a browser meet it."""

import base64
import io
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from pages import CFG, section, write
from PIL import Image

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import read_table, write_table
from mosforge.report.artefacts import read_artefacts
from mosforge.report.blocks import say
from mosforge.report.sections import correlations_section, counts
from mosforge.report.settings import PageSettings

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
    for part, side in (("thumbs", 176), ("thumbs large", 176)):
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
        "bars-table3",
        "pmos-tiles-distribution-pmos",
        "pmos-tiles-level-jpeg",
        "pmos-tiles-distribution-fsim",
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


def test_the_configuration_stands_on_the_page_and_on_paper(html: str) -> None:
    whole = html.split("<summary>The whole configuration</summary>")[1].split("</details>")[0]
    text = unescape(whole.split("<pre>")[1].split("</pre>")[0])
    assert yaml.safe_load(text) == CFG["config"]
    assert text.startswith("pmos: {fusion: quantile}"), "in its own order"
    assert "folder: Bewertungen Übung" in text
    screen, paper = html.split("</style>")[0].split("@media print")
    assert "details::details-content" not in screen
    assert re.search(r"details::details-content \{[^}]*content-visibility: visible", paper)


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


def test_images_that_were_set_aside_or_leak_are_left_out(html: str, results: Path, tmp_path: Path) -> None:
    text = unescape(section(html, "left-out"))
    assert "1 of 4 pristine images of tiles were set aside" in text
    assert "1 of 3 usable pristine images of tiles were left out by the leakage guard" in text
    assert "tid2013 shows 1" in text
    assert say("nothing_left_out") not in text
    unguarded = section(write(results, tmp_path, corpora=["tiles"]), "left-out")
    assert "leakage guard" not in unguarded
    (results / "sources/tiles.excluded.parquet").rename(tmp_path / "excluded.parquet")
    try:
        unguarded = section(write(results, tmp_path, corpora=["tiles"]), "left-out")
    finally:
        (tmp_path / "excluded.parquet").rename(results / "sources/tiles.excluded.parquet")
    assert say("nothing_left_out") in unguarded


def test_counts_have_their_singular_and_the_test_images_of_all_splits(results: Path) -> None:
    artefacts = read_artefacts(results, PageSettings.model_validate(CFG))
    one = artefacts.labels["tiles"].iloc[:1]
    rows = artefacts.correlations[artefacts.correlations["dataset"] == "tid2013"]
    rows = rows.assign(images=rows["split"].map({"1": 36, "2": 35, "3": 36}).fillna(36).astype(int))
    text = "; ".join(counts(artefacts._replace(labels={"tiles": one}, correlations=rows)))
    assert text.startswith("1 distorted image of 1 pristine image in tiles; ")
    assert "35 to 36 test images a split in tid2013" in text


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
    text = write(folder, tmp_path, experiments={"mine": {}, "other": {}})
    assert [say("nothing_measured") in text, "evaluation/mine.parquet is not there" in text] == [True, False]
    assert "evaluation/other.parquet is not there" in text


def test_the_run_is_described(html: str) -> None:
    run = section(html, "run")
    assert "the file is truncated" in run
    assert "1 min 15 s" in run
    assert "tiles: 3 pristine images that can be used" in run
    rows = {row[1]: row[0] for row in re.findall(r"(<tr><th scope=\"row\">(\w+)</th>.*?</tr>)", run)}
    assert "a fine GPU" in rows["finetune"]
    assert ">CPU<" in rows["pmos"]


def test_nothing_at_all_still_makes_a_page(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    text = write(results, results / "report", experiments={"table1": {}}, corpora=["synthetic"])
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
        write(tmp_path, tmp_path, experiments={"table1": {}})
    assert not (tmp_path / "index.html").exists()


def test_the_same_artefacts_make_the_same_figures(html: str, results: Path, tmp_path: Path) -> None:
    assert html
    write(results, tmp_path, experiments={"ablation": {}})
    again = sorted((tmp_path / "figures").iterdir())
    assert "scatter-tid2013-efficientnet_lite0-imagenet.svg" in {path.name for path in again}
    for path in again:
        # the whole page draws more splits into the learning curves than the ablation has
        if not path.name.startswith(("finetuning", "scatter")):
            assert path.read_bytes() == (results / "report/figures" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"net": "none"}, "First weights: net random."),
        ({"net": "torchvision"}, "First weights: of ImageNet."),
        ({"net": "none", "other": "timm", "own": "a.pth"}, "net random; other of ImageNet; own from a.pth."),
    ],
)
def test_the_page_says_what_its_networks_start_from(
    results: Path, weights: dict[str, str], told: str
) -> None:
    cfg = PageSettings.model_validate({"experiments": {"ablation": {"protocol": {"weights": weights}}}})
    first = next(correlations_section(read_artefacts(results, cfg)._replace(tables={}), {}))
    texts = [block.text for block in first.items]
    assert any(told in text for text in texts)
    assert not any("ImageNet weights only" in text for text in texts)
