"""Equations 1 to 8 of the paper, computed in float64 with numpy from their definitions."""

import numpy as np
import pytest
import torch

from mosforge.pretraining.objective import OBJECTIVES, class_loss, loss_for

PICTURES, BATCH, CLASSES, BITS = 12, 5, 39, 26
_RNG = np.random.default_rng(0)
POSITIONS = np.array([7, 0, 11, 3, 7])
SCORES = _RNG.uniform(0, 1, PICTURES)
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
    """Logits of the batch, classes of all pictures, and the expected classification loss."""
    rng = np.random.default_rng(1)
    if kind == "single":
        logits, classes = rng.normal(0, 3, (BATCH, CLASSES)), rng.integers(0, CLASSES, PICTURES)
        return logits, classes, softmax_cross_entropy(logits, classes[POSITIONS])
    logits, labels = rng.normal(0, 3, (BATCH, BITS)), rng.integers(0, 2, (PICTURES, BITS))
    return logits, labels, binary_cross_entropy(logits, labels[POSITIONS])


def losses(objective: str, kind: str) -> dict[str, float]:
    logits, classes, _ = case(kind)
    loss_of = loss_for(
        objective,
        kind,
        torch.tensor(SCORES),
        torch.tensor(classes, dtype=torch.int64 if kind == "single" else torch.float64),
    )
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
    assert set(expected) == set(OBJECTIVES)
    for objective, parts in expected.items():
        assert losses(objective, kind) == pytest.approx(parts, rel=1e-12)


def test_the_cross_entropy_by_hand() -> None:
    """Two classes with logits 0 and ln 3: the chances are 1/4 and 3/4."""
    logits = torch.tensor([[0.0, np.log(3)]], dtype=torch.float64)
    assert class_loss("single", logits, torch.tensor([0])).item() == pytest.approx(np.log(4))
    assert class_loss("single", logits, torch.tensor([1])).item() == pytest.approx(np.log(4 / 3))
    expected = (np.log(2) + np.log(4 / 3)) / 2  # sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4
    assert class_loss("multiple", logits, torch.tensor([[0.0, 1.0]]).double()).item() == pytest.approx(
        expected
    )


def test_large_logits_do_not_overflow() -> None:
    for kind, target in (("single", torch.tensor([1])), ("multiple", torch.tensor([[0.0, 1.0]]))):
        assert class_loss(kind, torch.tensor([[-1e4, 1e4]]), target).item() == 0
        assert np.isfinite(class_loss(kind, torch.tensor([[1e4, -1e4]]), target).item())


@pytest.mark.parametrize(("objective", "untouched"), [("cls", "scores"), ("reg", "logits")])
def test_a_single_task_gives_the_other_branch_no_gradient(objective: str, untouched: str) -> None:
    output = {"logits": torch.zeros(2, 3, requires_grad=True), "scores": torch.ones(2, requires_grad=True)}
    loss_of = loss_for(objective, "single", torch.zeros(4), torch.tensor([0, 1, 2, 0]))
    loss_of((output["logits"], output["scores"]), torch.tensor([1, 3]))["loss"].backward()
    assert output.pop(untouched).grad is None
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in output.values())
