"""What survives a killed training: the state file, its lock, and the answer to SIGTERM."""

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
from mosforge.training.average import Average


@dataclass
class State:
    """Where a training stands, besides the weights and the optimiser.

    Attributes:
        epoch: epochs done.
        step: steps done in the epoch that runs.
        totals: sums of its losses over its samples, by name.
        seconds: time spent in it.
        history: a row of the artefact `history` for each epoch done.
        best_score: highest validation score so far.
        best_weights: the network's weights at that epoch; none without validation.
    """

    epoch: int = 0
    step: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_score: float = -math.inf
    best_weights: dict[str, torch.Tensor] | None = None


@contextlib.contextmanager
def locked(state_file: Path) -> Iterator[None]:
    """Holds a lock beside the state: after the controller was killed, an old job may still run."""
    lock = state_file.with_suffix(".lock")
    with exclusive_lock(lock, f"{lock}: another process still runs this training"):
        yield
        lock.unlink()


def state_file_in(folder: Path, *reasons: Any) -> Path:
    """Where a training in a folder keeps its state.

    Args:
        folder: of the model.
        reasons: JSON values that hold, or are digests of, all that the result depends on; a state is found
            again only by a training for which all are the same.
    """
    return folder / f".state-{digest(list(reasons))}.pt"


def forget(folder: Path) -> None:
    """Removes the states of all trainings in a folder, with what kills left of them.

    Beside the one that is through now there may be others, stopped with other parameters and never gone on
    with; only one that still runs is left alone.
    """
    for name in {path.name.lstrip(".").partition(".")[0] for path in folder.glob(".*state-*")}:
        state_file = folder / f".{name}.pt"
        with contextlib.suppress(MosforgeError), locked(state_file):
            state_file.unlink(missing_ok=True)
            state_file.with_name(f".{state_file.name}.tmp").unlink(missing_ok=True)


@contextlib.contextmanager
def sigterm() -> Iterator[threading.Event]:
    """An event that SIGTERM sets while the block runs (in the main thread, the only one signals reach)."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)


def save(
    file: Path, network: Network, optimiser: torch.optim.Optimizer, average: Average | None, state: State
) -> None:
    """Saves all that a resumed training needs, whole or not at all."""
    content = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "state": vars(state)}
    if average is not None:
        content["average"] = average.weights
    with atomic_file(file) as temporary, temporary.open("wb") as handle:
        torch.save(content, handle)
        handle.flush()
        os.fsync(handle.fileno())


def resume(file: Path, network: Network, optimiser: torch.optim.Optimizer, average: Average | None) -> State:
    """Puts a saved training back into what it was saved from; a fresh state where nothing was saved.

    It is read into the host's memory, from where each part goes to its device; the best epoch's weights stay.
    """
    if not file.exists():
        return State()
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        if average is not None:
            average.load(saved["average"])
        return State(**saved["state"])
    except Exception as error:  # the unpickler raises whatever a damaged file makes it stumble over
        reason = f"the saved training is damaged ({type(error).__name__})"
        raise MosforgeError(f"{file}: {reason}; delete it to start again") from None
