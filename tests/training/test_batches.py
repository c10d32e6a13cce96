"""Batches: the order of an epoch, and its crops, whatever the batch size and wherever it starts."""

from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.packs import Pack
from mosforge.training.batches import Batch, Mixture, batches, epoch_order
from mosforge.training.processes import Processes

ROWS = np.array([1, 3, 4, 8])


@pytest.fixture(scope="module")
def pack(toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    pack: Pack = toy.make_pack(tmp_path_factory.mktemp("batches"))[0]
    return pack


def crops(
    toy: ModuleType, pack: Pack, epoch: int = 0, first: int = 0, **changes: Any
) -> list[tuple[int, bytes]]:
    cfg = toy.settings(**{"patches": 5} | changes)
    return [crop for batch in batches(pack, ROWS, cfg, epoch, first) for crop in content(batch)]


def content(batch: Batch) -> list[tuple[int, bytes]]:
    """Position and pixels, as they will be mirrored, of each crop of a batch that is not shared."""
    pixels = torch.where(batch.mirrored.view(-1, 1, 1, 1), batch.pixels.flip(2), batch.pixels).numpy()
    assert batch.positions.tolist() == batch.samples.tolist()
    return [(int(i), crop.tobytes()) for i, crop in zip(batch.samples, pixels, strict=True)]


@settings(max_examples=25, deadline=None)
@given(batch_size=st.integers(1, 30))
def test_the_batch_size_changes_no_crop_and_no_order(toy: ModuleType, pack: Pack, batch_size: int) -> None:
    assert crops(toy, pack, batch_size=batch_size) == crops(toy, pack, batch_size=1)


@settings(max_examples=25, deadline=None)
@given(batch_size=st.integers(1, 9), first=st.integers(0, 25))
def test_an_epoch_goes_on_where_it_stopped(toy: ModuleType, pack: Pack, batch_size: int, first: int) -> None:
    whole = crops(toy, pack, batch_size=batch_size)
    assert crops(toy, pack, batch_size=batch_size, first=first) == whole[first * batch_size :]


def test_an_epoch_sees_every_image_as_often_as_asked(toy: ModuleType, pack: Pack) -> None:
    positions = [position for position, _ in crops(toy, pack)]
    assert np.bincount(positions).tolist() == [5] * len(ROWS)


def test_the_crops_of_an_image_differ_in_an_epoch_and_between_epochs(toy: ModuleType, pack: Pack) -> None:
    first, second = crops(toy, pack, epoch=0), crops(toy, pack, epoch=1)
    assert [position for position, _ in first] != [position for position, _ in second]
    for position in range(len(ROWS)):
        assert len({crop for at, crop in first if at == position}) > 1
    assert len(set(first) & set(second)) < len(set(first))


def test_the_crops_are_cut_from_the_images_that_are_named(toy: ModuleType, pack: Pack) -> None:
    for position, crop in crops(toy, pack, flip=False):
        image = pack.image(int(ROWS[position]))
        places = [image[i : i + 8, j : j + 8].tobytes() for i in range(5) for j in range(7)]
        assert crop in places


def test_all_places_and_both_sides_are_seen(toy: ModuleType, pack: Pack) -> None:
    image = pack.image(int(ROWS[0]))
    places = {
        turned[i : i + 8, j : j + 8].tobytes()
        for turned in (image, image[:, ::-1])
        for i in range(5)
        for j in range(7)
    }
    seen = {crop for position, crop in crops(toy, pack, patches=1000, batch_size=64) if position == 0}
    assert seen == places


def test_the_seed_decides(toy: ModuleType, pack: Pack) -> None:
    assert crops(toy, pack) == crops(toy, pack)
    one, other = set(crops(toy, pack)), set(crops(toy, pack, seed=8))
    assert len(one & other) < len(one) / 2, "the places differ, and not only the order"


@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_shares_of_the_processes_are_the_batches_of_one(toy: ModuleType, pack: Pack, count: int) -> None:
    cfg = toy.settings(patches=5, batch_size=9)
    whole = list(batches(pack, ROWS, cfg, 1))
    shared = [list(batches(pack, ROWS, cfg, 1, processes=Processes(rank, count))) for rank in range(count)]
    for batch, *parts in zip(whole, *shared, strict=True):
        assert all(part.samples.tolist() == batch.samples.tolist() for part in parts)
        if parts[0].shares:
            assert torch.equal(torch.cat([part.pixels for part in parts]), batch.pixels)
            assert torch.equal(torch.cat([part.mirrored for part in parts]), batch.mirrored)
        else:
            assert all(torch.equal(part.pixels, batch.pixels) for part in parts)


def test_half_of_the_crops_are_mirrored_and_none_without_flips(toy: ModuleType, pack: Pack) -> None:
    shares = [
        np.concatenate([batch.mirrored for batch in batches(pack, ROWS, cfg, 0)]).mean()
        for cfg in (toy.settings(patches=500, flip=flip) for flip in (True, False))
    ]
    assert shares[0] == pytest.approx(0.5, abs=0.05)
    assert shares[1] == 0


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


KIND = np.array([0] * 30 + [1] * 4 + [2])


@settings(max_examples=25, deadline=None)
@given(weights=st.tuples(*[st.floats(0.05, 1)] * 3), size=st.integers(1, 16), samples=st.integers(20, 80))
def test_every_batch_draws_the_kinds_in_the_stated_proportion(
    weights: tuple[float, ...], size: int, samples: int
) -> None:
    shares = tuple(weight / sum(weights) for weight in weights)
    order = epoch_order(0, 3, samples, mixture=Mixture(KIND, shares))
    assert len(np.unique(order)) == samples  # a row that comes again has another crop
    drawn = KIND[order % len(KIND)]
    for kind, share in enumerate(shares):
        for start in range(0, samples, size):
            batch = drawn[start : start + size]
            assert abs((batch == kind).sum() - share * len(batch)) < 2
        times = np.bincount(order % len(KIND), minlength=len(KIND))[kind == KIND]
        assert times.max() - times.min() <= 1
    again, other = (epoch_order(0, epoch, samples, mixture=Mixture(KIND, shares)) for epoch in (3, 4))
    assert np.array_equal(order, again)
    assert not np.array_equal(order, other)


def test_a_small_corpus_is_cropped_anew_each_time(toy: ModuleType, pack: Pack) -> None:
    cfg = toy.settings(patches=5, batch_size=4)
    mixture = Mixture(np.array([0, 0, 0, 1]), (0.5, 0.5))
    found = [crop for batch in batches(pack, ROWS, cfg, 0, mixture=mixture) for crop in content(batch)]
    assert np.bincount([place for place, _ in found]).tolist()[3] == 10
    assert len({pixels for place, pixels in found if place == 3}) > 5
    resumed = [crop for batch in batches(pack, ROWS, cfg, 0, 2, mixture=mixture) for crop in content(batch)]
    assert resumed == found[8:]


def batches_beside(toy: ModuleType, pack: Pack, first: int = 0, **changes: Any) -> list[Batch]:
    cfg = toy.settings(**{"patches": 5} | changes)
    return list(batches(pack, ROWS, cfg, 2, first, beside=toy.draw_beside(3)))


@pytest.mark.parametrize(("batch_size", "first"), [(4, 0), (7, 2), (3, 6)])
def test_crops_beside_a_batch_follow_from_its_step_and_change_nothing_else(
    toy: ModuleType, pack: Pack, batch_size: int, first: int
) -> None:
    found = batches_beside(toy, pack, first, batch_size=batch_size)
    alone = list(batches(pack, ROWS, toy.settings(patches=5, batch_size=batch_size), 2, first))
    for step, (batch, own) in enumerate(zip(found, alone, strict=True), start=first):
        count = len(own.samples)
        assert content(batch)[:count] == content(own)
        rows, draws = toy.draw_beside(3).draw(toy.settings().seed, 2, step)
        assert batch.samples[count:].tolist() == (len(ROWS) + rows).tolist()
        assert torch.equal(batch.pixels[count:], torch.from_numpy(pack.crops(rows, draws, 8)))
        assert batch.mirrored[count:].tolist() == (draws[:, 2] < 0.5).tolist()


def test_crops_beside_a_batch_are_shared_with_it(toy: ModuleType, pack: Pack) -> None:
    cfg, beside = toy.settings(patches=5, batch_size=6), toy.draw_beside(3)
    whole = batches(pack, ROWS, cfg, 1, beside=beside)
    parts = [batches(pack, ROWS, cfg, 1, beside=beside, processes=Processes(rank, 2)) for rank in range(2)]
    for batch, *shared in zip(whole, *parts, strict=True):
        assert shared[0].shares == Processes(0, 2).shares(len(batch.samples)) != ()
        assert torch.equal(torch.cat([part.pixels for part in shared]), batch.pixels)
