"""Packs: their crops against a naive implementation, and packs that are damaged."""

import hashlib
import re
import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.core.packs import Pack, locate, write_pack
from mosforge.core.schemas.packs import PACK
from mosforge.core.tables import read_table, write_table

SHAPES = ((5, 7), (9, 4), (1, 1), (6, 6))


def some_images(count: int = 4, seed: int = 0) -> list[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [
        (f"p{seed}/{i}", rng.integers(0, 256, (*SHAPES[i % 4], 3)).astype(np.uint8)) for i in range(count)
    ]


def packed(folder: Path, items: list[tuple[str, np.ndarray]], name: str = "pack") -> pd.DataFrame:
    write_pack(folder / f"{name}.parquet", folder / f"{name}.pixels", iter(items), stage="test", cfg={"a": 1})
    return read_table(folder / f"{name}.parquet", PACK)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return Pack(packed(tmp_path_factory.mktemp("pack"), some_images()))


def test_the_images_come_back_in_order(tmp_path: Path) -> None:
    items = some_images()
    index = packed(tmp_path, items)
    pack = Pack(index)
    assert len(pack) == 4
    assert index["path"].tolist() == [path for path, _ in items]
    for got, (_, given_) in zip(pack.images(), items, strict=True):
        np.testing.assert_array_equal(got, given_)
    assert index["sha256"].tolist() == [hashlib.sha256(pixels.tobytes()).hexdigest() for _, pixels in items]
    raw = b"".join(pixels.tobytes() for _, pixels in items)
    assert (tmp_path / "pack.pixels").read_bytes() == raw


def test_a_view_that_is_not_contiguous_is_packed_as_it_looks(tmp_path: Path) -> None:
    pixels = some_images()[0][1][:, ::-1].transpose(1, 0, 2)
    np.testing.assert_array_equal(Pack(packed(tmp_path, [("x", pixels)])).image(0), pixels)


def test_the_pixels_cannot_be_changed_by_accident(pack: Pack) -> None:
    with pytest.raises(ValueError, match="read-only"):
        pack.image(0)[0, 0, 0] = 1


def test_several_packs_are_one_in_any_order_of_rows(tmp_path: Path) -> None:
    items = some_images(3, seed=1) + some_images(4, seed=2)
    index = pd.concat([packed(tmp_path, items[:3], "one"), packed(tmp_path, items[3:], "two")])
    order = [5, 0, 6, 2, 1, 4, 3]
    pack = Pack(index.iloc[order])
    for got, i in zip(pack.images(), order, strict=True):
        np.testing.assert_array_equal(got, items[i][1])


def test_a_corpus_may_have_more_packs_than_a_process_may_open(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    index = pd.concat([packed(tmp_path, some_images(1, seed), str(seed)) for seed in range(150)])
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        total = sum(int(pixels.sum()) for pixels in Pack(index).images())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert total == sum(int(some_images(1, seed)[0][1].sum()) for seed in range(150))


def naive_crop(pixels: np.ndarray, draw: tuple[float, float], size: int) -> np.ndarray:
    """Written from the docstring: mirrored below and right, then cut, sample by sample."""

    def at(position: int, length: int) -> int:
        position %= 2 * length
        return position if position < length else 2 * length - 1 - position

    height, width = (max(side, size) for side in pixels.shape[:2])
    top, left = int(draw[0] * (height - size + 1)), int(draw[1] * (width - size + 1))
    crop = np.zeros((size, size, 3), np.uint8)
    for row in range(size):
        for column in range(size):
            crop[row, column] = pixels[at(top + row, pixels.shape[0]), at(left + column, pixels.shape[1])]
    return crop


_EDGES = st.sampled_from(
    [0.0, 0.25, 0.49999997, 0.5, 0.75, float(np.nextafter(np.float32(1), np.float32(0)))]
)
_DRAW = st.one_of(_EDGES, st.floats(0, 1, exclude_max=True, width=32))


@settings(deadline=None)
@given(draws=st.lists(st.tuples(_DRAW, _DRAW), min_size=1, max_size=4), size=st.integers(1, 8))
def test_crops_are_those_of_a_naive_implementation(
    pack: Pack, draws: list[tuple[float, float]], size: int
) -> None:
    rows = np.arange(len(draws))[::-1]
    crops = pack.crops(rows, np.array(draws, np.float32), size)
    assert crops.shape == (len(draws), size, size, 3)
    for crop, row, draw in zip(crops, rows, draws, strict=True):
        np.testing.assert_array_equal(crop, naive_crop(some_images()[row][1], draw, size))


def test_the_first_and_the_last_place_are_both_reached(pack: Pack) -> None:
    last = np.nextafter(np.float32(1), np.float32(0))
    first_crop, last_crop = pack.crops(np.array([0, 0]), np.array([[0, 0], [last, last]], np.float32), 3)
    np.testing.assert_array_equal(first_crop, some_images()[0][1][:3, :3])
    np.testing.assert_array_equal(last_crop, some_images()[0][1][-3:, -3:])


@pytest.mark.parametrize("side", [256, 4096, 10_000, 65_536])
def test_the_largest_draw_cuts_at_the_edge_of_a_wide_image(tmp_path: Path, side: int) -> None:
    """It is just under 1: rounded up, its product with the number of places would be a place too far."""
    last = np.nextafter(np.float32(1), np.float32(0))
    widths = range(side - 3, side + 4)
    wide = [np.random.default_rng(width).integers(0, 256, (2, width, 3)).astype(np.uint8) for width in widths]
    pack = Pack(packed(tmp_path, [(f"{pixels.shape[1]}", pixels) for pixels in wide]))
    crops = pack.crops(np.arange(len(wide)), np.full((len(wide), 2), last, np.float32), 2)
    for crop, pixels in zip(crops, wide, strict=True):
        np.testing.assert_array_equal(crop, pixels[:, -2:])


def test_an_empty_pack_is_empty(tmp_path: Path) -> None:
    index = packed(tmp_path, [])
    assert len(Pack(index)) == 0
    assert list(Pack(index).images()) == []


def test_missing_pixels_are_named(tmp_path: Path) -> None:
    index = packed(tmp_path, some_images())
    (tmp_path / "pack.pixels").unlink()
    with pytest.raises(MosforgeError, match=r"pack\.pixels: .* missing; delete .*pack\.parquet"):
        Pack(index)


@pytest.mark.parametrize("length", [0, 1, -1])
def test_truncated_pixels_are_named(tmp_path: Path, length: int) -> None:
    index = packed(tmp_path, some_images())
    content = (tmp_path / "pack.pixels").read_bytes()
    (tmp_path / "pack.pixels").write_bytes(content[:length])
    with pytest.raises(MosforgeError, match=r"pack\.pixels: .* truncated; delete .*pack\.parquet"):
        Pack(index)


def spoil(file: Path, byte: int) -> None:
    content = bytearray(file.read_bytes())
    content[byte] ^= 1
    file.write_bytes(content)


def test_one_changed_bit_is_found_and_its_image_named(tmp_path: Path) -> None:
    index = packed(tmp_path, some_images())
    Pack(index).check_some()
    spoil(tmp_path / "pack.pixels", 5 * 7 * 3)  # the first byte of the second image
    pack = Pack(index)
    pack.check([0, 2, 3])
    for check in (lambda: pack.check([1]), pack.check_some):
        with pytest.raises(MosforgeError, match=r"pack\.pixels: damaged, .* p0/1 "):
            check()


def test_a_few_images_of_many_are_checked(tmp_path: Path) -> None:
    """They are evenly spaced from the first to the last, so that no region is left out."""
    pack = Pack(packed(tmp_path, some_images(100)))
    seen: list[int] = []
    pack.check = seen.extend  # type: ignore[method-assign, assignment]
    pack.check_some(10)
    assert seen == list(range(0, 100, 11))
    Pack(packed(tmp_path, [])).check_some()


@pytest.mark.parametrize("stage", ["pretraining", "finetuning"])
def test_verify_reads_all_and_names_each_bad_file(
    tmp_path: Path, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    index = pd.concat([packed(tmp_path, some_images(3, seed), f"n{seed}") for seed in range(5)])
    write_table(tmp_path / "all.parquet", PACK, index, stage="test", cfg={})
    words = [stage, "verify", str(tmp_path / "all.parquet"), "--threads", "2"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "5 of 5 files" in printed
    assert "(15 " in printed
    spoil(tmp_path / "n1.pixels", 40)
    (tmp_path / "n2.pixels").write_bytes(b"x")
    (tmp_path / "n4.pixels").unlink()
    assert main(words) == 1
    lines = capsys.readouterr().out.splitlines()
    told = ("n1.pixels: damaged", "n2.pixels: the pack is trunc", "n4.pixels: the", "2 of 5 files")
    assert all(part in line for line, part in zip(lines, told, strict=True))


def resident(pack: Pack) -> float:
    """The most file pages in memory, in MiB, while crops are cut from all images of a pack."""
    most = 0
    for i in range(0, len(pack), 8):
        rows = np.arange(i, min(i + 8, len(pack)))
        draws = np.zeros((len(rows), 2), np.float32)
        pack.fetch(rows, draws, 256)
        pack.crops(rows, draws, 256)
        status = Path("/proc/self/status").read_text()
        most = max(most, int(re.findall(r"RssFile:\s+(\d+) kB", status)[0]))
    return most / 1024


def test_a_process_does_not_grow_with_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    index = pd.concat(
        [packed(tmp_path, [(f"{part}/{i}", pixels + i) for i in range(64)], f"{part}") for part in range(4)]
    )
    before = resident(Pack(index[:1]))
    grown = resident(Pack(index)) - before
    monkeypatch.setattr(Pack, "HELD_BYTES", 6 * 2**20)
    bounded = resident(Pack(index)) - before
    assert grown > 40  # MiB, of 48
    assert bounded < 16
    last = Pack(index).crops(np.array([255]), np.zeros((1, 2), np.float32), 256)
    np.testing.assert_array_equal(last[0], pixels + 63)


def test_an_image_that_cannot_be_read_leaves_no_pack(tmp_path: Path) -> None:
    def items():
        yield some_images()[0]
        raise MosforgeError("bad image")

    with pytest.raises(MosforgeError, match="bad image"):
        write_pack(tmp_path / "x.parquet", tmp_path / "x.pixels", items(), stage="test", cfg={})
    assert list(tmp_path.iterdir()) == []


def test_rows_find_their_images_and_a_lost_one_is_named(tmp_path: Path) -> None:
    index = packed(tmp_path, some_images())
    rows = pd.DataFrame({"path": ["p0/2", "p0/0"], "mos": [1.0, 2.0]})
    located = locate(rows, index)
    assert located["mos"].tolist() == [1.0, 2.0]
    np.testing.assert_array_equal(Pack(located).image(1), some_images()[0][1])
    with pytest.raises(MosforgeError, match="p0/2: not in the pack"):
        locate(rows, index[index["path"] != "p0/2"])
