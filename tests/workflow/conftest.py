"""One run of the whole workflow that all tests look at."""

import fcntl
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages, and share workflow_project.py

from workflow_project import make_project, snakemake


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the whole workflow has run once; tests that change it copy it. Its words lie beside.

    The first of the workers that asks for it makes it, and the others wait: it takes minutes. It lies as
    deep as a test's own folder, since rules list their sources by paths relative to the project.
    """
    root = tmp_path_factory.getbasetemp()
    shared = (root.parent / "shared" if "PYTEST_XDIST_WORKER" in os.environ else root) / "project"
    shared.mkdir(parents=True, exist_ok=True)
    folder, made = shared / "mine", shared / "made"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            result = snakemake(make_project(folder), "--", "all")
            assert result.returncode == 0, result.stderr[-6000:]
            (shared / "log.txt").write_text(result.stderr)
            (shared / "end.txt").write_text(result.stdout)
            made.touch()
    return folder
