"""What a run could not do, for the end of its output, where people look first."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mosforge.core.values import suggestion

CHANGES_NO_RESULT = "words for people after a run"

_ERROR = "mosforge: error: "


def explain_unknown_targets(targets: Iterable[str], rules: Sequence[str]) -> list[str]:
    """A line for each word that names no target, of which Snakemake says only that no rule makes it.

    Args:
        targets: what was asked for. A name with a dot or a slash is a file, and not looked at.
        rules: the names of all rules that can be asked for.
    """
    lines = []
    for name in sorted(targets):
        if name in rules or "/" in name or "." in name:
            continue
        lines.append(f"{_ERROR}{name}: no target of this run{suggestion(name, sorted(rules))}")
    return lines


def explain_failed_jobs(jobs: Iterable[Any], since: float) -> list[str]:
    """The sentences of the jobs that failed, each once; they may stand far above the end of the output.

    Args:
        jobs: Snakemake's jobs that were to run.
        since: when the run began, as time.time() has it; what older logs say is not of this run.
    """
    lines: dict[str, None] = {}
    for log in (Path(str(log)) for job in jobs for log in job.log):
        if log.is_file() and log.stat().st_mtime >= since:
            with log.open(encoding="utf-8", errors="replace") as file:
                lines |= dict.fromkeys(line.strip() for line in file if line.startswith(_ERROR))
    return list(lines)
