"""The command line: commands for people, and `mosforge STAGE RULE` for the rules of the workflow.

The verbs of the rules are made from the signatures of their jobs (see `mosforge.jobs`).
"""

import argparse
import contextlib
import importlib
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mosforge import __version__, jobs
from mosforge.calibration import command as calibration
from mosforge.core.errors import MosforgeError
from mosforge.distortions import command as distortions
from mosforge.finetuning import command as finetuning
from mosforge.metrics import command as metrics
from mosforge.options import add_verb, add_verify
from mosforge.plan import command as plan
from mosforge.report import command as report
from mosforge.scoring import command as scoring
from mosforge.sources import command as sources

log = logging.getLogger(__name__)

_FOR_PEOPLE = {module.__package__: module for module in (sources, distortions, metrics, finetuning, report)}
"""The modules that add commands for people beside the rules of a stage, by its package."""


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The command line; heavy libraries are imported only by what the words name.

    Args:
        words: what is to be parsed. Only the job that they name is imported, and has its options.
    """
    parser = argparse.ArgumentParser(prog="mosforge", description=__doc__.partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"mosforge {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for stage, rules in jobs.RULES.items():
        about = (importlib.import_module(f"mosforge.{stage}").__doc__ or "").partition("\n")[0]
        stage_parser = commands.add_parser(stage, help=about, description=about)
        verbs = stage_parser.add_subparsers(title="verbs", dest="verb", required=True, metavar="VERB")
        for rule in rules:
            _add_rule(verbs, stage, rule, is_named=list(words[:2]) == [stage, rule])
        if (package := f"mosforge.{stage}") in _FOR_PEOPLE:
            _FOR_PEOPLE[package].add_commands(commands, verbs)
        if stage in ("pretraining", "finetuning"):
            add_verify(verbs)
    plan.add_commands(commands)
    calibration.add_commands(commands)
    scoring.add_commands(commands)
    return parser


def _add_rule(verbs: Any, stage: str, rule: str, is_named: bool) -> None:
    about = jobs.summary_of(stage, rule)
    if not is_named:
        verbs.add_parser(rule, help=about)
        return
    job = jobs.job_of(stage, rule)
    jobs.add_options(add_verb(verbs, rule, partial(jobs.run, job), about), job)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0, or 1 after an error, which is reported in one sentence; usage errors exit with 2.
    """
    words = metrics.with_verb(list(sys.argv[1:] if argv is None else argv))
    if sys.stderr is None:  # closed, as some daemons start their programs; print would take standard output
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    # A notebook sets it for its own Python; matplotlib, which only draws files here, may lack the module.
    os.environ.pop("MPLBACKEND", None)
    try:
        with _sigterm_interrupts():
            arguments = build_parser(words).parse_args(words)
            _start_log(arguments.log)
            status: int = arguments.run(arguments) or 0
            if sys.stdout is not None:
                sys.stdout.flush()
            return status
    except MosforgeError as error:
        message = str(error)
    except KeyboardInterrupt:
        message = "interrupted"
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _is_unread():
            return 1
        message = f"{error.filename or 'input or output'}: {error.strerror or error}"
    except Exception as error:
        known = _explain_device_error(error)
        if known is None:
            log.exception("mosforge: a defect of mosforge itself:")
            return 1
        message = known
    log.error("mosforge: error: %s", message)
    return 1


def _explain_device_error(error: Exception) -> str | None:
    """See `models.devices`; only where torch, which raises such errors, was imported."""
    if "torch" not in sys.modules:
        return None
    from mosforge.models.devices import explain_device_error

    return explain_device_error(error)


def _start_log(file: Path | None) -> None:
    """Sends log lines, errors among them, to standard error and, if given, to `file`.

    Of several processes that torchrun started, only the first keeps a log.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    is_first = os.environ.get("RANK", "0") == "0"
    logging.basicConfig(
        level=logging.INFO if is_first else logging.WARNING,
        format="%(message)s",
        handlers=handlers,
        force=True,
    )
    logging.raiseExceptions = False  # a line that a full disk does not take is no reason to stop
    if file is not None and is_first:
        file.parent.mkdir(parents=True, exist_ok=True)
        to_file = logging.FileHandler(file, mode="w", encoding="utf-8")
        to_file.setFormatter(logging.Formatter("%(message)s"))
        logging.getLogger().addHandler(to_file)


def _is_unread() -> bool:
    """Whether the reader of standard output, such as `head`, has had enough: no other pipe is passed over.

    What is left to write then goes nowhere, so that Python's own flush at the end does not complain either.
    """
    output = 1
    seen = select.poll()
    seen.register(output, 0)
    if not any(event & select.POLLERR for _, event in seen.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """While the block runs, SIGTERM ends it as Ctrl-C does: what is half-written is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
