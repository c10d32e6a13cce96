"""The heads against the paper's numbers, and against arithmetic done by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from mosforge.models.heads import MultiTaskHead, ScoreHead, initialise


@pytest.mark.parametrize("classes", [39, 26])
@pytest.mark.parametrize("width", [2048, 4096])
def test_the_multi_task_head_has_the_papers_widths(width: int, classes: int) -> None:
    head = MultiTaskHead(width, classes)
    assert head.cfc1.weight.shape == (1024, width), "c1 is 1 x 1024"
    assert head.cfc2.weight.shape == (classes, 1024), "c2 is 1 x N"
    assert head.rfc1.weight.shape == (1024, width), "s1 is 1 x 1024"
    assert head.rfc2.weight.shape[1] == 2048, "m1 is 1 x 2048"
    assert head.rfc3.weight.shape == (1, head.rfc2.weight.shape[0])
    logits, scores = head(torch.zeros(5, width))
    assert logits.shape == (5, classes)
    assert scores.shape == (5,)


def test_the_score_head_has_the_papers_widths() -> None:
    head = ScoreHead(2048, 0.5)
    assert head.fc1.weight.shape == (256, 2048)
    assert head.fc2.weight.shape == (1, 256)
    assert head.dropout.p == 0.5
    assert head(torch.zeros(5, 2048)).shape == (5,)


@pytest.mark.parametrize("inputs", [200, 2048])
def test_he_initialisation(inputs: int) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(inputs, 1500)
    initialise([layer, nn.ReLU()])
    weights = layer.weight.detach().numpy().ravel()
    # He et al. 2015, equation 10: a zero-mean Gaussian of standard deviation sqrt(2 / n).
    assert weights.std() == pytest.approx(math.sqrt(2 / inputs), rel=0.01)
    assert abs(weights.mean()) < 4 * weights.std() / math.sqrt(len(weights))
    kurtosis = np.mean(weights**4) / np.mean(weights**2) ** 2
    assert kurtosis == pytest.approx(3, rel=0.03), "Gaussian: a uniform draw would have 1.8"
    assert (layer.bias == 0).all()


def test_the_pretraining_head_and_the_first_fine_tuning_layer_start_so() -> None:
    pretraining = [layer for layer in MultiTaskHead(2048, 39).modules() if isinstance(layer, nn.Linear)]
    assert len(pretraining) == 5
    *pretraining, last = pretraining
    assert (last.weight == 0).all(), "rFC3"
    for layer in (*pretraining, ScoreHead(2048, 0.5).fc1):
        expected = math.sqrt(2 / layer.in_features)
        slack = 6 / math.sqrt(2 * layer.weight.numel())
        assert layer.weight.std().item() == pytest.approx(expected, rel=slack)
        assert (layer.bias == 0).all()


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def arrays(head: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().double().numpy() for name, value in head.named_parameters()}


def test_equation_5_in_float64() -> None:
    torch.manual_seed(0)
    head = MultiTaskHead(6, 4)
    initialise([head.rfc3])  # it starts at zero, and every score at the mean
    for layer in head.children():
        nn.init.normal_(layer.bias)
    v = np.random.default_rng(0).normal(size=(3, 6))
    w = arrays(head)
    c1 = v @ w["cfc1.weight"].T + w["cfc1.bias"]
    s1 = v @ w["rfc1.weight"].T + w["rfc1.bias"]
    m1 = relu(np.concatenate([s1, c1], axis=1))
    logits = relu(c1) @ w["cfc2.weight"].T + w["cfc2.bias"]
    scores = relu(m1 @ w["rfc2.weight"].T + w["rfc2.bias"]) @ w["rfc3.weight"].T + w["rfc3.bias"]
    got_logits, got_scores = head(torch.tensor(v, dtype=torch.float32))
    np.testing.assert_allclose(got_logits.detach(), logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(got_scores.detach(), scores[:, 0], rtol=1e-4, atol=1e-4)


def test_equation_5_by_hand() -> None:
    """One feature, v = 2: s1 = (-2, 0, ...), c1 = (6, 0, ...), so m1 = (0, ..., 6, ...)."""
    head = MultiTaskHead(1, 2)
    for layer in head.children():
        nn.init.zeros_(layer.weight)
    with torch.no_grad():
        head.rfc1.weight[0, 0] = -1
        head.cfc1.weight[0, 0] = 3
        head.rfc2.weight[0, 0] = 100  # the first half of m1 is s1, cut off at zero
        head.rfc2.weight[0, 1024] = 0.5  # the second half is c1
        head.rfc3.weight[0, 0] = 0.1
        head.cfc2.weight[1, 0] = 2
    head.start_at(0.25)
    logits, score = head(torch.tensor([[2.0]]))
    assert logits.tolist() == [[0.0, 12.0]]
    assert score.item() == pytest.approx(0.1 * 3 + 0.25)


def test_the_score_depends_on_the_classification_branch_and_not_the_other_way() -> None:
    head = MultiTaskHead(8, 3)
    initialise([head.rfc3])  # it starts at zero, and every score at the mean
    logits, scores = head(torch.randn(4, 8))
    gradient = torch.autograd.grad(scores.sum(), head.cfc1.weight, retain_graph=True)[0]
    assert gradient.abs().sum() > 0
    unused = torch.autograd.grad(logits.sum(), head.rfc1.weight, allow_unused=True)[0]
    assert unused is None


def test_what_both_branches_see_is_standardised() -> None:
    head, plain = MultiTaskHead(8, 3), MultiTaskHead(8, 3)
    torch.nn.init.normal_(head.rfc3.weight)
    plain.load_state_dict(head.state_dict())
    features = torch.randn(5, 8)
    for one, other in zip(head(features), plain(features), strict=True):
        assert torch.equal(one, other)
    head.mean.copy_(torch.linspace(-1, 1, 8))
    head.deviation.copy_(torch.linspace(0.5, 3, 8))
    for one, other in zip(head(features * head.deviation + head.mean), plain(features), strict=True):
        torch.testing.assert_close(one, other)
    assert {"mean", "deviation"} < head.state_dict().keys()


def test_a_head_that_learned_from_standardised_features_takes_them_as_they_are() -> None:
    head, features = ScoreHead(8, 0.5).eval(), torch.randn(5, 8) * 3 + 1
    torch.nn.init.normal_(head.fc2.weight)
    deviation, mean = torch.std_mean(features, dim=0)
    expected = head((features - mean) / deviation)
    assert float(expected.detach().std()) > 0.1
    head.take_in(mean, deviation)
    torch.testing.assert_close(head(features), expected)


def test_the_scores_of_a_head_take_another_scale() -> None:
    head, features = MultiTaskHead(8, 3, 16), torch.randn(5, 8)
    torch.nn.init.normal_(head.rfc3.weight)
    head.mean.fill_(0.25)
    logits, before = head(features)
    assert torch.equal(head.of_standard(features - 0.25)[1], before)
    head.rescale(-2.0, 0.5)
    torch.testing.assert_close(head(features)[1], 0.5 - 2.0 * before)
    assert torch.equal(head(features)[0], logits)


@pytest.mark.parametrize("head", [MultiTaskHead(2048, 39), ScoreHead(2048, 0.5)])
def test_scores_of_any_image_start_at_the_mean(head: MultiTaskHead | ScoreHead) -> None:
    head.start_at(0.625)
    output = head(torch.randn(20, 2048))
    assert (output[1] if isinstance(output, tuple) else output).tolist() == [0.625] * 20


@pytest.mark.parametrize(
    ("head", "names"), [(MultiTaskHead(4, 2), {"classification", "score"}), (ScoreHead(4, 0.5), {"head"})]
)
def test_every_parameter_has_one_learning_rate(head: MultiTaskHead | ScoreHead, names: set[str]) -> None:
    groups = head.parameter_groups()
    assert set(groups) == names
    listed = [id(parameter) for group in groups.values() for parameter in group]
    assert sorted(listed) == sorted(id(parameter) for parameter in head.parameters())


def test_dropout_is_before_the_first_layer_and_only_in_training() -> None:
    head = ScoreHead(4000, 0.5)
    with torch.no_grad():
        nn.init.ones_(head.fc1.weight)
        nn.init.constant_(head.fc2.weight, 1 / 256)
    features = torch.ones(1, 4000)
    torch.manual_seed(0)
    dropped = head.train()(features).item()
    # within float32's rounding of a sum of thousands
    assert dropped / 2 == pytest.approx(round(dropped / 2), abs=0.05), "kept features count double"
    assert 3500 < dropped < 4500
    assert dropped != 4000
    assert head.eval()(features).item() == pytest.approx(4000, rel=1e-5)
