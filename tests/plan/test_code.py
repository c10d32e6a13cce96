"""The digest of a job's code changes with what can change a result, and with nothing else."""

import subprocess
import sys
import textwrap

import pytest

from mosforge.jobs import RULES
from mosforge.plan.code import PACKAGE, Code

JOB = "mosforge.stage.job"

MODULES = {
    "mosforge": '"""The package."""\n__version__ = "1"\nCHANGES_NO_RESULT = "names for people"\n',
    "mosforge.core": '"""Core."""\n',
    "mosforge.core.errors": "class MosforgeError(Exception): ...\nclass UnreadableImageError(OSError): ...\n",
    "mosforge.core.progress": 'CHANGES_NO_RESULT = "draws a bar"\nimport mosforge.stage.other\n',
    "mosforge.core.tools": "def tool():\n    return 1\n",
    "mosforge.core.lazy": "LAZY = 1\n",
    "mosforge.core.typed": "Typed = int\n",
    "mosforge.stage": '"""A stage."""\n',
    "mosforge.stage.other": "OTHER = 1\n",
    JOB: textwrap.dedent(
        '''
        """The job."""

        import logging
        from dataclasses import dataclass
        from typing import TYPE_CHECKING

        from mosforge.core import tools
        from mosforge.core.errors import MosforgeError, UnreadableImageError
        from mosforge.core.progress import bar

        if TYPE_CHECKING:
            from mosforge.core.typed import Typed

        log = logging.getLogger(__name__)

        SIZE = column("size", "int64", "in pixels", nullable=True)

        LIMIT: int = 3
        """The limit."""


        @dataclass
        class Thing:
            """A thing."""

            size: int
            name: str = "a"


        def job(x: int) -> int:
            """Does it.

            Args:
                x: a number.
            """
            from mosforge.core.lazy import LAZY

            y: int = x + LAZY  # the sum
            if y > LIMIT:
                raise MosforgeError(f"{y}: more than the limit; take less")
            if y < 0:
                raise UnreadableImageError("below zero")
            log.info("%d found", y)
            return tools.tool() + y
        '''
    ),
}


def digest_after(old: str, new: str, module: str = JOB) -> tuple[str, str]:
    """The digests of the job before and after an edit of a module."""
    assert old in MODULES[module]
    edited = MODULES | {module: MODULES[module].replace(old, new)}
    return Code(MODULES).digest(JOB), Code(edited).digest(JOB)


def test_what_a_job_imports_counts_directly_or_not_and_inside_functions() -> None:
    assert Code(MODULES).modules(JOB) == {
        JOB,
        "mosforge.stage",
        "mosforge.core",
        "mosforge.core.tools",
        "mosforge.core.errors",
        "mosforge.core.lazy",
    }


PROSE = {
    "comment": ("  # the sum", "  # a sum of two numbers"),
    "docstring of the module": ('"""The job."""', '"""Another."""'),
    "docstring of a function": ("x: a number.", "x: any number."),
    "docstring of a class": ('"""A thing."""', ""),
    "docstring of a constant": ('"""The limit."""', '"""The highest."""'),
    "annotation of an argument": ("x: int", "x: float"),
    "annotation of a result": ("-> int", "-> float"),
    "annotation of a variable": ("y: int = x", "y = x"),
    "annotation of a constant": ("LIMIT: int", "LIMIT: float"),
    "words of an error": ("more than the limit; take less", "too much"),
    "description of a column": ('"in pixels"', '"number of pixels"'),
    "words of a log line": ('"%d found"', '"there are %d"'),
    "empty lines": ("log = ", "\n\n\nlog = "),
    "layout": ("y > LIMIT", "(y > LIMIT)"),
    "import for type checkers": ("Typed\n", "Typed as Other\n"),
}


@pytest.mark.parametrize("what", PROSE)
def test_an_edit_of_prose_changes_no_digest(what: str) -> None:
    before, after = digest_after(*PROSE[what])
    assert before == after


CODE = {
    "statement": ("x + LAZY", "x - LAZY"),
    "constant": ("LIMIT: int = 3", "LIMIT: int = 4"),
    "type of a column": ('"int64"', '"int32"'),
    "column that may be empty": (", nullable=True", ""),
    "field of a dataclass": ("size: int", "size: float"),
    "default of a field": ('name: str = "a"', 'name: str = "b"'),
    "words that are stored": ('"below zero"', '"negative"'),
    "condition of an error": ("if y > LIMIT", "if y >= LIMIT"),
    "import": ("import tools", "import lazy as tools"),
}


@pytest.mark.parametrize("what", CODE)
def test_an_edit_of_code_changes_the_digest(what: str) -> None:
    before, after = digest_after(*CODE[what])
    assert before != after


@pytest.mark.parametrize(
    ("module", "old", "counts"),
    [
        ("mosforge.core.tools", "return 1", True),
        ("mosforge.core.lazy", "LAZY = 1", True),
        ("mosforge.core.typed", "Typed = int", False),
        ("mosforge.core.progress", "import mosforge.stage.other", False),
        ("mosforge.stage.other", "OTHER = 1", False),
        ("mosforge", '__version__ = "1"', False),
    ],
)
def test_an_edit_of_another_module_counts_if_the_job_imports_it(module: str, old: str, counts: bool) -> None:
    before, after = digest_after(old, "edited = 5", module)
    assert (before != after) == counts


def test_files_in_a_folder_beside_count_for_the_module_that_names_it() -> None:
    modules = MODULES | {"mosforge.stage.reader": 'FOLDER = "templates"\n'}
    digests = [
        [Code(modules, {"mosforge.stage.templates": data}).digest(name) for data in (b"1", b"2")]
        for name in ("mosforge.stage.reader", JOB)
    ]
    assert digests[0][0] != digests[0][1]
    assert digests[1][0] == digests[1][1]


OURS = Code.installed()
JOBS = [f"{PACKAGE}.{stage}.{rule}" for stage, rules in RULES.items() for rule in rules]


class Edited(Code):
    """The installed package with another text of one module; what is known of the others is used again."""

    def __init__(self, module: str, text: str) -> None:
        super().__init__(OURS.texts | {module: text}, OURS._data)
        read = self._module
        self._module = lambda name: read(name) if name == module else OURS._module(name)


@pytest.mark.parametrize("module", sorted(OURS.texts))
def test_each_module_of_the_package_counts_for_the_jobs_that_import_it(module: str) -> None:
    text = OURS.texts[module]
    prose = Edited(module, text.replace('"""', '"""Edited: ', 1) + "\n# edited\n")
    code = Edited(module, text + "\nEDITED = 1\n")
    assert [job for job in JOBS if prose.digest(job) != OURS.digest(job)] == []
    changed = {job for job in JOBS if code.digest(job) != OURS.digest(job)}
    assert changed == {job for job in JOBS if module in OURS.modules(job)}


IMPORTED_BY_EACH = """
import os, sys
import cv2, jinja2, matplotlib.figure, numba, pandas, pyarrow.parquet, pydantic, scipy.stats, torchvision
for job in sys.argv[2:]:
    if os.fork():
        assert os.wait()[1] == 0, job
        continue
    __import__(job)
    print(job, *[name for name in sys.modules if name.startswith(sys.argv[1])], flush=True)
    os._exit(0)
"""
"""Imports each job in a process of its own, where all large packages of others are there already."""


@pytest.mark.slow
def test_what_python_imports_for_a_job_is_found_without_running_it() -> None:
    """With no module left out, nothing is imported at the start of a job that the digest did not find."""
    every = Code({name: text.replace("CHANGES_NO_RESULT", "_NOTE") for name, text in OURS.texts.items()})
    command = [sys.executable, "-c", IMPORTED_BY_EACH, PACKAGE, *JOBS]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = {job: set(modules) for job, *modules in map(str.split, lines)}
    assert list(found) == list(JOBS)
    for job, modules in found.items():
        assert modules <= every.modules(job), job
        assert OURS.modules(job) <= every.modules(job)
