"""The loop: what it learns, which weights it keeps, and what it refuses."""

import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import read_table, write_table
from mosforge.training.batches import batches
from mosforge.training.loop import StepToLoss, fit
from mosforge.training.setup import Setup

Weights = dict[str, torch.Tensor]


def test_two_runs_are_the_same_to_the_bit(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]]
) -> None:
    torch.manual_seed(999)
    weights, history = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])
    assert history["loss"].tolist() == undisturbed[1]


def test_the_loss_falls_on_something_that_can_be_learnt(toy: ModuleType, tmp_path: Path) -> None:
    _, history = toy.train(tmp_path, epochs=15, patches=8, schedule="constant")
    losses = history["loss"].tolist()
    assert losses[-1] < 0.6 * losses[0]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_the_history_is_the_artefact(toy: ModuleType, tmp_path: Path) -> None:
    _, history = toy.train(tmp_path)
    write_table(tmp_path / "h.parquet", HISTORY, history, stage="test", cfg={})
    frame = read_table(tmp_path / "h.parquet", HISTORY)
    assert frame["epoch"].tolist() == [1, 2, 3]
    assert frame["loss"].tolist() == frame["score_loss"].tolist()
    assert frame["validation_srocc"].isna().all()
    assert (frame["images_per_second"] * frame["seconds"]).tolist() == pytest.approx([20, 20, 20])
    assert (frame["peak_memory"] > 50).all(), "MiB; even torch by itself takes more"


def test_the_loss_of_the_history_is_the_mean_over_samples(toy: ModuleType, tmp_path: Path) -> None:
    """With a rate of zero and no dropout it is the mean over the crops, the short last batch included."""
    network = toy.Toy()
    network.dropout.p = 0.0
    network.normalisation = torch.nn.Identity()
    network.parameter_groups = lambda: {"head": list(network.parameters())}
    seen: list[float] = []
    forward = network.forward
    labels = torch.linspace(0.1, 0.9, 10)

    def watched(pixels: torch.Tensor) -> torch.Tensor:
        output = forward(pixels)
        seen.extend(output.detach().tolist())
        return output

    network.forward = watched
    _, history = toy.train(tmp_path, network, epochs=1, learning_rates={"head": 0.0})
    pack, _ = toy.make_pack(tmp_path)
    positions = np.concatenate([b.samples for b in batches(pack, np.arange(10), toy.settings(), 0)])
    expected = np.abs(np.array(seen) - labels.numpy()[positions]).mean()
    assert history["loss"].item() == pytest.approx(expected, rel=1e-6)


def test_every_step_has_a_dropout_of_its_own(toy: ModuleType, tmp_path: Path) -> None:
    seeds: list[list[int]] = []
    for seed in (7, 8):
        (tmp_path / str(seed)).mkdir()
        seeds.append([])
        toy.train(tmp_path / str(seed), seed=seed, at_step=lambda _: seeds[-1].append(torch.initial_seed()))
    assert len({*seeds[0], *seeds[1]}) == 2 * 3 * toy.STEPS


def test_it_compiles_when_asked_and_only_then(toy: ModuleType, tmp_path: Path) -> None:
    network, compiled = toy.Toy(), []
    network.compile_features = lambda: compiled.append(network)
    toy.train(tmp_path, network)
    assert compiled == []
    (tmp_path / ".state-x.pt").unlink()
    toy.train(tmp_path, network, setup=Setup(compile=True))
    assert compiled == [network]


def test_a_step_mirrors_the_crops_that_are_to_be_mirrored() -> None:
    pixels = torch.arange(2 * 3 * 4 * 3, dtype=torch.uint8).reshape(2, 3, 4, 3)
    echo: Any = nn.Identity()
    step = StepToLoss(echo, lambda output, positions: {"pixels": output, "positions": positions})
    losses = step(pixels, torch.tensor([True, False]), torch.tensor([7, 5]))
    assert torch.equal(losses["pixels"], torch.stack([pixels[0][:, [3, 2, 1, 0]], pixels[1]]))
    assert losses["positions"].tolist() == [7, 5]


def test_training_mode_is_kept_even_if_the_validation_leaves_another(toy: ModuleType, tmp_path: Path) -> None:
    network = toy.Toy()
    modes = []

    def validate() -> float:
        network.eval()
        return 0.5

    toy.train(tmp_path, network, at_step=lambda _: modes.append(network.training), validate=validate)
    assert modes == [True] * 9


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.1, 0.9, 0.5], 1),
        ([0.9, 0.1, 0.9], 0),
        ([math.nan, 0.1, math.nan], 1),
        ([math.nan] * 3, 2),
        ([-0.5, -0.4, -0.9], 1),
    ],
)
def test_the_weights_of_the_best_epoch_are_kept(
    toy: ModuleType, tmp_path: Path, scores: list[float], kept: int
) -> None:
    network = toy.Toy()
    after: list[Weights] = []

    def validate() -> float:
        after.append({key: value.clone() for key, value in network.state_dict().items()})
        return scores[len(after) - 1]

    weights, history = toy.train(tmp_path, network, validate=validate)
    toy.assert_same(weights, after[kept])
    np.testing.assert_array_equal(history["validation_srocc"], scores)


def test_a_damaged_pack_is_not_trained_on(toy: ModuleType, tmp_path: Path) -> None:
    toy.make_pack(tmp_path)
    pixels = bytearray((tmp_path / "pack.pixels").read_bytes())
    pixels[12 * 14 * 3 * 4] ^= 1
    (tmp_path / "pack.pixels").write_bytes(pixels)
    with pytest.raises(MosforgeError, match=r"pack\.pixels: damaged, the pixels of image 4 are not those"):
        toy.train(tmp_path)


def test_nothing_to_train_on_is_reported(toy: ModuleType, tmp_path: Path) -> None:
    pack, _ = toy.make_pack(tmp_path)
    with pytest.raises(MosforgeError, match="nothing to train on"):
        fit(
            toy.Toy(),
            pack,
            np.array([], np.int64),
            lambda *_: {},
            toy.settings(),
            names=[],
            state_file=tmp_path / "s.pt",
            setup=Setup(),
            device=torch.device("cpu"),
        )


def test_a_loss_that_is_not_finite_names_the_images(toy: ModuleType, tmp_path: Path) -> None:
    network = toy.Toy()

    def spoil(step: int) -> None:
        if step == 5:
            with torch.no_grad():
                network.head.bias.fill_(math.inf)

    with pytest.raises(MosforgeError, match="the loss is not finite in epoch 2, step 3") as caught:
        toy.train(tmp_path, network, at_step=spoil)
    pack, _ = toy.make_pack(tmp_path)
    positions = list(batches(pack, np.arange(10), toy.settings(), 1))[2].samples
    for i in range(10):
        assert (f"image {i}" in str(caught.value)) == (i in positions)
    assert "lower the learning rates" in str(caught.value)


@pytest.mark.parametrize(("call", "place"), [(6, "epoch 2, step 3"), (9, "epoch 3, step 3")])
def test_weights_that_the_last_step_of_an_epoch_spoils_are_not_kept(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]], call: int, place: str
) -> None:
    """Its loss is finite, and at the very end no other loss follows that would tell."""
    network = toy.Toy()

    def spoil(step: int) -> None:
        if step == call:
            network.head.weight.register_hook(lambda gradient: gradient * math.nan)

    with pytest.raises(MosforgeError, match=f"the weights are not finite after {place}; lower the learning"):
        toy.train(tmp_path, network, at_step=spoil)
    weights, _ = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])


def test_after_a_loss_that_is_not_finite_the_last_epoch_stands(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]]
) -> None:
    network = toy.Toy()
    with pytest.raises(MosforgeError, match="not finite"):
        toy.train(
            tmp_path, network, at_step=lambda step: step == 5 and network.head.bias.data.fill_(math.nan)
        )
    weights, _ = toy.train(tmp_path)
    toy.assert_same(weights, undisturbed[0])


def test_many_images_are_listed_only_in_the_log(
    toy: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = toy.Toy()
    network.head.bias.data.fill_(math.nan)
    with pytest.raises(MosforgeError, match="image 7 and 2 more; lower"):
        toy.train(tmp_path, network, patches=1, batch_size=10)
    first, *images = caplog.messages[-1].splitlines()
    assert first == "the images of epoch 1, step 1:"
    assert images == [f"image {i}" for i in range(10)]


def test_a_training_with_crops_beside_its_batches_goes_on_to_the_bit(
    toy: ModuleType, tmp_path: Path, undisturbed: tuple[Weights, list[float]]
) -> None:
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    stopped.mkdir()
    whole.mkdir()
    with pytest.raises(MosforgeError, match="stopped in epoch 2"):
        toy.train(stopped, beside=3, at_step=toy.stop_at(5))
    weights, history = toy.train(stopped, beside=3)
    expected, losses = toy.train(whole, beside=3)
    toy.assert_same(weights, expected)
    assert history["loss"].tolist() == losses["loss"].tolist() != undisturbed[1]
    # the throughput counts all crops: 20 of three batches, and three beside each
    assert (losses["images_per_second"] * losses["seconds"]).tolist() == pytest.approx([29, 29, 29])


def test_losses_count_as_often_as_a_batch_has_samples_whatever_is_beside_it(
    toy: ModuleType, tmp_path: Path
) -> None:
    """A loss that is the size of the step: batches of 8, 8 and 4, and three crops beside each."""
    pack, _ = toy.make_pack(tmp_path)
    network = toy.Toy()

    def size(output: torch.Tensor, positions: torch.Tensor) -> Weights:
        return {"loss": 0 * output.sum() + len(positions)}

    history = fit(
        network,
        pack,
        np.arange(10),
        size,
        toy.settings(epochs=1),
        names=["image"] * 20,
        state_file=tmp_path / "s.pt",
        setup=Setup(),
        device=torch.device("cpu"),
        beside=toy.draw_beside(3),
    )
    assert history["loss"].item() == pytest.approx((8 * 11 + 8 * 11 + 4 * 7) / 20)
