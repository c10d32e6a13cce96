"""The command line: `mosforge STAGE VERB` for the workflow's rules, and commands for people."""

import argparse
import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from mosforge import __version__
from mosforge.commands import start_log
from mosforge.core.errors import MosforgeError
from mosforge.distortions import command as distortions
from mosforge.evaluation import command as evaluation
from mosforge.finetuning import command as finetuning
from mosforge.metrics import command as metrics
from mosforge.pmos import command as pmos
from mosforge.pretraining import command as pretraining
from mosforge.report import command as report
from mosforge.scoring import command as scoring
from mosforge.sources import command as sources

_COMMANDS = (
    sources,
    distortions,
    metrics,
    pmos,
    pretraining,
    finetuning,
    evaluation,
    report,
    scoring,
)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; heavy libraries are imported by the verbs that need them."""
    parser = argparse.ArgumentParser(prog="mosforge", description=__doc__)
    parser.add_argument("--version", action="version", version=f"mosforge {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add_commands(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        0, or 1 after an error that is told in one sentence; usage errors exit with 2.
    """
    words = metrics.with_verb(list(sys.argv[1:] if argv is None else argv))
    arguments = build_parser().parse_args(words)
    try:
        with _sigterm_interrupts():
            start_log(arguments.log)
            status: int = arguments.run(arguments) or 0
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
    print(f"mosforge: error: {message}", file=sys.stderr)
    return 1


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
