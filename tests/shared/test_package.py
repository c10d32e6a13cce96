"""The package as a whole: light to import, the way to the scorer, and who imports whom."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
import snakemake.report

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


def names_of(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[^\w.-]", text)[0].lower().replace("_", "-") for text in requirements}


def test_what_snakemake_needs_for_its_report_is_installed() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    ours = names_of(project["dependencies"])
    installed = ours | names_of(text for text in requires("snakemake") or [] if "extra ==" not in text)
    imported = set()
    for file in Path(snakemake.report.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").split(".")[0])
    needed = {
        distribution.lower().replace("_", "-")
        for module in imported - {*sys.stdlib_module_names, "snakemake"}
        for distribution in packages_distributions().get(module, [module])
    }
    assert "pygments" in needed
    assert needed <= installed
