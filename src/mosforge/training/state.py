"""The state file of a training, to resume after a kill; its lock; and the handling of SIGTERM."""

import contextlib
import math
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mosforge.core.atomic import atomic_file, exclusive_lock
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest
from mosforge.models.network import Network
from mosforge.models.weights import Weights


@dataclass
class State:
    """The progress of a training, besides the weights and the optimiser."""

    epoch: int = 0  # epochs done
    step: int = 0  # steps done in the epoch that runs
    totals: dict[str, float] = field(default_factory=dict)  # sums of its losses over its samples, by name
    seconds: float = 0.0  # time spent in it
    # a row of the artefact `history` for each epoch done
    history: list[dict[str, Any]] = field(default_factory=list)
    best_score: float = -math.inf  # highest validation score so far
    best_weights: Weights | None = None  # the network's weights after that epoch; None without validation


@contextlib.contextmanager
def locked(state_file: Path) -> Iterator[None]:
    """Holds a lock beside the state: after a kill of the workflow, an old job may still run."""
    lock = state_file.with_suffix(".lock")
    with exclusive_lock(lock, f"{lock}: another process still runs this training"):
        yield
        lock.unlink()


def state_path(folder: Path, *depends_on: Any) -> Path:
    """The file of the state of a training.

    Args:
        folder: of the model.
        depends_on: JSON values or digests of all that the result depends on. Only a training of
            which all are the same finds the state again.
    """
    return folder / f".state-{digest(list(depends_on))}.pt"


def delete_states(folder: Path) -> None:
    """Deletes the states of all trainings in a folder, and the half-written files that kills left.

    Beside the finished training there may be others that were stopped, and that had other settings. The state
    of one that still runs is kept.
    """
    for name in {path.name.lstrip(".").partition(".")[0] for path in folder.glob(".*state-*")}:
        state_file = folder / f".{name}.pt"
        with contextlib.suppress(MosforgeError), locked(state_file):
            state_file.unlink(missing_ok=True)
            state_file.with_name(f".{state_file.name}.tmp").unlink(missing_ok=True)


@contextlib.contextmanager
def sigterm_event() -> Iterator[threading.Event]:
    """An event that SIGTERM sets while the block runs (only in the main thread, which signals reach)."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)


def save_state(file: Path, network: Network, optimiser: torch.optim.Optimizer, state: State) -> None:
    """Saves everything that a resumed training needs, whole or not at all."""
    content = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "state": vars(state)}
    with atomic_file(file) as temporary, temporary.open("wb") as handle:
        torch.save(content, handle)
        handle.flush()
        os.fsync(handle.fileno())


def load_state(file: Path, network: Network, optimiser: torch.optim.Optimizer) -> State:
    """Loads a saved training into its network and optimiser; a fresh state where nothing was saved.

    The file is read into the host's memory, from where each part goes to its device; the weights of the best
    epoch stay there.

    Raises:
        MosforgeError: the file is damaged.
    """
    if not file.exists():
        return State()
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        return State(**saved["state"])
    except Exception as error:  # the unpickler raises errors of many kinds for a damaged file
        reason = f"the saved training is damaged ({type(error).__name__})"
        raise MosforgeError(f"{file}: {reason}; delete it to start again") from None
