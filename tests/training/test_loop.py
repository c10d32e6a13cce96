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
from mosforge.training.loop import StepToLoss, fit, make_optimiser
from mosforge.training.recipe import Recipe
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
    _, history = toy.train(tmp_path, epochs=15, repeats=8, schedule="constant")
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
    assert (frame["peak_memory"] > 50).all(), "MiB; torch alone takes more"


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
    _, history = toy.train(tmp_path, network, epochs=1, learning_rates={"head": 0.0}, weight_decay=0.0)
    pack, _ = toy.make_pack(tmp_path)
    positions = np.concatenate([b.samples for b in batches(pack, np.arange(10), Recipe(**toy.RECIPE), 0)])
    expected = np.abs(np.array(seen) - labels.numpy()[positions]).mean()
    assert history["loss"].item() == pytest.approx(expected, rel=1e-6)


def test_each_group_has_its_own_rate(toy: ModuleType, tmp_path: Path) -> None:
    before = toy.Toy().state_dict()
    weights, _ = toy.train(tmp_path, learning_rates={"backbone": 0.0, "head": 1e-2})
    assert torch.equal(weights["convolution.weight"], before["convolution.weight"])
    assert not torch.equal(weights["head.weight"], before["head.weight"])


def test_what_is_not_trained_needs_no_rate(toy: ModuleType) -> None:
    network = toy.Toy()
    network.head.requires_grad_(False)
    recipe = Recipe(**toy.RECIPE | {"learning_rates": {"backbone": 1e-2}})
    optimiser = make_optimiser(network, recipe, torch.device("cpu"))
    trained = {parameter for group in optimiser.param_groups for parameter in group["params"]}
    assert trained == {*network.convolution.parameters(), *network.normalisation.parameters()}
    assert optimiser.defaults["betas"] == (0.9, 0.999)


def test_the_first_step_of_adam_is_the_rate(toy: ModuleType, tmp_path: Path) -> None:
    """Adam's first step is rate x sign(gradient), whatever the gradient's size (Kingma & Ba, 2.1)."""
    before = toy.Toy().state_dict()["head.weight"]
    weights, _ = toy.train(
        tmp_path,
        epochs=1,
        repeats=1,
        batch_size=10,
        weight_decay=0.0,
        learning_rates={"backbone": 1e-3, "head": 1e-2},
    )
    moved = (weights["head.weight"] - before).abs()
    np.testing.assert_allclose(moved[moved > 1e-4], 1e-2, rtol=1e-3)
    assert (moved > 1e-4).sum() >= 4


def test_every_step_is_taken_at_the_rate_of_the_schedule(
    toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[list[float]] = []
    step = torch.optim.Adam.step

    def watched(self: torch.optim.Adam) -> None:
        rates.append([group["lr"] for group in self.param_groups])
        step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    with pytest.raises(MosforgeError, match="stopped"):
        toy.train(tmp_path, at_step=toy.stop_at(5), learning_rates={"backbone": 1e-3, "head": 1e-2})
    toy.train(tmp_path, learning_rates={"backbone": 1e-3, "head": 1e-2})
    recipe = Recipe(**toy.RECIPE)
    factors = [recipe.rate_factor(i, 3 * toy.STEPS) for i in range(3 * toy.STEPS)]
    assert factors[-1] < 0.1
    np.testing.assert_allclose(rates, [[1e-3 * factor, 1e-2 * factor] for factor in factors])


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
    toy.train(tmp_path, network, setup=Setup(torch.device("cpu"), compiled=True))
    assert compiled == [network]


def test_a_step_mirrors_the_crops_that_are_to_be_mirrored() -> None:
    pixels = torch.arange(2 * 3 * 4 * 3, dtype=torch.uint8).reshape(2, 3, 4, 3)
    echo: Any = nn.Identity()
    step = StepToLoss(echo, lambda output, positions: {"pixels": output, "positions": positions})
    said = step(pixels, torch.tensor([True, False]), torch.tensor([7, 5]))
    assert torch.equal(said["pixels"], torch.stack([pixels[0][:, [3, 2, 1, 0]], pixels[1]]))
    assert said["positions"].tolist() == [7, 5]


def test_adamw_decays_otherwise_than_adam(toy: ModuleType, tmp_path: Path) -> None:
    results = []
    for optimiser in ("adam", "adamw"):
        (tmp_path / optimiser).mkdir()
        results.append(
            toy.train(tmp_path / optimiser, optimiser=optimiser, weight_decay=0.5)[0]["head.weight"]
        )
    assert not torch.equal(*results)


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


def average_of(before: list[Weights], decay: float) -> Weights:
    """The running average by its definition, from the weights before the first and after each step."""
    average = before[0]
    for step, weights in enumerate(before[1:]):
        share = min(decay, (1 + step) / (10 + step))
        average = {key: share * average[key] + (1 - share) * value for key, value in weights.items()}
    return average


def test_the_average_of_the_weights_is_kept_and_changes_no_step(toy: ModuleType, tmp_path: Path) -> None:
    network, seen = toy.Toy(), []

    def remember(_: int = 0) -> None:
        seen.append({key: value.detach().clone() for key, value in network.named_parameters()})

    for name in ("plain", "first", "last"):
        (tmp_path / name).mkdir()
    _, plain = toy.train(tmp_path / "plain", network, at_step=remember)
    remember()
    first, history = toy.train(tmp_path / "first", validate=lambda: 0.5, weight_average=0.8)
    assert history["loss"].tolist() == plain["loss"].tolist()
    last, _ = toy.train(tmp_path / "last", weight_average=0.8)
    # Where all epochs score the same, the first is the best; without validation the last is kept.
    for weights, steps in ((first, toy.STEPS), (last, 3 * toy.STEPS)):
        for key, value in average_of(seen[: steps + 1], 0.8).items():
            torch.testing.assert_close(weights[key], value)
    assert not torch.equal(last["head.weight"], seen[-1]["head.weight"])


def test_the_average_is_what_is_validated(toy: ModuleType, tmp_path: Path) -> None:
    network, validated = toy.Toy(), []

    def validate() -> float:
        validated.append(network.state_dict()["head.weight"].clone())
        return float(len(validated))

    weights, _ = toy.train(tmp_path, network, validate=validate, weight_average=0.8)
    assert torch.equal(weights["head.weight"], validated[-1])
    (tmp_path / "b").mkdir()
    plain, _ = toy.train(tmp_path / "b")
    assert not torch.equal(plain["head.weight"], validated[-1])


def test_gradients_are_clipped_to_the_norm_that_is_asked_for(toy: ModuleType, tmp_path: Path) -> None:
    norms: dict[float, list[float]] = {}
    for limit in (0.0, 1e-3, 1e3):
        network, seen = toy.Toy(), norms.setdefault(limit, [])

        def remember(step: int, network: Any = network, seen: list[float] = seen) -> None:
            if step > 1:  # the gradients of the step before are still there
                squares = [value.grad.square().sum() for value in network.parameters()]
                seen.append(float(torch.stack(squares).sum().sqrt()))

        folder = tmp_path / str(limit)
        folder.mkdir()
        toy.train(folder, network, at_step=remember, gradient_clip=limit)
    assert min(norms[0.0]) > 1e-3
    assert norms[1e3] == norms[0.0]
    np.testing.assert_allclose(norms[1e-3], 1e-3, rtol=1e-3)


def test_a_damaged_pack_is_not_trained_on(toy: ModuleType, tmp_path: Path) -> None:
    toy.make_pack(tmp_path)
    pixels = bytearray((tmp_path / "pack.pixels").read_bytes())
    pixels[12 * 14 * 3 * 4] ^= 1
    (tmp_path / "pack.pixels").write_bytes(pixels)
    with pytest.raises(MosforgeError, match=r"pack\.pixels: damaged, the pixels of picture 4 are not those"):
        toy.train(tmp_path)


def test_nothing_to_train_on_is_told(toy: ModuleType, tmp_path: Path) -> None:
    pack, _ = toy.make_pack(tmp_path)
    with pytest.raises(MosforgeError, match="nothing to train on"):
        fit(
            toy.Toy(),
            pack,
            np.array([], np.int64),
            lambda *_: {},
            Recipe(**toy.RECIPE),
            names=[],
            state_file=tmp_path / "s.pt",
            setup=Setup(torch.device("cpu")),
        )
