"""The heads of the two trainings, as the paper describes them (Fig. 2, equations 1 to 8, section 3.2)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

PAPERS_WIDTH = 1024
"""Width of the first layers of a `MultiTaskHead` in the paper."""

_MIXED = 256


def initialise(layers: Iterable[nn.Module]) -> None:
    """He's initialisation of fully connected layers (paper, 4.1); biases start at zero."""
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)


@dataclass(frozen=True)
class Line:
    """A score that is linear in features and in the score that a head has learned.

    One hidden unit of each layer of a head can pass a linear function of the features on to the score, since
    a value that is large enough passes a ReLU as it is.
    """

    weights: Tensor  # of each feature, float64 (width,)
    centre: float  # of their sum over the features, its mean over some images
    reach: float  # how far that sum is from its mean for the farthest of these images
    factor: float  # of the score that the head has learned
    offset: float

    @property
    def lift(self) -> float:
        """Added to the sum before a ReLU and taken from the score: no image comes near the ReLU's bend."""
        return 1.0 + 2.0 * self.reach

    @property
    def first_bias(self) -> float:
        """The bias of the hidden unit that passes the sum on."""
        return self.lift - self.centre

    @property
    def last_bias(self) -> float:
        """What is added to that unit and to the head's own score."""
        return self.offset - self.first_bias


class MultiTaskHead(nn.Module):
    """Distortion classes and score from one feature vector (Fig. 2).

    The classification branch is cFC1 and cFC2; the score branch is rFC1, whose output s1 is joined
    with cFC1's c1 to m1 = ReLU(s1 (+) c1) (equation 5), then rFC2 and rFC3. c1 passes the same ReLU on
    its way to cFC2: without it the two layers would be one. The paper does not give the width of rFC2;
    it is 256, that of the fine-tuning head. rFC3 starts from zero, as the last layer of `ScoreHead` does
    and for the same reason; the other layers start from He's initialisation.

    Its buffers `mean` and `deviation` of each feature, 0 and 1 at first, standardise what both branches see.

    Args:
        width: length v of the backbone's feature vector.
        classes: N, the length of the class output.
        hidden: width of cFC1 and rFC1.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, classes: int, hidden: int = PAPERS_WIDTH) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        self.cfc1 = nn.Linear(width, hidden)
        self.cfc2 = nn.Linear(hidden, classes)
        self.rfc1 = nn.Linear(width, hidden)
        self.rfc2 = nn.Linear(2 * hidden, _MIXED)
        self.rfc3 = nn.Linear(_MIXED, 1)
        initialise([self.cfc1, self.cfc2, self.rfc1, self.rfc2])
        nn.init.zeros_(self.rfc3.weight)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, width) -> class logits (n, classes), scores (n,)."""
        standard = (features - self.mean) / self.deviation
        c1 = self.cfc1(standard)
        m1 = torch.relu(torch.cat((self.rfc1(standard), c1), dim=1))
        score = self.rfc3(torch.relu(self.rfc2(m1)))
        return self.cfc2(torch.relu(c1)), score.squeeze(1)

    def start_at(self, mean: float) -> None:
        """Starts every score at the training labels' mean, which a small learning rate would not reach."""
        nn.init.constant_(self.rfc3.bias, mean)

    def keep_classes(self, count: int) -> None:
        """Lets the head tell its first `count` classes only."""
        whole, self.cfc2 = self.cfc2, nn.Linear(self.cfc2.in_features, count)
        with torch.no_grad():
            self.cfc2.weight.copy_(whole.weight[:count])
            self.cfc2.bias.copy_(whole.bias[:count])

    def make_room(self) -> tuple[int, int]:
        """Frees a unit of rFC1 and one of rFC2 for `start_linearly`: those that the score depends on least.

        The score that was learned changes a little by this, and what the classes depend on does not. Where
        there is room, it stays the same.

        Returns:
            The two units.
        """
        with torch.no_grad():
            weights = self.rfc3.weight[0].abs()
            second = int((weights * self.rfc2.weight.norm(dim=1)).argmin())
            self.rfc3.weight[0, second] = 0.0
            weights[second] = 0.0
            used = weights @ self.rfc2.weight.abs()[:, : self.rfc1.out_features]
            first = int((used * self.rfc1.weight.norm(dim=1)).argmin())
            self.rfc2.weight[:, first] = 0.0
        return first, second

    def start_linearly(self, line: Line) -> None:
        """Lets the score be a linear one of the features, and of what the head scores after `make_room`."""
        first, second = self.make_room()
        with torch.no_grad():
            self.rfc1.weight[first] = line.weights * self.deviation
            self.rfc1.bias[first] = line.first_bias + float(line.weights @ self.mean.double())
            self.rfc2.weight[second] = 0.0
            self.rfc2.weight[second, first] = 1.0
            self.rfc2.bias[second] = 0.0
            self.rfc3.weight *= line.factor
            self.rfc3.weight[0, second] = 1.0
            self.rfc3.bias.copy_(line.factor * self.rfc3.bias.double() + line.last_bias)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the name of their learning rate."""
        return {
            "classification": [*self.cfc1.parameters(), *self.cfc2.parameters()],
            "score": [*self.rfc1.parameters(), *self.rfc2.parameters(), *self.rfc3.parameters()],
        }


class ScoreHead(nn.Module):
    """The fine-tuning head: dropout, FC 256, FC 1 (paper, 3.2 and 4.1).

    The paper gives no initialisation for it. FC 256 starts from He's, FC 1 from zero, so that the scores
    start at their mean: noise as wide as the scale itself would have to be unlearnt first, which a short
    fine-tuning does not manage.

    Args:
        width: length of the backbone's feature vector.
        dropout: probability of dropping a feature in training.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(width, _MIXED)
        self.fc2 = nn.Linear(_MIXED, 1)
        initialise([self.fc1])
        nn.init.zeros_(self.fc2.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, width) -> scores (n,)."""
        score: Tensor = self.fc2(torch.relu(self.fc1(self.dropout(features))))
        return score.squeeze(1)

    def start_at(self, mean: float) -> None:
        """Starts the scores at the training labels' mean; until then they start at an arbitrary constant."""
        nn.init.constant_(self.fc2.bias, mean)

    def start_linearly(self, line: Line) -> None:
        """Lets the score be a linear one of the features."""
        with torch.no_grad():
            self.fc1.weight[0] = line.weights
            self.fc1.bias[0] = line.first_bias
            nn.init.zeros_(self.fc2.weight)
            self.fc2.weight[0, 0] = 1.0
            self.fc2.bias.fill_(line.last_bias)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the name of their learning rate."""
        return {"head": list(self.parameters())}
