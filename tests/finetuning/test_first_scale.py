"""The scale that the scores of a pretrained head are brought to before it learns those of a dataset."""

import numpy as np
import pytest
import torch

from mosforge.finetuning.head_first import fit_scale
from mosforge.models.heads import MultiTaskHead

LEARNED = torch.tensor([0.1, 0.2, 0.4, 0.5, 0.7, 0.8], dtype=torch.float64)


@pytest.mark.parametrize(("share", "bound"), [(1.0, False), (0.1, True), (-1.0, True)])
def test_a_low_correlation_does_not_lose_what_was_learned(share: float, bound: bool) -> None:
    others = torch.tensor([0.5, 0.3, 0.6, 0.2, 0.7, 0.4])  # which correlate little with them
    given = (share * LEARNED + (1 - abs(share)) * others).float()
    torch.manual_seed(0)
    head = MultiTaskHead(5, 2, 4).eval()
    torch.nn.init.normal_(head.rfc3.weight)
    features = torch.randn(8, 5)
    before = head(features)[1].detach()
    fit_scale(head, LEARNED, given, learned=True)
    after = head(features)[1].detach()
    slope, offset = np.polyfit(LEARNED, given.double(), 1)
    least = 0.5 * float(given.double().std() / LEARNED.std())
    assert (slope < least) == bound
    if bound:
        slope, offset = least, float(given.double().mean() - least * LEARNED.mean())
    torch.testing.assert_close(after, (before * slope + offset).float(), atol=1e-5, rtol=0)


def test_equal_scores_start_at_the_mean_of_the_given_ones() -> None:
    head = MultiTaskHead(5, 2, 4).eval()
    torch.nn.init.normal_(head.rfc3.weight)
    fit_scale(head, torch.full((3,), 0.4, dtype=torch.float64), torch.tensor([0.1, 0.2, 0.9]), learned=True)
    torch.testing.assert_close(head(torch.randn(4, 5))[1], torch.full((4,), 0.4))
