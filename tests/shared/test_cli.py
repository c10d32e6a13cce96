"""The command line as a whole: exit statuses, where errors go, and how quickly it starts."""

import functools
import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mosforge import __version__
from mosforge.cli import _start_log, build_parser, main
from mosforge.core.errors import MosforgeError
from mosforge.pmos.fuse import fuse

FUSE = ["pmos", "fuse", "--metrics", "m", "--catalogues", "c", "--leaks", "--output", "o", "--mapping", "p"]
FUSE += ["--left_out", "l"]
CFG = ["--cfg", '{"groups": ["blur"], "shards": {"s": 1}, "fusion": "mean", "knots": 3, "weights": {}}']


@pytest.fixture(autouse=True)
def root_log() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr() == (f"mosforge {__version__}\n", "")


@pytest.mark.parametrize(
    "words", [[], ["paint"], ["pmos"], ["pmos", "melt"], FUSE, [*FUSE, "--cfg", "{"], [*FUSE, *CFG, "--fast"]]
)
def test_a_wrong_use_exits_with_2_and_says_so_on_standard_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: mosforge" in err


def test_bad_input_is_one_sentence_on_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*FUSE, *CFG, "--log", "log"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mosforge: error: m/blur/s-00000.parquet: no such file")
    assert err.count("\n") == 1
    assert Path("log").read_text() == err
    assert list(tmp_path.iterdir()) == [tmp_path / "log"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MosforgeError("x.png: broken"), "x.png: broken"),
        (PermissionError(13, "Permission denied", "out/x"), "out/x: Permission denied"),
        (OSError(28, "No space left on device"), "input or output: No space left on device"),
        (OSError("odd"), "input or output: odd"),
        (BrokenPipeError(32, "Broken pipe"), "input or output: Broken pipe"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_an_error_for_the_user_has_no_stack_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, sentence: str
) -> None:
    @functools.wraps(fuse)
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("mosforge.pmos.fuse.fuse", fail)
    assert main([*FUSE, *CFG]) == 1
    assert capsys.readouterr() == ("", f"mosforge: error: {sentence}\n")


def test_a_closed_pipe_is_no_error() -> None:
    """As in `mosforge classes | head -1`; it happens while the table is written, or when Python ends."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as closed:
        command = [sys.executable, "-m", "mosforge", "classes"]
        result = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (1, "")


def test_closed_streams_are_no_defect(tmp_path: Path) -> None:
    """As some daemons start their programs."""
    run = f"{shlex.quote(sys.executable)} -m mosforge classes"
    file = shlex.quote(str(tmp_path / "classes"))
    for words, status in ((f"{run} 2>&-", 0), (f"{run} --output {file} >&-", 0), (f"{run} >&-", 1)):
        result = subprocess.run(words, shell=True, capture_output=True, text=True)
        assert result.returncode == status, result.stderr
        assert "Traceback" not in result.stderr
        assert ("no standard output" in result.stderr) == (status == 1)


def test_a_defect_of_ours_leaves_its_stack_trace_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @functools.wraps(fuse)
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("mosforge.pmos.fuse.fuse", fail)
    assert main([*FUSE, *CFG, "--log", str(tmp_path / "log")]) == 1
    for text in (capsys.readouterr().err, (tmp_path / "log").read_text()):
        assert "Traceback" in text
        assert "ZeroDivisionError" in text


def test_an_interrupt_while_a_job_is_imported_leaves_no_stack_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(stage: str, rule: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mosforge.jobs.job_of", interrupt)
    assert main([*FUSE, *CFG]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_log_file_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*FUSE, *CFG, "--log", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"mosforge: error: {tmp_path}: ")
    assert err.count("\n") == 1


def test_the_help_lists_every_stage() -> None:
    words = build_parser().format_help().split()
    stages = (
        "sources",
        "distortions",
        "metrics",
        "pmos",
        "pretraining",
        "finetuning",
        "evaluation",
        "report",
    )
    assert set(stages) | {"score", "distort", "gallery", "classes"} <= set(words)


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys, mosforge.cli; mosforge.cli.build_parser();"
        "print([m for m in ('torch', 'timm', 'piq', 'pandas', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_the_log_goes_to_standard_error_and_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _start_log(tmp_path / "logs/new.log")
    logging.getLogger("mosforge.x").info("größer")
    assert (tmp_path / "logs/new.log").read_bytes() == "größer\n".encode()
    assert capsys.readouterr() == ("", "größer\n")


def test_of_several_processes_only_the_first_writes_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        _start_log(tmp_path / f"{rank}.log")
        logging.getLogger("mosforge").info("from %s", rank)
    assert not (tmp_path / "1.log").exists()
    assert (tmp_path / "0.log").read_text() == "from 0\n"
    assert capsys.readouterr().err == "from 0\n"


def test_the_backend_of_a_notebook_does_not_matter() -> None:
    """matplotlib refuses a backend whose module is missing as soon as it is imported."""
    code = "from mosforge.cli import main; main(['classes', '--corpus', 'authentic']); import matplotlib"
    environment = {**os.environ, "MPLBACKEND": "no_such_backend"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
