"""A score does not depend on the images beside it, on their order or on the number of threads."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from mosforge import Score, Scorer
from mosforge.core.errors import MosforgeError
from mosforge.core.images import read_rgb

Model = Callable[..., Path]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Images of different sizes, some smaller than a crop."""
    folder = tmp_path_factory.mktemp("images")
    shapes = [(90, 130), (64, 64), (50, 200), (128, 66), (75, 75), (40, 30), (160, 100)]
    for i, (height, width) in enumerate(shapes):
        pixels = (data.astronaut(), data.coffee(), data.chelsea())[i % 3]
        Image.fromarray(pixels[20 : 20 + height, 30 : 30 + width]).save(folder / f"{i}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def outside() -> object:
    """Leaves torch's number of threads as it was."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["score", "multitask"])
def test_scores_are_the_same_to_the_last_bit(
    model: Model, images: list[Path], head: str, outside: None
) -> None:
    folder = model(head)
    one = Scorer(folder, crops=8, device="cpu", threads=1)
    expected = {path: one.score(path) for path in images}  # 8 crops: a full batch and a part of one
    assert len({score.quality for score in expected.values()}) == len(images)
    for threads, outer in ((2, 1), (5, 2)):
        torch.set_num_threads(outer)
        scorer = Scorer(folder, crops=8, device="cpu", threads=threads)
        assert torch.get_num_threads() == outer
        orders = [images, images[::-1], [images[3]] * 3 + images[2:4]]
        for order in orders:
            assert list(scorer.score_many(order)) == [expected[path] for path in order]
        assert scorer.score(images[2]) == expected[images[2]]


def test_threads_of_others_keep_their_number(model: Model, images: list[Path], outside: None) -> None:
    torch.set_num_threads(3)
    scorer = Scorer(model(), crops=2, device="cpu", threads=2)
    list(scorer.score_many(images))
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [*found, torch.get_num_threads()] == [3, 3]


def test_paths_images_and_arrays_in_one_call(model: Model, images: list[Path]) -> None:
    scorer = Scorer(model(), crops=3, device="cpu", threads=2)
    path = images[0]
    image = Image.open(path)
    mixed = [path, str(path), image, image, read_rgb(path), image]
    assert set(map(str, scorer.score_many(mixed))) == {str(scorer.score(path))}


def test_a_buffer_that_is_filled_again_is_scored_as_it_was(model: Model, images: list[Path]) -> None:
    scorer = Scorer(model(), crops=3, device="cpu", threads=2)
    frames = [read_rgb(images[0]), 255 - read_rgb(images[0])] * 3
    buffer = np.empty_like(frames[0])

    def filled() -> object:
        for frame in frames:
            buffer[:] = frame
            yield buffer

    assert list(scorer.score_many(filled())) == [scorer.score(frame) for frame in frames]


def test_images_are_taken_as_they_are_needed(model: Model, images: list[Path]) -> None:
    """An endless stream can be scored, and left."""
    scorer = Scorer(model(), crops=2, device="cpu", threads=2)
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield images[0]

    scores = scorer.score_many(endless())
    assert isinstance(next(scores), Score)
    assert isinstance(next(scores), Score)
    scores.close()
    assert taken < 8
    assert isinstance(scorer.score(images[0]), Score)


def test_the_whole_image_in_one_pass(model: Model, images: list[Path]) -> None:
    folder = model()
    scorer = Scorer(folder, crops=0, device="cpu", threads=2)
    single = Scorer(folder, crops=0, device="cpu", threads=1)
    scores = list(scorer.score_many(images))
    assert scores == [single.score(path) for path in images]
    assert all(isinstance(score, Score) and score.spread == 0 for score in scores)
    square = images[1]  # as large as a crop: one pass over it is its one crop
    assert scores[1] == Scorer(folder, crops=5, device="cpu").score(square)
    assert scores[0] != Scorer(folder, crops=5, device="cpu").score(images[0])


def test_an_image_too_large_for_one_pass_is_reported(
    model: Model, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mosforge.scoring.scorer.LARGEST_WHOLE", 10_000)
    scorer = Scorer(model(), crops=0, device="cpu")
    large, small = scorer.score_many(images[:2])
    assert str(large).startswith(f"{images[0]}: more than 10,000 pixels")
    assert isinstance(small, Score)


def test_no_thread_is_no_way_to_score(model: Model) -> None:
    with pytest.raises(MosforgeError, match="threads: 0 is not a whole number from 1"):
        Scorer(model(), threads=0)


def test_the_scores_of_the_crops(model: Model, images: list[Path]) -> None:
    scorer = Scorer(model(), crops=14, device="cpu")
    crops = scorer.crop_scores(images[0])
    assert crops.score == scorer.score(images[0])
    assert crops.boxes.shape == (14, 3)
    assert crops.score.spread == crops.qualities.std()
    with pytest.raises(MosforgeError, match="crops: 0 is the whole image"):
        Scorer(model(), crops=0, device="cpu").crop_scores(images[0])
