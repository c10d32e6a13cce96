"""Batches: which crops an epoch sees, whatever the batch size and wherever it begins."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.core.packs import Pack
from mosforge.training.batches import Batch, batches
from mosforge.training.processes import Processes
from mosforge.training.recipe import Recipe

ROWS = np.array([1, 3, 4, 8])


@pytest.fixture(scope="module")
def pack(toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    pack: Pack = toy.make_pack(tmp_path_factory.mktemp("batches"))[0]
    return pack


def crops(
    toy: ModuleType, pack: Pack, epoch: int = 0, first: int = 0, **changes: Any
) -> list[tuple[int, bytes]]:
    recipe = Recipe(**toy.RECIPE | {"repeats": 5} | changes)
    return [crop for batch in batches(pack, ROWS, recipe, epoch, first) for crop in content(batch)]


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


def test_an_epoch_sees_every_picture_as_often_as_asked(toy: ModuleType, pack: Pack) -> None:
    positions = [position for position, _ in crops(toy, pack)]
    assert np.bincount(positions).tolist() == [5] * len(ROWS)


def test_the_crops_of_a_picture_differ_in_an_epoch_and_between_epochs(toy: ModuleType, pack: Pack) -> None:
    first, second = crops(toy, pack, epoch=0), crops(toy, pack, epoch=1)
    assert [position for position, _ in first] != [position for position, _ in second]
    for position in range(len(ROWS)):
        assert len({crop for at, crop in first if at == position}) > 1
    assert len(set(first) & set(second)) < len(set(first))


def test_the_crops_are_cut_from_the_pictures_that_are_named(toy: ModuleType, pack: Pack) -> None:
    for position, crop in crops(toy, pack, flip=False):
        picture = pack.image(int(ROWS[position]))
        places = [picture[i : i + 8, j : j + 8].tobytes() for i in range(5) for j in range(7)]
        assert crop in places


def test_all_places_and_both_sides_are_seen(toy: ModuleType, pack: Pack) -> None:
    picture = pack.image(int(ROWS[0]))
    places = {
        turned[i : i + 8, j : j + 8].tobytes()
        for turned in (picture, picture[:, ::-1])
        for i in range(5)
        for j in range(7)
    }
    seen = {crop for position, crop in crops(toy, pack, repeats=1000, batch_size=64) if position == 0}
    assert seen == places


def test_the_seed_decides(toy: ModuleType, pack: Pack) -> None:
    assert crops(toy, pack) == crops(toy, pack)
    one, other = set(crops(toy, pack)), set(crops(toy, pack, seed=8))
    assert len(one & other) < len(one) / 2, "the places differ, and not the order alone"


@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_shares_of_the_processes_are_the_batches_of_one(toy: ModuleType, pack: Pack, count: int) -> None:
    recipe = Recipe(**toy.RECIPE | {"repeats": 5, "batch_size": 9})
    whole = list(batches(pack, ROWS, recipe, 1))
    shared = [list(batches(pack, ROWS, recipe, 1, processes=Processes(rank, count))) for rank in range(count)]
    for batch, *parts in zip(whole, *shared, strict=True):
        assert all(part.samples.tolist() == batch.samples.tolist() for part in parts)
        if parts[0].shares:
            assert torch.equal(torch.cat([part.pixels for part in parts]), batch.pixels)
            assert torch.equal(torch.cat([part.mirrored for part in parts]), batch.mirrored)
        else:
            assert all(torch.equal(part.pixels, batch.pixels) for part in parts)


def test_half_of_the_crops_are_mirrored_and_none_without_flips(toy: ModuleType, pack: Pack) -> None:
    recipes = [Recipe(**toy.RECIPE | {"repeats": 500, "flip": flip}) for flip in (True, False)]
    shares = [
        np.concatenate([batch.mirrored for batch in batches(pack, ROWS, recipe, 0)]).mean()
        for recipe in recipes
    ]
    assert shares[0] == pytest.approx(0.5, abs=0.05)
    assert shares[1] == 0
