"""The order of an epoch: every sample once, and groups in one piece."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mosforge.training.order import epoch_order


@given(groups=st.lists(st.integers(0, 5), min_size=1, max_size=20), repeats=st.integers(1, 3))
def test_groups_stay_together_and_every_sample_comes_once(groups: list[int], repeats: int) -> None:
    order = epoch_order(3, 1, len(groups) * repeats, np.array(groups))
    assert sorted(order) == list(range(len(groups) * repeats))
    pieces = [(sample // len(groups), groups[sample % len(groups)]) for sample in order.tolist()]
    changes = sum(one != other for one, other in pairwise(pieces))
    assert changes == len(set(pieces)) - 1


def test_groups_and_their_members_come_in_another_order_each_epoch() -> None:
    groups = np.repeat(np.arange(20), 5)
    orders = [epoch_order(0, epoch, 100, groups) for epoch in range(2)]
    firsts = [groups[order[::5]].tolist() for order in orders]
    assert sorted(firsts[0]) == sorted(firsts[1]) == list(range(20))
    assert firsts[0] != firsts[1]
    assert firsts[0] != list(range(20))
    within = {tuple(np.argsort(order[groups[order] == group])) for order in orders for group in range(20)}
    assert len(within) > 10


def test_without_groups_it_is_a_permutation_drawn_from_seed_and_epoch() -> None:
    assert sorted(epoch_order(0, 0, 50)) == list(range(50))
    assert epoch_order(0, 0, 50).tolist() == epoch_order(0, 0, 50).tolist()
    assert epoch_order(0, 0, 50).tolist() != epoch_order(0, 1, 50).tolist() != epoch_order(1, 0, 50).tolist()
