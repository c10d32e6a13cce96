"""A `Scorer` in processes that are forked or spawned, and pickled."""

import multiprocessing
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.scoring.scorer import Score, Scorer

SLOW = pytest.mark.slow  # such a process imports everything anew

WAIT = 120
"""Seconds after which a process is taken for one that waits for ever."""


def scores(scorer: Scorer, path: str) -> tuple[Score, list[object]]:
    return scorer.score(path), list(scorer.score_many([path, path]))


@pytest.mark.parametrize("way", ["fork", *(pytest.param(way, marks=SLOW) for way in ("spawn", "forkserver"))])
def test_a_scorer_works_in_another_process(model: Callable[..., Path], images: Path, way: str) -> None:
    scorer = Scorer(model(), device="cpu", threads=2)
    path = str(images / "b.jpg")
    expected = scores(scorer, path)
    with multiprocessing.get_context(way).Pool(1) as pool:
        assert pool.apply_async(scores, (scorer, path)).get(WAIT) == expected
    assert scores(scorer, path) == expected


_SCORER: list[Scorer] = []


def scores_of_parents(path: str) -> tuple[Score, list[object]]:
    return scores(_SCORER[0], path)


def test_a_scorer_made_before_a_fork_works_after_it(model: Callable[..., Path], images: Path) -> None:
    scorer = Scorer(model("multitask"), device="cpu", threads=2)
    path = str(images / "b.jpg")
    expected = scores(scorer, path)
    _SCORER[:] = [scorer]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = [pool.apply_async(scores_of_parents, (path,)) for _ in range(3)]
        assert [one.get(WAIT) for one in found] == [expected] * 3


def test_a_pickled_scorer_needs_no_folder(model: Callable[..., Path], images: Path) -> None:
    folder = model("multitask")
    scorer = Scorer(folder, crops=3, device="cpu", threads=1)
    expected = scorer.score(images / "b.jpg")
    pickled = pickle.dumps(scorer)
    shutil.rmtree(folder)
    assert pickle.loads(pickled).score(images / "b.jpg") == expected


def test_a_scorer_on_a_gpu_says_that_it_cannot_outlive_a_fork(
    model: Callable[..., Path], images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    scorer = Scorer(model(), device="cpu")
    monkeypatch.setattr(scorer, "_device", torch.device("cuda"))
    monkeypatch.setattr(scorer, "_process", 0)
    with pytest.raises(MosforgeError, match="CUDA cannot be used in a forked process"):
        scorer.score(images / "b.jpg")
