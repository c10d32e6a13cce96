"""The loop over epochs and steps: resumable, and the same on every run."""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from mosforge.errors import MosforgeError
from mosforge.models.network import Network
from mosforge.packs import Indices, Pack
from mosforge.seeds import seed_of
from mosforge.tables import Frame
from mosforge.training.batches import ahead, batches
from mosforge.training.rates import warn_of_timid_rates
from mosforge.training.recipe import Recipe
from mosforge.training.state import State, locked, resume, save, sigterm

log = logging.getLogger(__name__)

Losses = dict[str, Tensor]
LossOf = Callable[[Any, Tensor], Losses]
"""From the network's output and the samples' positions to `loss` and its named parts."""

_SECONDS_BETWEEN_LINES = 10.0


def fit(
    network: Network,
    pack: Pack,
    rows: Indices,
    loss_of: LossOf,
    recipe: Recipe,
    *,
    names: Sequence[str],
    state_file: Path,
    device: torch.device,
    validate: Callable[[], float] | None = None,
    groups: Indices | None = None,
) -> Frame:
    """Trains `network` in place and returns its history (artefact `history`).

    The state is saved after every epoch and on SIGTERM, and picked up by the next call with the same
    `state_file`; the weights are then those of an undisturbed run (to the bit on the CPU). The crops of
    an epoch follow from seed, epoch and sample alone. The state of a finished training stays: delete it
    when the weights are safe.

    Args:
        network: moved to `device`.
        pack: the pictures.
        rows: which of them are trained on; positions in this array name the samples in `loss_of`.
        loss_of: the loss of a batch.
        recipe: how to train.
        names: what to call the samples in messages, in the order of `rows`.
        state_file: where the state is kept meanwhile; its name should hold a digest of all that matters.
        device: where to train.
        validate: called after each epoch; the weights of the best (highest) epoch are kept.
        groups: a number for each of `rows`; those of one number come together (`epoch_order`).

    Raises:
        MosforgeError: another process trains with the same state, or the loss is not finite.
    """
    if len(rows) == 0:
        raise MosforgeError("there is nothing to train on: no picture is left in the training part")
    network.to(device).train()
    optimiser = _optimiser(network, recipe)
    warn_of_timid_rates(network.parameter_groups(), recipe, len(rows))
    state_file.parent.mkdir(parents=True, exist_ok=True)
    with locked(state_file), sigterm() as stop_asked:
        state = resume(state_file, network, optimiser, device)
        while state.epoch < recipe.epochs:
            _run_epoch(
                network, pack, rows, groups, loss_of, recipe, optimiser, state, device, stop_asked, names
            )
            if state.step > 0:
                save(state_file, network, optimiser, state)
                raise MosforgeError(f"stopped in epoch {state.epoch + 1} as asked; run again to go on")
            _close_epoch(network, rows, recipe, state, validate)
            save(state_file, network, optimiser, state)
    if state.best_weights is not None:
        network.load_state_dict(state.best_weights)
    return pd.DataFrame(state.history)


def _run_epoch(
    network: Network,
    pack: Pack,
    rows: Indices,
    groups: Indices | None,
    loss_of: LossOf,
    recipe: Recipe,
    optimiser: torch.optim.Optimizer,
    state: State,
    device: torch.device,
    stop_asked: threading.Event,
    names: Sequence[str],
) -> None:
    network.train()
    steps = math.ceil(len(rows) * recipe.repeats / recipe.batch_size)
    began = said = time.monotonic()
    for positions, pixels in ahead(batches(pack, rows, recipe, state.epoch, state.step, groups)):
        step = state.epoch * steps + state.step
        factor = recipe.rate_factor(step, recipe.epochs * steps)
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * factor
        torch.manual_seed(seed_of("dropout", recipe.seed, step))
        losses = loss_of(
            network(torch.from_numpy(pixels).to(device, non_blocking=True)),
            torch.from_numpy(positions).to(device),
        )
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        if not math.isfinite(values["loss"]):
            raise MosforgeError(_not_finite(state, positions, names))
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        for name, value in values.items():
            state.totals[name] = state.totals.get(name, 0.0) + value * len(positions)
        state.step += 1
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            _say(recipe, state, steps, len(rows), said - began)
        if stop_asked.is_set() and state.step < steps:
            state.seconds += time.monotonic() - began
            return
    state.step = 0
    state.seconds += time.monotonic() - began


def _not_finite(state: State, positions: Indices, names: Sequence[str]) -> str:
    pictures = sorted({names[i] for i in positions.tolist()})
    shown = ", ".join(pictures[:8]) + (f" and {len(pictures) - 8} more" if len(pictures) > 8 else "")
    return (
        f"the loss is not finite in epoch {state.epoch + 1}, step {state.step + 1}, on {shown}; lower the "
        "learning rates"
    )


def _say(recipe: Recipe, state: State, steps: int, pictures: int, seconds: float) -> None:
    done = min(state.step * recipe.batch_size, pictures * recipe.repeats)
    left = seconds / state.step * (steps - state.step + (recipe.epochs - state.epoch - 1) * steps)
    log.info(
        "epoch %d/%d  step %d/%d  loss %.4f  about %.0f s left",
        state.epoch + 1,
        recipe.epochs,
        state.step,
        steps,
        state.totals["loss"] / done,
        left,
    )


def _close_epoch(
    network: Network,
    rows: Indices,
    recipe: Recipe,
    state: State,
    validate: Callable[[], float] | None,
) -> None:
    samples = len(rows) * recipe.repeats
    row: dict[str, Any] = {name: total / samples for name, total in state.totals.items()}
    row |= {"epoch": state.epoch + 1, "seconds": state.seconds}
    row["images_per_second"] = samples / state.seconds
    if validate is not None:
        row["validation_srocc"] = score = validate()
        if score > state.best_score:
            state.best_score = score
            state.best_weights = {key: value.cpu().clone() for key, value in network.state_dict().items()}
    state.history.append(row)
    log.info(
        "epoch %d/%d  loss %.4f  %.1f images/s%s",
        state.epoch + 1,
        recipe.epochs,
        row["loss"],
        row["images_per_second"],
        f"  validation SROCC {row['validation_srocc']:.3f}" if validate is not None else "",
    )
    state.epoch, state.step, state.totals, state.seconds = state.epoch + 1, 0, {}, 0.0


def _optimiser(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    kinds: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    groups: list[dict[str, Any]] = [
        {"params": parameters, "lr": recipe.learning_rates[name], "initial_lr": recipe.learning_rates[name]}
        for name, parameters in network.parameter_groups().items()
    ]
    return kinds[recipe.optimiser](groups, betas=(0.9, 0.999), weight_decay=recipe.weight_decay)
