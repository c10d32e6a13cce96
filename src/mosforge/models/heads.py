"""The heads of the two trainings, as the paper describes them (Fig. 2, equations 1 to 8, section 3.2)."""

from collections.abc import Iterable

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
        return self.of_standard((features - self.mean) / self.deviation)

    def of_standard(self, standard: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised features (n, width) -> class logits (n, classes), scores (n,)."""
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

    def rescale(self, factor: float, offset: float) -> None:
        """Lets every score be `factor` times what it was, plus `offset`."""
        with torch.no_grad():
            self.rfc3.weight *= factor
            self.rfc3.bias.mul_(factor).add_(offset)

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
        return self.of_standard(self.dropout(features))

    def of_standard(self, features: Tensor) -> Tensor:
        """Features (n, width), standardised or not -> scores (n,); nothing is dropped here."""
        score: Tensor = self.fc2(torch.relu(self.fc1(features)))
        return score.squeeze(1)

    def start_at(self, mean: float) -> None:
        """Starts the scores at the training labels' mean; until then they start at an arbitrary constant."""
        nn.init.constant_(self.fc2.bias, mean)

    def take_in(self, mean: Tensor, deviation: Tensor) -> None:
        """Lets a head that learned from standardised features take them as they are.

        Args:
            mean: of each feature, shape (width,).
            deviation: likewise.
        """
        with torch.no_grad():
            self.fc1.weight /= deviation
            self.fc1.bias.sub_(self.fc1.weight @ mean)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by the name of their learning rate."""
        return {"head": list(self.parameters())}
