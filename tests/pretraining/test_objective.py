"""Equations 1 to 8 of the paper and RankIQA's loss, in float64 with numpy from their definitions."""

from typing import Any

import numpy as np
import pytest
import torch

from mosforge.models.card import knows_classes
from mosforge.models.heads import MultiTaskHead
from mosforge.models.objectives import LOSSES, rates_of
from mosforge.pretraining.labels import Labels
from mosforge.pretraining.objective import class_loss, make_loss, rank_loss, untrained_parameters

IMAGES, BATCH, CLASSES, BITS = 12, 5, 39, 26
_RNG = np.random.default_rng(0)
POSITIONS = np.array([7, 0, 11, 3, 7])
SCORES = _RNG.uniform(0, 1, IMAGES)
PREDICTED = _RNG.normal(0.5, 1, BATCH)


def softmax_cross_entropy(logits: np.ndarray, classes: np.ndarray) -> float:
    """Equations 1 and 2: the mean over the batch of -log of the true class' softmax."""
    total = 0.0
    for row, k in zip(logits, classes, strict=True):
        total -= np.log(np.exp(row[k]) / np.exp(row).sum())
    return total / len(logits)


def binary_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Equations 3 and 4, the mean over the batch and the classes."""
    chances = 1 / (1 + np.exp(-logits))
    return -(labels * np.log(chances) + (1 - labels) * np.log(1 - chances)).mean()


def case(kind: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Logits of the batch, classes of all images, and the expected classification loss."""
    rng = np.random.default_rng(1)
    if kind == "single":
        logits, classes = rng.normal(0, 3, (BATCH, CLASSES)), rng.integers(0, CLASSES, IMAGES)
        return logits, classes, softmax_cross_entropy(logits, classes[POSITIONS])
    logits, labels = rng.normal(0, 3, (BATCH, BITS)), rng.integers(0, 2, (IMAGES, BITS))
    return logits, labels, binary_cross_entropy(logits, labels[POSITIONS])


def labels(index: np.ndarray | None = None, bits: np.ndarray | None = None) -> Labels:
    """Labels of twelve images: four series of three levels."""
    return Labels(
        scores=torch.tensor(SCORES),
        class_index=None if index is None else torch.tensor(index, dtype=torch.int64),
        class_bits=None if bits is None else torch.tensor(bits, dtype=torch.float64),
        series=torch.arange(IMAGES) // 3,
        levels=torch.arange(IMAGES) % 3 + 1,
    )


def losses(objective: str, kind: str, **options: Any) -> dict[str, float]:
    logits, classes, _ = case(kind)
    loss_of = make_loss(objective, labels(classes) if kind == "single" else labels(bits=classes), **options)
    output = (torch.tensor(logits), torch.tensor(PREDICTED))
    return {name: float(value) for name, value in loss_of(output, torch.tensor(POSITIONS)).items()}


SCORE_LOSS = float(np.mean(np.abs(PREDICTED - SCORES[POSITIONS])))
"""Equation 6."""


@pytest.mark.parametrize("kind", ["single", "multiple"])
def test_the_losses_are_those_of_the_paper(kind: str) -> None:
    class_part = case(kind)[2]
    expected = {
        "cls": {"loss": class_part, "class_loss": class_part},
        "reg": {"loss": SCORE_LOSS, "score_loss": SCORE_LOSS},
        "multitask": {"loss": class_part + SCORE_LOSS, "class_loss": class_part, "score_loss": SCORE_LOSS},
    }
    assert {*expected, "rank"} == set(LOSSES)
    for objective, parts in expected.items():
        assert losses(objective, kind) == pytest.approx(parts, rel=1e-12)


@pytest.mark.parametrize("kind", ["single", "multiple"])
def test_weights_of_the_losses(kind: str) -> None:
    class_part = case(kind)[2]
    got = losses("multitask", kind, loss_weights={"classification": 0.5, "score": 3.0})
    assert got == pytest.approx(
        {"loss": 0.5 * class_part + 3 * SCORE_LOSS, "class_loss": class_part, "score_loss": SCORE_LOSS}
    )


def test_both_kinds_in_one_batch_are_the_mean_over_the_images() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 3, (BATCH, CLASSES + BITS))
    index = np.array([-1, 3, 5, -1, 38, 0, 7, 20, 1, 2, 4, -1])
    bits = np.where(index[:, None] < 0, rng.integers(0, 2, (IMAGES, BITS)), 0)
    each = [
        softmax_cross_entropy(row[None, :CLASSES], index[[i]])
        if index[i] >= 0
        else binary_cross_entropy(row[None, CLASSES:], bits[[i]])
        for row, i in zip(logits, POSITIONS, strict=True)
    ]
    assert {index[i] >= 0 for i in POSITIONS} == {True, False}
    output = torch.tensor(logits, requires_grad=True)
    loss = class_loss(output, labels(index, bits), torch.tensor(POSITIONS))
    assert loss.item() == pytest.approx(np.mean(each))
    (gradient,) = torch.autograd.grad(loss, output)
    for row, i in zip(gradient, POSITIONS, strict=True):
        mine, others = (row[:CLASSES], row[CLASSES:]) if index[i] >= 0 else (row[CLASSES:], row[:CLASSES])
        assert mine.abs().sum() > 0
        assert others.abs().sum() == 0


def rank_loss_by_pairs(predicted: np.ndarray, series: np.ndarray, levels: np.ndarray, margin: float) -> float:
    """RankIQA's hinge, pair by pair."""
    hinges = [
        max(0.0, predicted[j] - predicted[i] + margin)
        for i in range(len(predicted))
        for j in range(len(predicted))
        if series[i] == series[j] and levels[i] < levels[j]
    ]
    return float(np.mean(hinges)) if hinges else 0.0


def test_the_ranking_loss_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(3)
    predicted, series, levels = rng.normal(size=40), rng.integers(0, 6, 40), rng.integers(1, 6, 40)
    got = rank_loss(torch.tensor(predicted), torch.tensor(series), torch.tensor(levels), 0.5)
    assert got.item() == pytest.approx(rank_loss_by_pairs(predicted, series, levels, 0.5))


def test_the_ranking_loss_by_hand() -> None:
    """Levels 1, 2, 3 score .9, .8, .85: the pairs differ by .1, .05 and -.05; the fourth has no partner."""
    predicted = torch.tensor([0.9, 0.8, 0.85, 0.0], requires_grad=True)
    words = torch.tensor([0, 0, 0, 1]), torch.tensor([1, 2, 3, 1])
    loss = rank_loss(predicted, *words, 0.1)
    assert loss.item() == pytest.approx((0 + 0.05 + 0.15) / 3)
    (gradient,) = torch.autograd.grad(loss, predicted)
    assert gradient[3] == 0
    assert rank_loss(predicted, *words, 0.0).item() == pytest.approx(0.05 / 3)


def test_a_batch_without_pairs_has_no_loss_and_no_gradient() -> None:
    predicted = torch.tensor([0.9, 0.1], requires_grad=True)
    loss = rank_loss(predicted, torch.tensor([0, 1]), torch.tensor([1, 2]), 0.1)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, predicted)[0].tolist() == [0, 0]


def test_rank_learns_only_from_the_order() -> None:
    positions = torch.tensor([0, 1, 5, 4])
    predicted = torch.tensor([0.2, 0.5, 0.1, 0.3])
    got = make_loss("rank", labels(np.zeros(IMAGES)), rank_margin=0.1)(
        (torch.zeros(4, 2), predicted), positions
    )
    assert set(got) == {"loss", "score_loss"}
    # images 0 and 1 are levels 1 and 2 in the wrong order, 4 and 5 levels 2 and 3 in the right one
    assert got["loss"].item() == pytest.approx((0.4 + 0.0) / 2)


def test_the_cross_entropy_by_hand() -> None:
    """Two classes with logits 0 and ln 3: the chances are 1/4 and 3/4."""
    logits = torch.tensor([[0.0, np.log(3)]], dtype=torch.float64)
    first = torch.tensor([0])
    assert class_loss(logits, labels(np.array([0])), first).item() == pytest.approx(np.log(4))
    assert class_loss(logits, labels(np.array([1])), first).item() == pytest.approx(np.log(4 / 3))
    expected = (np.log(2) + np.log(4 / 3)) / 2  # sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4
    assert class_loss(logits, labels(bits=np.array([[0, 1]])), first).item() == pytest.approx(expected)


def test_large_logits_do_not_overflow() -> None:
    first = torch.tensor([0])
    right, wrong = torch.tensor([[-1e4, 1e4]]).double(), torch.tensor([[1e4, -1e4]]).double()
    for known in (labels(np.array([1])), labels(bits=np.array([[0, 1]]))):
        assert class_loss(right, known, first).item() == 0
        assert np.isfinite(class_loss(wrong, known, first).item())


@pytest.mark.parametrize(
    ("objective", "untouched"), [("cls", "scores"), ("reg", "logits"), ("rank", "logits")]
)
def test_a_single_task_gives_the_other_branch_no_gradient(objective: str, untouched: str) -> None:
    output = {"logits": torch.zeros(2, 3, requires_grad=True), "scores": torch.ones(2, requires_grad=True)}
    loss_of = make_loss(objective, labels(np.zeros(IMAGES)), rank_margin=0.1)
    loss_of((output["logits"], output["scores"]), torch.tensor([1, 2]))["loss"].backward()
    assert output.pop(untouched).grad is None
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in output.values())


@pytest.mark.parametrize("objective", LOSSES)
def test_the_gradients_of_an_objective_reach_the_parts_that_it_trains(objective: str) -> None:
    """Which layers are left as they are, which learning rates matter, and whether it knows the classes."""
    head = MultiTaskHead(4, 3)
    loss_of = make_loss(objective, labels(np.zeros(IMAGES)), rank_margin=10.0)
    loss_of(head(torch.randn(3, 4)), torch.tensor([0, 1, 2]))["loss"].backward()
    without = {id(parameter) for parameter in head.parameters() if parameter.grad is None}
    assert without == {id(parameter) for parameter in untrained_parameters(head, objective)}
    moved = {
        name
        for name, parameters in head.parameter_groups().items()
        if any(parameter.grad is not None for parameter in parameters)
    }
    assert set(rates_of(objective)) == {"backbone", *moved}
    card = {"classes": ["a", "b", "c"], "objective": objective}
    assert knows_classes(card) is (head.cfc2.weight.grad is not None)
