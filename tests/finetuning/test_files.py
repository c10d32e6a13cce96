"""Files are found whatever the case of their names."""

from pathlib import Path

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.finetuning.files import Folder


def test_a_name_in_exactly_the_given_case_comes_first(tmp_path: Path) -> None:
    for name in ("b/X.png", "b/x.png", "B2/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folder = Folder(tmp_path)
    assert folder.find("b/x.png") == tmp_path / "b/x.png"
    assert folder.find("B/x.PNG") == tmp_path / "b/X.png"
    assert folder.find("b2/Y.PNG") == tmp_path / "B2/y.png"
    assert folder.find("b/z.png") is None
    assert folder.find("b/x.png/deeper") is None


def test_of_several_names_the_first_that_exists_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b.csv").touch()
    (tmp_path / "c.csv").touch()
    assert Folder(tmp_path).first("a.csv", "B.CSV", "c.csv") == tmp_path / "b.csv"
    with pytest.raises(MosforgeError, match=r"a\.csv: no such file"):
        Folder(tmp_path).first("a.csv", "d.csv")
