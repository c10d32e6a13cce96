"""Finding files whatever the case of their names, and layouts by theirs."""

from pathlib import Path

import pytest
from official_layout import touch

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.datasets import load
from mosforge.finetuning.registry import Folder


def test_a_name_in_its_very_case_wins(tmp_path: Path) -> None:
    for name in ("b/X.png", "b/x.png", "B2/y.png"):
        touch(tmp_path, [name])
    folder = Folder(tmp_path)
    assert folder.find("b/x.png") == tmp_path / "b/x.png"
    assert folder.find("B/x.PNG") == tmp_path / "b/X.png"
    assert folder.find("b2/Y.PNG") == tmp_path / "B2/y.png"
    assert folder.find("b/z.png") is None
    assert folder.find("b/x.png/deeper") is None


def test_an_unknown_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match="layout spaq: there is no such layout; use live, csiq"):
        load("s", "spaq", tmp_path)
