"""`mosforge.metrics.score`, for other programs: its name, what it refuses, and what it promises."""

import subprocess
import sys

import pytest

NAMES_IN_ANY_ORDER = {
    "the function": "from mosforge.metrics import score",
    "the submodule first": "import mosforge.metrics.score; from mosforge.metrics import score",
    "the submodule after it": (
        "from mosforge.metrics import score; import mosforge.metrics.score; score = mosforge.metrics.score"
    ),
    "the job": "from mosforge.metrics.score import score as job; from mosforge.metrics import score",
    "a sibling": "import mosforge.metrics.settings; score = mosforge.metrics.score",
    "by name": (
        "import importlib; importlib.import_module('mosforge.metrics.score'); "
        "score = importlib.import_module('mosforge.metrics').score"
    ),
}


@pytest.mark.parametrize("imports", NAMES_IN_ANY_ORDER.values(), ids=NAMES_IN_ANY_ORDER)
def test_score_is_the_function_whatever_is_imported_first(imports: str) -> None:
    check = f"""
{imports}
import inspect, sys
print(list(inspect.signature(score).parameters)[:2])
print([m for m in ('torch', 'piq', 'numba', 'cv2', 'pandas', 'numpy') if m in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout == "['reference', 'distorted']\n[]\n"
