"""The files of a target dataset: found with the case of their names ignored.

The workflow imports this module while it plans, so it imports nothing heavy.
"""

import os
import unicodedata
from pathlib import Path, PurePosixPath

from mosforge.core.errors import MosforgeError


class Folder:
    """Finds files; the case of their names and the encoding of accents are ignored.

    Releases, archives and file systems disagree about both. Each directory is listed once. A name in exactly
    the given case comes first; of several others, the first in the order of code points.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._listings: dict[Path, tuple[frozenset[str], dict[str, str]]] = {}

    def find(self, *names: str) -> Path | None:
        """The first file or folder that exists, of POSIX paths below this folder or from the root."""
        return next((found for name in names if (found := self._find(name))), None)

    def first(self, *names: str) -> Path:
        """Like `find`, for files of which `registry.missing` has found one.

        Raises:
            MosforgeError: none of them exists.
        """
        found = self.find(*names)
        if found is None:
            raise MosforgeError(f"{self.path / names[0]}: no such file")
        return found

    def _find(self, name: str) -> Path | None:
        place = self.path
        for part in PurePosixPath(name).parts:
            if part in ("/", ".."):
                place = place / part
                continue
            exact, folded = self._list(place)
            actual = part if part in exact else folded.get(_folded(part))
            if actual is None:
                return None
            place = place / actual
        return place

    def _list(self, place: Path) -> tuple[frozenset[str], dict[str, str]]:
        if place not in self._listings:
            names = sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []
            folded = {_folded(name): name for name in reversed(names)}
            self._listings[place] = frozenset(names), folded
        return self._listings[place]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
