"""Runs of snakemake that are stopped in the middle of a job, and the comparison of what two runs left."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import pandas as pd
from workflow_project import REPOSITORY, command_line

PATIENCE = 600
"""Seconds that a run may take on a busy machine; none is asserted."""

TIMES = ("images_per_second", "seconds", "peak_memory")
"""Columns of a training's history that tell how fast it was."""


@dataclass(frozen=True)
class Stop:
    """Where a run is stopped: in the `nth` job of a rule that starts from now on, some seconds later.

    The whole process group gets the signal, or the job's process alone.
    """

    nth: int
    seconds: float
    signal: signal.Signals
    job_alone: bool = False


def run_until_stopped(folder: Path, stops: dict[str, Stop], *targets: str) -> tuple[str | None, str]:
    """Runs snakemake until the first stop and sends its signal to the whole process group.

    Args:
        folder: a project of `workflow_project.make_project`.
        stops: by rule; one that happens is removed, and in the others its jobs are counted down.
        targets: of the run.

    Returns:
        The rule that was stopped, or none if the run came to its end before; and what was printed.
    """
    log = folder.parent / f"{folder.name}.log"
    with log.open("w") as out:
        run = subprocess.Popen(
            command_line(folder, "--", *targets),
            cwd=REPOSITORY,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=_heed_interrupts,
        )
    stopped = _stop(run, log, stops)
    status = run.wait(PATIENCE)
    text = log.read_text()
    assert _until(lambda: not alive(run.pid)), f"processes were left behind: {alive(run.pid)}\n{text[-3000:]}"
    assert stopped or status == 0, text[-6000:]
    assert not stopped or status != 0, text[-6000:]
    return stopped, text


def _heed_interrupts() -> None:
    """Undoes what a shell does to what it starts in the background, whose children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _stop(run: subprocess.Popen[bytes], log: Path, stops: dict[str, Stop]) -> str | None:
    with log.open() as lines:
        while run.poll() is None:
            line = lines.readline()
            if not line:
                time.sleep(0.02)
            elif (match := re.match(r"(?:local)?rule (\w+):$", line)) and (stop := stops.pop(match[1], None)):
                if stop.nth > 1:
                    stops[match[1]] = replace(stop, nth=stop.nth - 1)
                    continue
                _wait(stop, lines)
                try:
                    if stop.job_alone:
                        os.kill(_job_of(run), stop.signal)
                    else:
                        os.killpg(run.pid, stop.signal)
                except ProcessLookupError:  # it has ended by itself
                    return None
                return match[1]
    return None


def _job_of(run: subprocess.Popen[bytes]) -> int:
    """The process of the job that the run works on, as soon as there is one."""
    jobs: list[int] = []

    def begun() -> bool:
        jobs[:] = alive(run.pid).keys() - {run.pid}
        return bool(jobs)

    assert _until(begun), "the job has not begun"
    return jobs[0]


def _wait(stop: Stop, lines: TextIO) -> None:
    """Waits, but not beyond the start of the next job, where this one was quicker than is usual."""
    end = time.monotonic() + stop.seconds
    while time.monotonic() < end:
        if lines.readline().startswith("Finished jobid"):
            # Not while Snakemake chooses the next jobs: it holds a lock then that its handler of SIGTERM
            # waits for, and such a run hangs for ever. Other moments are more instructive.
            if stop.signal != signal.SIGKILL:
                time.sleep(0.5)
            return
        time.sleep(0.005)


def alive(group: int) -> dict[int, str]:
    """The processes of a group that still run, and their command lines."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, of_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found


def _until(true: Callable[[], object]) -> bool:
    end = time.monotonic() + PATIENCE / 10
    while not (holds := true()) and time.monotonic() < end:
        time.sleep(0.1)
    return bool(holds)


def half_written(folder: Path) -> list[str]:
    """Files under a temporary name."""
    return sorted(str(path.relative_to(folder)) for path in (folder / "results").rglob(".*.tmp"))


def assert_same(folder: Path, undisturbed: Path) -> None:
    """Compares all results of two runs: the same files, byte for byte.

    What legitimately differs: `results/benchmarks` holds times and memory, and so do three columns of each
    `history.parquet`, the key `measured` and one line of each model's cards, and one table of the page,
    whose other parts are compared.
    """
    files = _results(folder)
    unlike = sorted(files.keys() ^ _results(undisturbed).keys())
    unlike += [
        name for name, path in files.items() if name not in unlike and not _equal(path, undisturbed / name)
    ]
    assert not unlike, unlike


def _results(folder: Path) -> Mapping[str, Path]:
    paths = {path.relative_to(folder).as_posix(): path for path in (folder / "results").rglob("*")}
    return {
        name: path
        for name, path in sorted(paths.items())
        if path.is_file() and not name.startswith("results/benchmarks/")
    }


def _equal(path: Path, other: Path) -> bool:
    if path.name == "history.parquet":
        one, two = (pd.read_parquet(file).drop(columns=list(TIMES)) for file in (path, other))
        return one.equals(two)
    if path.name == "card.json":
        cards = [json.loads(file.read_text()) for file in (path, other)]
        measured = [card.pop("measured").keys() for card in cards]  # whose values tell of the machine
        return cards[0] == cards[1] and measured[0] == measured[1]
    if path.name == "card.md":
        one, two = (re.sub(r"(?m)^- Ran on: .*$", "", file.read_text(), count=1) for file in (path, other))
        return one == two
    if path.name == "index.html":
        texts = (file.read_text() for file in (path, other))
        times = r', \d+ \w+ \d{4}(?=</)|<table[^>]* aria-label="Time and memory">.*?</table>'
        one, two = (re.sub(times, "", text, flags=re.DOTALL) for text in texts)
        return one == two
    return path.read_bytes() == other.read_bytes()
