"""The loop over epochs and steps: resumable, and the same on every run."""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from mosforge.core.errors import MosforgeError
from mosforge.core.packs import Indices, Pack
from mosforge.core.parallel import take_ahead
from mosforge.core.seeds import seed_of
from mosforge.core.tables import Frame
from mosforge.models.network import Network
from mosforge.training.average import Average
from mosforge.training.batches import batches, on_device
from mosforge.training.last_batch import check_last_batch
from mosforge.training.processes import Gathering, Processes, normalise_together, together
from mosforge.training.progress import Progress, peak_memory
from mosforge.training.rates import warn_of_timid_rates
from mosforge.training.recipe import Recipe
from mosforge.training.setup import Setup
from mosforge.training.state import locked, resume, save, sigterm
from mosforge.training.watch import LossWatch, Reading

log = logging.getLogger(__name__)

Losses = dict[str, Tensor]
LossOf = Callable[[Any, Tensor], Losses]
"""From the network's output and the samples' positions to `loss` and its named parts."""


def fit(
    network: Network,
    pack: Pack,
    rows: Indices,
    loss_of: LossOf,
    recipe: Recipe,
    *,
    names: Sequence[str],
    state_file: Path,
    setup: Setup,
    validate: Callable[[], float] | None = None,
    groups: Indices | None = None,
) -> Frame:
    """Trains `network` in place and returns its history (artefact `history`).

    The state is saved after every epoch and on SIGTERM, and picked up by the next call with the same
    `state_file`, by however many processes; the weights are then those of an undisturbed run (to the bit
    on the CPU). The crops of an epoch follow from seed, epoch and sample alone. The state of a finished
    training stays: delete it when the weights are safe. In several processes, only the first has the
    weights that are to be kept.

    Args:
        network: moved to the setup's device. Its `head` gets the features as its first argument.
        pack: the pictures.
        rows: which of them are trained on; positions in this array name the samples in `loss_of`.
        loss_of: the loss of a batch; it must not wait for the device.
        recipe: how to train.
        names: what to call the samples in messages, in the order of `rows`.
        state_file: where the state is kept meanwhile; its name should hold a digest of all that matters.
        setup: where to train.
        validate: called after each epoch; the weights of the best (highest) epoch are kept.
        groups: a number for each of `rows`; those of one number come together (`epoch_order`).

    Raises:
        MosforgeError: another process trains with the same state, the pack is damaged, a loss or a weight is
            not finite, or the network cannot take an epoch's last batch.
    """
    if len(rows) == 0:
        raise MosforgeError("there is nothing to train on: no picture is left in the training part")
    pack.check_some()
    check_last_batch(network, len(rows) * recipe.repeats, recipe)
    # The launcher sends SIGTERM as soon as one process has ended, and that must not hide what this one says.
    with sigterm() as stop_asked, together(setup.device) as processes, contextlib.ExitStack() as held:
        if processes.is_first:
            state_file.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(state_file))
            warn_of_timid_rates(network.parameter_groups(), recipe, len(rows))
        training = _Training(
            network, pack, rows, groups, loss_of, recipe, names, state_file, setup, processes
        )
        return training.run(stop_asked, validate)


class StepToLoss(nn.Module):
    """From a batch to its losses, as one module: what the processes average is the gradient of this."""

    def __init__(self, network: Network, loss_of: LossOf) -> None:
        super().__init__()
        self.network = network
        self._loss_of = loss_of

    def forward(self, pixels: Tensor, mirrored: Tensor, positions: Tensor) -> Losses:
        pixels = torch.where(mirrored.view(-1, 1, 1, 1), pixels.flip(2), pixels)
        return self._loss_of(self.network(pixels), positions)


class _Training:
    """The parts of a training, put together and brought to where a saved state stands."""

    def __init__(
        self,
        network: Network,
        pack: Pack,
        rows: Indices,
        groups: Indices | None,
        loss_of: LossOf,
        recipe: Recipe,
        names: Sequence[str],
        state_file: Path,
        setup: Setup,
        processes: Processes,
    ) -> None:
        self._pack, self._rows, self._groups, self._names = pack, rows, groups, names
        self._recipe, self._setup, self._processes = recipe, setup, processes
        self._state_file = state_file
        self._samples = len(rows) * recipe.repeats
        self._steps = math.ceil(self._samples / recipe.batch_size)
        normalise_together(network, processes, setup.device)
        self._network = network.to(setup.device)
        self._gathering = Gathering(network, processes)
        self._optimiser = make_optimiser(network, recipe, setup.device)
        self._average = Average(network, recipe.weight_average) if recipe.weight_average else None
        self._state = resume(state_file, network, self._optimiser, self._average)
        self._bad_reading: Reading | None = None
        processes.wait()  # before the first can be through and remove the state
        if setup.compiled:
            network.compile_features()
        self._step: nn.Module = StepToLoss(network, loss_of)
        if processes.count > 1:
            self._step = DistributedDataParallel(
                self._step,
                device_ids=[setup.device.index] if setup.device.type == "cuda" else None,
                static_graph=True,  # an objective may leave a branch of the head out, but then always
            )

    def run(self, stop_asked: Event, validate: Callable[[], float] | None) -> Frame:
        """Runs the epochs that are left; the network then has the weights that are to be kept."""
        state, first = self._state, self._processes.is_first
        done = state.epoch * self._steps + state.step
        with Progress(
            self._recipe, self._steps, self._samples, done, events=self._setup.events, silent=not first
        ) as progress:
            if done:
                progress.go_on(state.history, state.step)
            while state.epoch < self._recipe.epochs:
                self._run_epoch(stop_asked, progress)
                if state.step == 0:
                    self._close_epoch(progress, validate if first else None)
                self._save()
                if state.epoch < self._recipe.epochs and self._processes.any(stop_asked.is_set()):
                    raise self._processes.error(
                        f"stopped in epoch {state.epoch + 1} as asked; run again to go on"
                    )
        if state.best_weights is not None:
            self._network.load_state_dict(state.best_weights)
        elif self._average is not None:
            self._average.put()
        return pd.DataFrame(state.history)

    def _save(self) -> None:
        if self._processes.is_first:
            save(self._state_file, self._network, self._optimiser, self._average, self._state)
        self._processes.wait()

    def _run_epoch(self, stop_asked: Event, progress: Progress) -> None:
        state, recipe, device = self._state, self._recipe, self._setup.device
        self._network.train()
        watch = LossWatch()
        began = time.monotonic()
        host = take_ahead(
            batches(
                self._pack,
                self._rows,
                recipe,
                state.epoch,
                state.step,
                groups=self._groups,
                processes=self._processes,
                pinned=device.type == "cuda",
            )
        )
        with contextlib.closing(host):
            for batch in on_device(host, device):
                step = state.epoch * self._steps + state.step
                self._set_rates(recipe.rate_factor(step, recipe.epochs * self._steps))
                torch.manual_seed(seed_of("dropout", recipe.seed, step))
                self._gathering.shares = batch.shares
                losses = self._step(batch.pixels, batch.mirrored, batch.positions)
                self._descend(losses["loss"], step)
                watch.add(state.step, batch.samples, losses)
                state.step += 1
                for reading in watch.read():
                    self._take(reading, progress)
                leave = stop_asked.is_set() or self._bad_reading is not None
                if state.step < self._steps and self._processes.any(leave):
                    break
        for reading in watch.read(rest=True):
            self._take(reading, progress)
        if self._bad_reading is not None:
            raise self._processes.error(self._not_finite(self._bad_reading))
        # A gradient can spoil the weights after a finite loss, and the last step's are not tried by another.
        if not all(bool(parameter.isfinite().all()) for parameter in self._network.parameters()):
            place = f"epoch {state.epoch + 1}, step {state.step}"
            raise self._processes.error(f"the weights are not finite after {place}; lower the learning rates")
        state.seconds += time.monotonic() - began
        state.step %= self._steps

    def _set_rates(self, factor: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = group["initial_lr"] * factor

    def _descend(self, loss: Tensor, step: int) -> None:
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._recipe.gradient_clip:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._recipe.gradient_clip)
        self._optimiser.step()
        if self._average is not None:
            self._average.update(step)

    def _take(self, reading: Reading, progress: Progress) -> None:
        """Counts a step in, or keeps it as the first whose loss is not finite.

        Which step a GPU's losses are read at differs between processes. So none leaves here, where the others
        would wait for it in vain: they leave the epoch together, read all that is left, and find the same.
        """
        if self._bad_reading is not None:
            return
        if not reading.is_finite:
            self._bad_reading = reading
            return
        totals, count = self._state.totals, len(reading.samples)
        for name, value in reading.losses.items():
            totals[name] = totals.get(name, 0.0) + value * count
        progress.step(self._state.epoch, reading.step, count, reading.losses)

    def _not_finite(self, reading: Reading) -> str:
        pictures = sorted({self._names[i] for i in reading.samples.tolist()})
        place = f"epoch {self._state.epoch + 1}, step {reading.step + 1}"
        shown = ", ".join(pictures[:8])
        if len(pictures) > 8:
            shown += f" and {len(pictures) - 8} more"
            if self._processes.is_first:
                log.error("the pictures of %s:\n%s", place, "\n".join(pictures))
        return f"the loss is not finite in {place}, on {shown}; lower the learning rates"

    def _close_epoch(self, progress: Progress, validate: Callable[[], float] | None) -> None:
        state = self._state
        row: dict[str, Any] = {name: total / self._samples for name, total in state.totals.items()}
        row |= {"epoch": state.epoch + 1, "seconds": state.seconds}
        row["images_per_second"] = self._samples / state.seconds
        row["peak_memory"] = peak_memory(self._setup.device)
        if validate is not None:
            with self._average.in_place() if self._average else contextlib.nullcontext():
                row["validation_srocc"] = score = validate()
                if score > state.best_score:
                    state.best_score = score
                    weights = self._network.state_dict()
                    state.best_weights = {key: value.cpu().clone() for key, value in weights.items()}
        state.history.append(row)
        progress.epoch(row)
        state.epoch, state.step, state.totals, state.seconds = state.epoch + 1, 0, {}, 0.0


def make_optimiser(network: Network, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser of a recipe, with a rate for each group of parameters; one kernel a step on a GPU.

    What an objective does not train has no gradient, and needs no rate.
    """
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    groups: list[dict[str, Any]] = [
        {"params": trained, "lr": recipe.learning_rates[name], "initial_lr": recipe.learning_rates[name]}
        for name, parameters in network.parameter_groups().items()
        if (trained := [parameter for parameter in parameters if parameter.requires_grad])
    ]
    return kinds[recipe.optimiser](
        groups, betas=(0.9, 0.999), weight_decay=recipe.weight_decay, fused=device.type == "cuda" or None
    )
