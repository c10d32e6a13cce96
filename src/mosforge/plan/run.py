"""One run of the workflow at a time in a folder."""

import contextlib
import sys
from pathlib import Path

from mosforge.core.atomic import exclusive_lock
from mosforge.core.errors import MosforgeError

LOCK = Path(".snakemake/mosforge.lock")

_held = contextlib.ExitStack()


def hold_folder() -> None:
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
