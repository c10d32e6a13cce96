"""Words for people while a training runs: a bar, lines and events."""

import logging
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from mosforge.training.settings import TrainingSettings

CHANGES_NO_RESULT = "it only reports the progress, the speed and the memory of a training"

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 30.0
_STEPS_BETWEEN_EVENTS = 20


class Progress:
    """The progress of a training; a context that closes what it opened.

    Args:
        cfg: of the training.
        steps: steps of an epoch.
        samples: samples of an epoch.
        beside: further crops of each step.
        done: steps that an earlier run did.
        events: folder for TensorBoard's events; old ones are removed from it when a training begins.
        silent: report nothing, as in the processes beside the first.
    """

    def __init__(
        self,
        cfg: TrainingSettings,
        steps: int,
        samples: int,
        beside: int,
        done: int,
        *,
        events: Path | None,
        silent: bool,
    ) -> None:
        self._cfg, self._steps, self._crops = cfg, steps, samples + steps * beside
        self._silent = silent
        self._writer = None if events is None or silent else _open_events(events, done)
        epochs, begun = divmod(done, steps)  # the last batch of an epoch may be a small one
        self._bar: tqdm[Any] = tqdm(
            total=cfg.epochs * self._crops,
            initial=epochs * self._crops + begun * (cfg.batch_size + beside),
            unit="image",
            disable=True if silent else None,
            smoothing=0.1,
        )
        self._redirection = logging_redirect_tqdm(tqdm_class=tqdm)
        self._began = self._last_line = time.monotonic()
        self._done_before = self._done = done

    def __enter__(self) -> "Progress":
        if not self._bar.disable:
            self._redirection.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if not self._bar.disable:
            self._redirection.__exit__(None, None, None)
        self._bar.close()
        if self._writer is not None:
            self._writer.close()

    def step(self, epoch: int, step: int, crops: int, losses: Mapping[str, float]) -> None:
        """A step of an epoch (both from 0) is done."""
        self._done = epoch * self._steps + step + 1
        shown = {"epoch": epoch + 1, "loss": f"{losses['loss']:.4f}"}
        if "in_order" in losses:
            shown["in_order"] = f"{losses['in_order']:.2f}"
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(crops)
        if self._writer is not None and self._done % _STEPS_BETWEEN_EVENTS == 0:
            self._write_events("step", losses, self._done)
        now = time.monotonic()
        if now - self._last_line > _SECONDS_BETWEEN_LINES and not self._silent:
            self._last_line = now
            took = (now - self._began) / (self._done - self._done_before)
            log.info(
                "epoch %d/%d  step %d/%d  loss %.4f%s  %.1f images/s  about %.0f s left",
                *(epoch + 1, self._cfg.epochs, step + 1, self._steps, losses["loss"], _rehearsal(losses)),
                self._crops / self._steps / took,
                took * (self._cfg.epochs * self._steps - self._done),
            )

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch is done; `row` is its row of the history."""
        if self._writer is not None:
            self._write_events("epoch", {k: v for k, v in row.items() if k != "epoch"}, self._done)
            self._writer.flush()
        self._log_epoch(row)

    def resume(self, history: Sequence[Mapping[str, Any]], step: int) -> None:
        """Logs the epochs of an earlier run again: Snakemake removes a job's log when it starts it again.

        Args:
            history: the rows of the epochs that are done.
            step: steps that are done in the next one.
        """
        for row in history:
            self._log_epoch(row, "done before: ")
        if not self._silent and len(history) < self._cfg.epochs:
            log.info("going on from epoch %d, step %d", len(history) + 1, step + 1)

    def _log_epoch(self, row: Mapping[str, Any], before: str = "") -> None:
        if self._silent:
            return
        score = row.get("validation_srocc")
        log.info(
            "%sepoch %d/%d  loss %.4f%s  %.1f images/s%s",
            *(before, row["epoch"], self._cfg.epochs, row["loss"], _rehearsal(row)),
            row["images_per_second"],
            "" if score is None else f"  validation SROCC {score:.3f}",
        )

    def _write_events(self, kind: str, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{kind}/{name}", value, step)  # type: ignore[union-attr]


def _rehearsal(losses: Mapping[str, Any]) -> str:
    """What a line says of the pairs of a fine-tuning that rehearses some."""
    if "in_order" not in losses:
        return ""
    return f"  rehearsal {losses['rehearsal_loss']:.4f}, {losses['in_order']:.1%} in order"


def _open_events(folder: Path, done: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter  # imports much

    if done == 0:
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
    return SummaryWriter(str(folder), purge_step=done + 1 if done else None)  # it drops that step, too


def peak_memory(device: torch.device) -> float:
    """The most memory in use so far, in MiB: the GPU's, or the process's where there is no GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
