"""What a figure shows: the numbers in an SVG of matplotlib, read off its own axes."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np

from mosforge.report.drawing import Figure

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"


class Drawn:
    """The points, lines and segments of a figure, in the units of its axes."""

    def __init__(self, figure: Figure) -> None:
        root = ElementTree.fromstring(figure.svg)
        (self._axes,) = (group for group in root.iter(f"{_SVG}g") if group.get("id") == "axes_1")
        self._scales = [self._scale(kind) for kind in "xy"]

    def lines(self) -> list[tuple[str, np.ndarray]]:
        """Colour and points, shape (n, 2), of each line of the plot."""
        paths = [path for group in self._plotted("line2d") for path in group.findall(f"{_SVG}path")]
        return [(_style(path, "stroke"), self._points(path)) for path in paths]

    def markers(self) -> tuple[str, np.ndarray]:
        """Colour and places, shape (n, 2), of the points of a scatter."""
        uses = [use for group in self._plotted("PathCollection") for use in group.iter(f"{_SVG}use")]
        places = [(float(use.attrib["x"]), float(use.attrib["y"])) for use in uses]
        return _style(uses[0], "fill"), self._values(np.array(places))

    def segments(self) -> list[tuple[float, np.ndarray]]:
        """Width and ends, shape (2, 2), of each single straight line."""
        paths = [path for group in self._plotted("LineCollection") for path in group.iter(f"{_SVG}path")]
        return [(float(_style(path, "stroke-width") or 1), self._points(path)) for path in paths]

    def widths(self) -> list[float]:
        """Width in points of each rectangle, the background apart."""
        paths = [path for group in self._plotted("patch") for path in group.findall(f"{_SVG}path")]
        xs = [[float(x) for x in re.findall(r"[ML] (-?[\d.]+)", path.attrib["d"])] for path in paths]
        return [max(found) - min(found) for found in xs][1:]

    def _plotted(self, kind: str) -> Iterator[ElementTree.Element]:
        return (group for group in self._axes if group.get("id", "").startswith(f"{kind}_"))

    def _points(self, path: ElementTree.Element) -> np.ndarray:
        numbers = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", path.attrib["d"])]
        return self._values(np.array(numbers).reshape(-1, 2))

    def _values(self, pixels: np.ndarray) -> np.ndarray:
        return np.column_stack([np.polyval(scale, pixels[:, i]) for i, scale in enumerate(self._scales)])

    def _scale(self, kind: str) -> np.ndarray:
        """From pixels to values, by the ticks and their labels; an axis without marks stays in pixels."""
        ticks = [g for g in self._axes.iter(f"{_SVG}g") if g.get("id", "").startswith(f"{kind}tick_")]
        places, values = [], []
        for tick in ticks:
            marks = [use for use in tick.iter(f"{_SVG}use") if use.get(_LINK)]
            if not marks:
                return np.array([1.0, 0.0])
            (label,) = tick.iter(f"{_SVG}text")
            places.append(float(marks[0].attrib[kind]))
            values.append(float("".join(label.itertext()).replace("−", "-")))
        return np.polyfit(places, values, 1)


def _style(element: ElementTree.Element, name: str) -> str:
    found = re.search(rf"(?:^|[; ]){name}: ([^;]+)", element.get("style", ""))
    return found[1] if found else ""
