"""Figures that look alike, embed in the page in its light and its dark colours, and are saved as files."""

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mosforge.report.methods import without_corpus

INK = "#1d2127"
MUTED = "#676e78"
LINE = "#dedad1"
ACCENT = "#0f6e66"
GREY = "#8b8577"
OCHRE = "#b9771f"
BLUE = "#4a78a8"
PLUM = "#8f5585"

# In the page each colour is a custom property that the style sheet sets for light and for dark.
_PROPERTIES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    ACCENT: "--accent",
    GREY: "--grey",
    OCHRE: "--ochre",
    BLUE: "--blue",
    PLUM: "--plum",
}

METHOD_COLOURS = {"FT": GREY, "CLS": OCHRE, "REG": BLUE, "CLS+REG": ACCENT, "RANK": PLUM}


def colour_of(method: str) -> str:
    """The colour of a method, whatever corpus its name says; grey for a measure without a network."""
    return METHOD_COLOURS.get(without_corpus(method), MUTED)


_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.0,
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.5,
    "svg.fonttype": "none",  # text stays text: it takes the page's font and can be searched
}


@dataclass(frozen=True)
class Picture:
    """A drawn figure.

    Attributes:
        name: stem of its files; unique on the page.
        caption: what it shows, in plain words.
        width: natural width in CSS pixels.
        inline: an `<svg>` element for the page.
        svg: a file of its own, on white.
        png: the same as pixels, at 200 dots an inch.
    """

    name: str
    caption: str
    width: int
    inline: str
    svg: bytes
    png: bytes

    def save(self, folder: Path) -> None:
        """Writes NAME.svg and NAME.png into an existing folder."""
        (folder / f"{self.name}.svg").write_bytes(self.svg)
        (folder / f"{self.name}.png").write_bytes(self.png)


@contextlib.contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """Yields a figure of that size in inches with one pair of axes, in the style of the report."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.add_subplot()


def finish(figure: Figure, name: str, caption: str) -> Picture:
    """Renders a figure inside its `drawing` block; the same figure gives the same bytes every time."""
    with mpl.rc_context({"svg.hashsalt": name}):
        text = _render(figure, "svg", "none").decode()
    figure.set_layout_engine("none")  # it is laid out, and would be a second time
    png = _render(figure, "png", "white")
    width = round(figure.get_figwidth() * 96)
    white = re.sub(r"(<svg[^>]*>)", r'\1<rect width="100%" height="100%" fill="white"/>', text, count=1)
    return Picture(name, caption, width, _inline(text, caption, width), white.encode(), png)


def whole_numbers(axes: Axes) -> None:
    """Marks whole numbers alone on the horizontal axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def file_stem(*parts: str) -> str:
    """A file name made of names: lower case, and a dash for what a file name should not hold."""
    return "-".join(re.sub(r"[^a-z0-9_]+", "-", part.lower()).strip("-") for part in parts)


def _render(figure: Figure, kind: str, background: str) -> bytes:
    stream = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(stream, format=kind, dpi=200, facecolor=background, metadata=metadata)
    return stream.getvalue()


def _inline(text: str, caption: str, width: int) -> str:
    """An element that stands in a page: no prologue, no addresses, no fixed size, the page's colours."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    used = set(re.findall(r"#([A-Za-z][\w-]*)", text))
    text = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", text)
    for colour, name in _PROPERTIES.items():
        text = re.sub(colour, f"var({name})", text, flags=re.IGNORECASE)
    view = re.search(r'viewBox="([^"]*)"', text)
    assert view is not None  # matplotlib always writes one
    label = caption.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    head = (
        f'<svg viewBox="{view[1]}" role="img" aria-label="{label}" style="max-width:{width}px" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return head + text[text.index(">") + 1 :].strip()
