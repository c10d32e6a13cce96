"""What the rule files share: parameters, code, shards, and one run at a time in a folder."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mosforge.config.files import OWN
from mosforge.core.atomic import exclusive_lock
from mosforge.core.errors import MosforgeError
from mosforge.core.settings import Settings
from mosforge.plan.code import PACKAGE, Code

LOCK = Path(".snakemake/mosforge.lock")

SECOND = "MOSFORGE_SECOND_RUN"
"""Is set in the environment of a command that was started a second time."""

_CODE = Code.installed()
_held = contextlib.ExitStack()


class Parameters(dict[str, Any]):
    """The one dict param of a rule: what its output depends on, and nothing else.

    Snakemake compares params as values without names, so a rule has a single one; in a shell line it
    is written as JSON.
    """

    def __str__(self) -> str:
        return json.dumps(self, sort_keys=True)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def parameters(settings: Settings) -> Parameters:
    """The settings of a job with sorted keys at every depth, since their order must not count as a change."""
    return Parameters(json.loads(json.dumps(settings.plain(), sort_keys=True)))


def code(*modules: str) -> str:
    """The param of a rule that changes with the code of its job, and of what else the job's outputs follow.

    Args:
        modules: the job, STAGE.RULE, and further modules. A rule that reads a dataset's table only for its
            images does not follow the table's age, and so names what writes the table: `Datasets.code`.
    """
    return " ".join(_CODE.digest(f"{PACKAGE}.{name}") for name in modules)


def option_if_given(name: str) -> Callable[..., str]:
    """A rule's param: `--NAME FILE` where the rule has an input of that name, nothing where it has none.

    Rules that inherit a shell line get the option with their input, so none can lose it.
    """

    def option(wildcards: Any, input: Any) -> str:
        return f"--{name} {input[name]}" if name in input.keys() else ""  # noqa: SIM118

    return option


def growing(first: int) -> Callable[..., int]:
    """A rule's memory or run time: `first` at the first attempt, and as much again at each retry."""

    def amount(wildcards: Any, attempt: int) -> int:
        return first * attempt

    return amount


def source_of(shard: str) -> str:
    """The source that a shard is a part of."""
    return shard.rpartition("-")[0]


def number_of(shard: str) -> int:
    """The number of a shard among those of its source, from 0."""
    return int(shard.rpartition("-")[2])


def find_own_commands() -> None:
    """Puts the commands of the running Python's environment first on PATH, activated or not."""
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def check_folder(workflow: str) -> None:
    """Refuses the folder of a workflow whose name Snakemake cannot take.

    Raises:
        MosforgeError: the name has braces.
    """
    if "{" in workflow or "}" in workflow:
        raise MosforgeError(
            f"{workflow}: braces in a folder's name mark Snakemake's wildcards; rename the folder"
        )


def warn_of_folder(workflow: str, configurations: Sequence[str | Path]) -> list[str]:
    """A sentence for a folder that is not that of the workflow, and has no configuration of its own.

    Args:
        workflow: its folder.
        configurations: files of the configuration; the first is the paper's.
    """
    folder = Path.cwd()
    if folder == Path(workflow).resolve() or OWN.exists() or len(configurations) > 1:
        return []
    return [
        f"{folder} has no {OWN}, so this is the paper's run in a folder of its own; "
        "for your images, name the folder that `mosforge init` wrote"
    ]


def check_command_line(words: Sequence[str]) -> None:
    """Refuses an option that stands twice, of which Snakemake takes the last and drops the others silently.

    Raises:
        MosforgeError: one of the options that set the configuration stands twice.
    """
    for names in (("--configfile", "--configfiles"), ("--config", "-C")):
        given = [word for word in words if word.partition("=")[0] in names]
        if len(given) > 1:
            raise MosforgeError(
                f"{names[0]} stands twice, and Snakemake takes only the last; give it once, with all values "
                "after it"
            )


def hidden_jobs(dag: Any) -> set[Any]:
    """The jobs behind those that a run repeats, of which Snakemake has not asked whether they are to run.

    Behind a job that is to run, Snakemake (9.27, `DAG.update_needrun`) looks at no further reasons: what is
    not marked as ancient runs anyway. So a changed parameter behind an ancient input is seen only by the next
    run.

    Args:
        dag: of a run that has not started yet.
    """
    needed = set(dag.needrun_jobs())
    if any(dag.reason(job).forced for job in needed):  # a second run would force them, too
        return set()
    return set(dag.bfs(dag.depending, *needed)) - needed


def run_again() -> None:
    """Starts this command a second time in the place of this process, which ends here.

    Raises:
        MosforgeError: it is the second time already, or Snakemake was not started by its command.
    """
    if SECOND in os.environ or Path(sys.argv[0]).stem not in {"snakemake", "__main__"}:
        raise MosforgeError("run the same command again")
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[SECOND] = "1"
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])


def lock_folder() -> None:
    """Holds the working directory for this process until it ends; ends it with a sentence if another does.

    Snakemake's own lock is a file that stays after `kill -9`, and has to be removed by hand. This one is
    the system's and goes with the process, so that after any kill the same command just runs again.
    """
    try:
        _held.enter_context(
            exclusive_lock(LOCK, f"{Path.cwd()}: another run of the workflow is at work here")
        )
    except MosforgeError as error:
        sys.exit(f"mosforge: error: {error}")
