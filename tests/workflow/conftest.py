"""One run of the whole workflow that all tests look at."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share workflow_project.py

from workflow_project import make_project, snakemake


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the whole workflow has run once; tests that change it copy it."""
    folder = make_project(tmp_path_factory.mktemp("project") / "mine")
    result = snakemake(folder, "--", "all")
    assert result.returncode == 0, result.stderr[-6000:]
    return folder
