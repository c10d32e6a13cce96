"""The module that the tests of the official layouts share lies beside them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share official_layout.py
pytest.register_assert_rewrite("official_layout")
