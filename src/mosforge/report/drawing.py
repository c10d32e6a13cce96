"""How figures look, embed in the page in its light and its dark colours, and are saved as files."""

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

_COLOURS = {
    "ink": "#1d2127",
    "muted": "#676e78",
    "line": "#dedad1",
    "accent": "#0f6e66",
    "grey": "#8b8577",
    "ochre": "#b9771f",
    "blue": "#4a78a8",
    "plum": "#8f5585",
}
"""Each by the name of its custom property in the style sheet, which sets it for light and for dark."""

INK, MUTED, LINE, ACCENT, GREY, OCHRE, BLUE, PLUM = _COLOURS.values()

METHOD_COLOURS = {
    **dict.fromkeys(("FT", "ImageNet"), GREY),
    **{"CLS": OCHRE, "REG": BLUE, "CLS+REG": ACCENT, "RANK": PLUM},
}

_STYLE = {
    **{"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8.0},
    **dict.fromkeys(("text.color", "axes.labelcolor"), INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.linewidth", "grid.linewidth", "xtick.major.width", "ytick.major.width"), 0.6),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 2.5),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    **{"axes.facecolor": "none", "axes.axisbelow": True, "grid.color": LINE},
    **{"legend.fontsize": 7.5, "lines.linewidth": 1.5},
    "svg.fonttype": "none",  # text stays text: it takes the page's font and can be searched
}


class Figure(NamedTuple):
    """A drawn figure."""

    name: str  # stem of its files; unique on the page
    caption: str  # what it shows, in plain words
    inline: Markup  # an `<svg>` element for the page
    svg: bytes  # a file of its own, on white
    png: bytes  # the same as pixels, at 200 dots an inch

    def save(self, folder: Path) -> None:
        """Writes NAME.svg and NAME.png into an existing folder."""
        (folder / f"{self.name}.svg").write_bytes(self.svg)
        (folder / f"{self.name}.png").write_bytes(self.png)


def colour_of(method: str) -> str:
    """The colour of a method, the same for all its corpora and adaptations.

    Networks side by side are drawn in ink; a measure without a network is muted.
    """
    start = method.partition(", ")[0]
    return INK if " and " in start else METHOD_COLOURS.get(start.partition(" from ")[0], MUTED)


def file_stem(*parts: str) -> str:
    """A file name made of names: lower case, and a dash for what a file name should not hold."""
    return "-".join(re.sub(r"[^a-z0-9_]+", "-", part.lower()).strip("-") for part in parts if part)


@contextlib.contextmanager
def canvas(
    width: float, height: float, grid: Literal["y", "both"] | None = None
) -> Iterator[tuple[Canvas, Axes]]:
    """Yields a figure of that size in inches and its axes, with grid lines across the axes that are named.

    The settings of the user (`matplotlibrc`) do not count.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
        drawn = Canvas(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(drawn)
        axes = drawn.add_subplot()
        if grid:
            axes.grid(True, axis=grid)
        yield drawn, axes


def finish(canvas: Canvas, name: str, caption: str) -> Figure:
    """Renders a figure inside its `canvas` block; the same figure gives the same bytes every time."""
    svg, png = io.BytesIO(), io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        canvas.savefig(svg, format="svg", dpi=200, facecolor="none", metadata={"Date": None})
    canvas.set_layout_engine("none")  # it is laid out, and would be a second time
    canvas.savefig(png, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    text = svg.getvalue().decode()
    white = re.sub(r"(<svg[^>]*>)", r'\1<rect width="100%" height="100%" fill="white"/>', text, count=1)
    inline = _inline(text, caption, round(canvas.get_figwidth() * 96))
    return Figure(name, caption, inline, white.encode(), png.getvalue())


def _inline(text: str, caption: str, width: int) -> Markup:
    """An element that stands in a page: no prologue, no addresses, no fixed size, the page's colours."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    used = set(re.findall(r"#([A-Za-z][\w-]*)", text))
    text = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", text)
    for name, colour in _COLOURS.items():
        text = re.sub(colour, f"var(--{name})", text, flags=re.IGNORECASE)
    view = re.search(r'viewBox="([^"]*)"', text)
    assert view is not None  # matplotlib always writes one
    head = (
        f'<svg viewBox="{view[1]}" role="img" aria-label="{escape(caption)}" style="max-width:{width}px" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return Markup(head + text[text.index(">") + 1 :].strip())
