"""The loop over epochs and steps: resumable, and the same in every run."""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from mosforge.core.packs import Indices, Pack
from mosforge.core.parallel import take_ahead
from mosforge.core.seeds import seed_of
from mosforge.core.tables import Frame
from mosforge.models.network import Network
from mosforge.training.batches import (
    Batch,
    Beside,
    Mixture,
    batches,
    check_last_batch,
    check_not_empty,
    on_device,
)
from mosforge.training.losses import Losses, LossOf, LossWatch, Reading
from mosforge.training.optimiser import make_optimiser, rate_factor
from mosforge.training.processes import Gathering, Processes, joined_processes, share_batch_statistics
from mosforge.training.progress import Progress, peak_memory
from mosforge.training.settings import TrainingSettings
from mosforge.training.setup import Setup
from mosforge.training.state import load_state, locked, save_state, sigterm_event

log = logging.getLogger(__name__)


def fit(
    network: Network,
    pack: Pack,
    rows: Indices,
    loss_of: LossOf,
    cfg: TrainingSettings,
    *,
    names: Sequence[str],
    state_file: Path,
    setup: Setup,
    device: torch.device,
    validate: Callable[[], float] | None = None,
    groups: Indices | None = None,
    mixture: Mixture | None = None,
    beside: Beside | None = None,
) -> Frame:
    """Trains `network` in place and returns its history (artefact `history`).

    The state is saved after every epoch and on SIGTERM. The next call with the same `state_file` loads it, in
    any number of processes; the weights are then those of an undisturbed run (to the bit on the CPU). The
    crops of an epoch follow only from seed, epoch and sample. The state of a finished training stays: delete
    it once the weights are written. With several processes, only the first has the final weights.

    Args:
        network: moved to the device. Its `head` gets the features as its first argument.
        pack: the images.
        rows: the images to train on; positions in this array name the samples in `loss_of`.
        loss_of: the loss of a batch; it must not wait for the device.
        cfg: how to train.
        names: names of the samples, for messages, in the order of `rows`, and then of those beside them.
        state_file: of the saved state; its name should hold a digest of all that the result depends on.
        setup: the speed options; its method `prepare` was already called.
        device: where to train.
        validate: called after each epoch; the weights of the best (highest) epoch are kept.
        groups: a group number for each of `rows`; an epoch keeps a group together (`epoch_order`).
        mixture: in what proportion two kinds of `rows` are drawn, if there are two.
        beside: images of which each step sees crops after those of its batch. In `loss_of` their positions
            begin with the number of `rows`.

    Raises:
        MosforgeError: another process trains with the same state, the pack is damaged, a loss or a weight is
            not finite, or the network cannot take the last batch of an epoch.
    """
    check_not_empty(rows)
    pack.check_some()
    if beside is None:
        check_last_batch(network, len(rows) * cfg.patches, cfg)
    # When one process fails, the launcher sends SIGTERM to the others, which must still print their errors.
    with sigterm_event() as stop_asked, joined_processes(device) as processes, contextlib.ExitStack() as held:
        if processes.is_first:
            state_file.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(state_file))
        samples = _Samples(pack, rows, groups, mixture, beside, names)
        training = _Training(network, samples, loss_of, cfg, state_file, setup, device, processes)
        return training.run(stop_asked, validate)


class StepToLoss(nn.Module):
    """Computes the losses of a batch in one module, whose gradient the processes average."""

    def __init__(self, network: Network, loss_of: LossOf) -> None:
        super().__init__()
        self.network = network
        self._loss_of = loss_of

    def forward(self, pixels: Tensor, mirrored: Tensor, positions: Tensor) -> Losses:
        pixels = torch.where(mirrored.view(-1, 1, 1, 1), pixels.flip(2), pixels)
        return self._loss_of(self.network(pixels), positions)


@dataclass(frozen=True)
class _Samples:
    """The samples of a training; see `fit`."""

    pack: Pack
    rows: Indices
    groups: Indices | None
    mixture: Mixture | None
    beside: Beside | None
    names: Sequence[str]


class _Training:
    """The objects of a training, built and set to the saved state."""

    def __init__(
        self,
        network: Network,
        samples: _Samples,
        loss_of: LossOf,
        cfg: TrainingSettings,
        state_file: Path,
        setup: Setup,
        device: torch.device,
        processes: Processes,
    ) -> None:
        self._samples, self._cfg, self._state_file = samples, cfg, state_file
        self._setup, self._device, self._processes = setup, device, processes
        self._sample_count = len(samples.rows) * cfg.patches
        self._beside = samples.beside.crops if samples.beside else 0
        self._steps = math.ceil(self._sample_count / cfg.batch_size)
        share_batch_statistics(network, processes, device)
        self._network = network.to(device)
        network.precision = setup.precision
        self._gathering = Gathering(network, processes)
        self._optimiser = make_optimiser(network, cfg, device)
        self._state = load_state(state_file, network, self._optimiser)
        self._bad_reading: Reading | None = None
        processes.wait()  # until all have read the state: the first process deletes it at the end
        if setup.compile:
            network.compile_features()
        self._step: nn.Module = StepToLoss(network, loss_of)
        if processes.count > 1:
            self._step = DistributedDataParallel(
                self._step,
                device_ids=[device.index] if device.type == "cuda" else None,
                static_graph=True,  # a branch of the head may be unused, but then in every step
            )

    def run(self, stop_asked: Event, validate: Callable[[], float] | None) -> Frame:
        """Runs the remaining epochs; afterwards the network has the final weights."""
        state, epochs, is_first = self._state, self._cfg.epochs, self._processes.is_first
        done = state.epoch * self._steps + state.step
        events = self._setup.events
        with Progress(
            *(self._cfg, self._steps, self._sample_count, self._beside, done),
            events=events,
            silent=not is_first,
        ) as progress:
            if done:
                progress.resume(state.history, state.step)
            while state.epoch < epochs:
                self._run_epoch(stop_asked, progress)
                if state.step == 0:
                    self._close_epoch(progress, validate if is_first else None)
                self._save()
                if state.epoch < epochs and self._processes.any(stop_asked.is_set()):
                    raise self._processes.error(
                        f"stopped in epoch {state.epoch + 1} as asked; run again to go on"
                    )
        if state.best_weights is not None:
            self._network.load_state_dict(state.best_weights)
        return pd.DataFrame(state.history)

    def _save(self) -> None:
        if self._processes.is_first:
            save_state(self._state_file, self._network, self._optimiser, self._state)
        self._processes.wait()

    def _run_epoch(self, stop_asked: Event, progress: Progress) -> None:
        """Runs the remaining steps of an epoch, or fewer if a stop is requested."""
        state = self._state
        self._network.train()
        watch = LossWatch()
        began = time.monotonic()
        on_host = batches(
            self._samples.pack,
            self._samples.rows,
            self._cfg,
            state.epoch,
            state.step,
            groups=self._samples.groups,
            mixture=self._samples.mixture,
            beside=self._samples.beside,
            processes=self._processes,
            pinned=self._device.type == "cuda",
        )
        with contextlib.closing(take_ahead(on_host)) as ahead:
            for batch in on_device(ahead, self._device):
                watch.add(state.step, batch.samples, self._train_step(batch))
                state.step += 1
                for reading in watch.read():
                    self._count(reading, progress)
                leave = stop_asked.is_set() or self._bad_reading is not None
                if state.step < self._steps and self._processes.any(leave):
                    break
        for reading in watch.read(rest=True):
            self._count(reading, progress)
        self._check_finite()
        state.seconds += time.monotonic() - began
        state.step %= self._steps

    def _train_step(self, batch: Batch) -> Losses:
        cfg = self._cfg
        step = self._state.epoch * self._steps + self._state.step
        factor = rate_factor(cfg, step, cfg.epochs * self._steps)
        for group in self._optimiser.param_groups:
            group["lr"] = group["initial_lr"] * factor
        torch.manual_seed(seed_of("dropout", cfg.seed, step))
        self._gathering.shares = batch.shares
        losses: Losses = self._step(batch.pixels, batch.mirrored, batch.positions)
        self._optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return losses

    def _count(self, reading: Reading, progress: Progress) -> None:
        """Adds the losses of a step to the epoch's, or keeps it as the first whose loss is not finite.

        The processes read the losses of a step at different times. If one raised here, the others would wait
        for it for ever: so all leave the epoch together, read what is left, and find the same bad step.
        """
        if self._bad_reading is not None:
            return
        if not reading.is_finite:
            self._bad_reading = reading
            return
        totals, crops = self._state.totals, len(reading.samples)
        for name, value in reading.losses.items():
            totals[name] = totals.get(name, 0.0) + value * (crops - self._beside)
        progress.step(self._state.epoch, reading.step, crops, reading.losses)

    def _check_finite(self) -> None:
        """Stops the training where a loss or a weight is not finite."""
        epoch = self._state.epoch + 1
        if self._bad_reading is not None:
            images = sorted({self._samples.names[i] for i in self._bad_reading.samples.tolist()})
            place = f"epoch {epoch}, step {self._bad_reading.step + 1}"
            shown = ", ".join(images[:8])
            if len(images) > 8:
                shown += f" and {len(images) - 8} more"
                if self._processes.is_first:
                    log.error("the images of %s:\n%s", place, "\n".join(images))
            raise self._processes.error(
                f"the loss is not finite in {place}, on {shown}; lower the learning rates"
            )
        # The last update can make the weights non-finite, and no later loss would show it.
        if not all(bool(parameter.isfinite().all()) for parameter in self._network.parameters()):
            place = f"epoch {epoch}, step {self._state.step}"
            raise self._processes.error(f"the weights are not finite after {place}; lower the learning rates")

    def _close_epoch(self, progress: Progress, validate: Callable[[], float] | None) -> None:
        """Adds an epoch to the history, and keeps its weights if it is the best."""
        state = self._state
        row: dict[str, Any] = {name: total / self._sample_count for name, total in state.totals.items()}
        row |= {"epoch": state.epoch + 1, "seconds": state.seconds}
        row["images_per_second"] = (self._sample_count + self._steps * self._beside) / state.seconds
        row["peak_memory"] = peak_memory(self._device)
        if validate is not None:
            row["validation_srocc"] = score = validate()
            if score > state.best_score:
                state.best_score = score
                weights = self._network.state_dict()
                state.best_weights = {key: value.cpu().clone() for key, value in weights.items()}
        state.history.append(row)
        progress.epoch(row)
        state.epoch, state.step, state.totals, state.seconds = state.epoch + 1, 0, {}, 0.0
