"""The page in a real browser: on a desk, on a phone, in the dark and on paper."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

from mosforge.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]

CFG = {
    "title": "In a browser",
    "experiments": {name: {"proxies": ["own"]} for name in ("table1", "table3", "ablation")},
    "corpora": ["tiles"],
    "proxies": ["own"],
    "config": {"pmos": {"fusion": "quantile"}},
}
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


@pytest.fixture(scope="module")
def browser(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    words = ["report", "page", "--results", str(results), "--output", f"{folder}/index.html"]
    assert main([*words, "--figures", f"{folder}/figures", "--cfg", json.dumps(CFG)]) == 0
    browser = Browser(folder / "profile")
    browser.open(folder / "index.html")
    yield browser
    browser.close()


def test_no_request_leaves_the_page_and_the_console_is_silent(browser: Browser) -> None:
    everything = "Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode() }))"
    browser.value(f"{everything}.then(() => true)")
    assert [Path(address).name for address in browser.requests] == ["index.html"]
    assert browser.complaints == []


def test_the_check_sees_an_outside_request_and_an_error(browser: Browser, tmp_path: Path) -> None:
    """The check above can fail: a page with an outside image and an error is seen as one."""
    bad = tmp_path / "bad.html"
    bad.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('so')</script>")
    before = browser.value("location.href")
    try:
        browser.open(bad)
        assert "http://127.0.0.1:9/x.png" in browser.requests
        assert any("so" in complaint for complaint in browser.complaints)
    finally:
        browser.open(Path(before.removeprefix("file://")))
        browser.requests.clear()
        browser.complaints.clear()


def test_every_figure_and_image_is_drawn(browser: Browser) -> None:
    sizes = browser.value("[...document.querySelectorAll('figure svg')].map(s => s.getBBox().width)")
    assert len(sizes) > 10
    assert min(sizes) > 50
    assert browser.value("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_has_the_colours_of_the_scheme(browser: Browser, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.call("Emulation.setEmulatedMedia", features=features)
    colours = browser.value(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,"
        " getComputedStyle(document.querySelector('figure svg text')).fill]"
    )
    paper, ink, label = (sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 for colour in colours)
    assert (paper > 200 > 60 > ink) if scheme == "light" else (paper < 60 < 200 < ink)
    assert abs(label - paper) > 90


def test_a_phone_need_not_scroll_sideways(browser: Browser) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", **PHONE)
    try:
        browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
        browser.value("document.querySelector('#gallery p').textContent = 'folder/'.repeat(20)")
        assert browser.value("document.documentElement.scrollWidth") <= PHONE["width"]
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_what_is_folded_on_the_screen_is_open_on_paper(browser: Browser) -> None:
    heights = []
    browser.value("document.querySelectorAll('details').forEach(d => d.open = false)")
    try:
        for media in ("screen", "print"):
            browser.call("Emulation.setEmulatedMedia", media=media)
            folded = "document.querySelector('table.keys').closest('details')"
            heights.append(browser.value(f"{folded}.getBoundingClientRect().height"))
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
    assert heights[1] > heights[0] + 40


def test_it_prints(browser: Browser) -> None:
    pdf = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 2


def test_a_small_image_opens_in_full_size(browser: Browser) -> None:
    """A crop of the middle, pixel for pixel, over the page; it is closed again."""
    size = "(i => [i.width, i.naturalWidth, getComputedStyle(i).position])"
    opened = "document.querySelector('.thumbs.large .zoom img:last-child')"
    hidden = browser.value(f"getComputedStyle({opened}).display")
    browser.value(f"{opened}.decode().then(() => {opened}.parentElement.focus())")
    shown, whole, position = browser.value(f"{size}({opened})")
    assert (hidden, position) == ("none", "fixed")
    assert shown == whole > 0
    browser.value("document.activeElement.blur()")
    assert browser.value(f"getComputedStyle({opened}).display") == "none"


def test_a_table_that_goes_on_shows_it_on_a_phone(browser: Browser) -> None:
    """It can be scrolled, its first column stays, and a shadow lies at its edge until its end."""
    browser.call("Emulation.setDeviceMetricsOverride", **PHONE)
    try:
        box = "[...document.querySelectorAll('.scroll')].find(s => s.scrollWidth > s.clientWidth + 20)"
        assert browser.value(f"getComputedStyle({box}).backgroundAttachment") == "local, scroll"
        first = f"{box}.querySelector('tbody.measured th').getBoundingClientRect().left"
        before = browser.value(first)
        browser.value(f"{box}.scrollLeft = 60")
        assert browser.value(first) == before
        browser.value(f"{box}.scrollLeft = 0")
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
