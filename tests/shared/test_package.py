"""The top of the package: light to import, and the way to the scorer."""

import subprocess
import sys

import pytest

import mosforge
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
