"""The package as a whole: light to import, the way to the scorer, and who imports whom."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mosforge
from mosforge.jobs import RULES
from mosforge.scoring.scorer import Score, Scorer


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import mosforge, sys; print({'torch', 'numpy', 'PIL'} & set(sys.modules), mosforge.__version__)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == f"set() {mosforge.__version__}\n"


def test_the_scorer_is_at_the_top() -> None:
    assert mosforge.Scorer is Scorer
    assert mosforge.Score is Score
    with pytest.raises(AttributeError, match="no attribute 'Scores'"):
        _ = mosforge.Scores


def imports() -> Iterator[tuple[str, str]]:
    """Every import from one room of the package into another: a sub-package, or a module at the top."""
    root = Path(mosforge.__file__).parent
    for file in root.rglob("*.py"):
        room = file.relative_to(root).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mosforge."):
                imported = (node.module or "").split(".")[1]
                if imported != room:
                    yield room, imported


def test_no_room_imports_one_that_imports_it_back() -> None:
    found = set(imports())
    assert ("pmos", "core") in found
    assert not {(a, b) for a, b in found if (b, a) in found}


def test_a_stage_imports_no_other_stage() -> None:
    assert not {(a, b) for a, b in imports() if a in RULES and b in RULES}
