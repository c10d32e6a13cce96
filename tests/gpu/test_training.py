"""A training on a GPU: near the CPU's, resumable, the same bits on request, and compiled."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from small_training import BACKBONE, CROP, ON_CUDA, Trained, train

from mosforge.core.errors import MosforgeError
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.training.batches import check_last_batch
from mosforge.training.setup import Setup


def stop_at(call: int) -> Any:
    """SIGTERM to this process when it computes that loss."""
    return lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == call else None


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return {key: value.cpu() for key, value in trained.network.state_dict().items()}


def test_a_short_training_ends_near_the_cpus(
    setup: Setup, tmp_path: Path, trained_on_the_cpu: Trained
) -> None:
    """bfloat16 and other orders of sums: each loss within .05, scores within .15, which correlate by .97."""
    trained = train(tmp_path, setup)
    expected = trained_on_the_cpu
    assert trained.losses[-1] < trained.losses[0] / 2
    np.testing.assert_allclose(trained.losses, expected.losses, atol=0.05)
    np.testing.assert_allclose(trained.scores(), expected.scores(), atol=0.15)
    assert pearsonr(trained.scores(), expected.scores()).statistic > 0.97


def test_the_same_bits_on_request_also_after_a_stop(setup: Setup, tmp_path: Path) -> None:
    """With `deterministic: 1` two trainings are equal, and a stopped and resumed one is equal to them."""
    setup = replace(setup, deterministic=True)
    folders = [tmp_path / name for name in ("first", "second", "stopped")]
    for folder in folders:
        folder.mkdir()
    first, second = (train(folder, setup) for folder in folders[:2])
    with pytest.raises(MosforgeError, match="stopped in epoch 4 as asked"):
        train(folders[2], setup, at_step=stop_at(11))
    resumed = train(folders[2], setup)
    for other in (second, resumed):
        assert other.losses.tolist() == first.losses.tolist()
        for key, value in weights(first).items():
            assert torch.equal(value, weights(other)[key]), key


@pytest.mark.parametrize(
    "device",
    [
        pytest.param("cpu", marks=pytest.mark.exhaustive),  # minutes of C++ compilation
        pytest.param("cuda", marks=ON_CUDA),
    ],
)
def test_a_compiled_training_resumes(device: str, tmp_path: Path, trained_on_the_cpu: Trained) -> None:
    """It ends where one that is not compiled ends, within the same tolerances."""
    setup = Setup(device=device, precision="bfloat16", compile=True)
    with pytest.raises(MosforgeError, match="stopped in epoch 2 as asked"):
        train(tmp_path, setup, at_step=stop_at(5))
    resumed = train(tmp_path, setup)
    np.testing.assert_allclose(resumed.losses, trained_on_the_cpu.losses, atol=0.05)
    np.testing.assert_allclose(resumed.scores(), trained_on_the_cpu.scores(), atol=0.15)


@ON_CUDA
def test_without_determinism_a_stop_moves_the_scores_a_little(tmp_path: Path) -> None:
    """Sums in another order: scores within .1 of the undisturbed training's, which correlate by .98."""
    setup = Setup(device="cuda")
    folders = [tmp_path / name for name in ("undisturbed", "stopped")]
    for folder in folders:
        folder.mkdir()
    undisturbed = train(folders[0], setup)
    with pytest.raises(MosforgeError, match="as asked"):
        train(folders[1], setup, at_step=stop_at(11))
    resumed = train(folders[1], setup)
    np.testing.assert_allclose(resumed.scores(), undisturbed.scores(), atol=0.1)
    assert pearsonr(resumed.scores(), undisturbed.scores()).statistic > 0.98


@ON_CUDA
def test_a_network_that_is_on_the_gpu_already_is_tried_with_a_last_batch_of_one_crop() -> None:
    """As after `finetuning.head_first`, and after `pretraining.standardise`."""
    cfg: Any = SimpleNamespace(batch_size=16, crop=2 * CROP)
    network = Network(BACKBONE, ScoreHead(512, 0.0)).to("cuda")
    check_last_batch(network, 17, cfg)
    assert next(network.parameters()).device.type == "cuda"
