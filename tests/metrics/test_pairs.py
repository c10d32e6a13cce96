"""`mosforge.metrics.score`, for other programs: its name, what it refuses, and what it promises."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from oracle import noisy, scene

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.core.schemas.metrics import METRICS
from mosforge.metrics import score
from mosforge.metrics.engines import Scores
from mosforge.metrics.pairs import preparation, score_arrays

NAMES_IN_ANY_ORDER = {
    "the function": "from mosforge.metrics import score",
    "the submodule first": "import mosforge.metrics.score; from mosforge.metrics import score",
    "the submodule after it": (
        "from mosforge.metrics import score; import mosforge.metrics.score; score = mosforge.metrics.score"
    ),
    "the job": "from mosforge.metrics.score import score as job; from mosforge.metrics import score",
    "a sibling": "import mosforge.metrics.settings; score = mosforge.metrics.score",
    "by name": (
        "import importlib; importlib.import_module('mosforge.metrics.score'); "
        "score = importlib.import_module('mosforge.metrics').score"
    ),
}


@pytest.mark.parametrize("imports", NAMES_IN_ANY_ORDER.values(), ids=NAMES_IN_ANY_ORDER)
def test_score_is_the_function_whatever_is_imported_first(imports: str) -> None:
    check = f"""
{imports}
import inspect, sys
print(list(inspect.signature(score).parameters)[:2])
print([m for m in ('torch', 'piq', 'numba', 'cv2', 'pandas', 'numpy') if m in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout == "['reference', 'distorted']\n[]\n"


@pytest.mark.parametrize("engine", ["fused", "piq"])
def test_threads_and_neighbours_change_nothing(engine: str) -> None:
    reference = scene(161, 175)
    distorted = [noisy(reference, 8 * i, seed=i) for i in range(5)]
    single = np.concatenate([score(reference, [one], engine, threads=1) for one in distorted])
    together = score(reference, iter(distorted), engine, threads=3)
    assert together.dtype == np.float64
    np.testing.assert_array_equal(single, together)


def test_sizes_may_change_from_call_to_call() -> None:
    scores = []
    for _ in range(2):
        for size in ((161, 175), (175, 161), (200, 161)):
            reference = scene(*size)
            scores.append(score(reference, [noisy(reference, 20)], threads=2)[0])
    np.testing.assert_array_equal(scores[:3], scores[3:])


def test_views_are_scored_as_their_copies() -> None:
    wide = scene(170, 400)
    view = wide[:, ::2]
    changed = noisy(wide, 20)[:, ::2]
    np.testing.assert_array_equal(score(view, [changed]), score(view.copy(), [changed.copy()]))


@pytest.mark.parametrize("engine", ["fused", "piq"])
def test_nothing_to_score(engine: str) -> None:
    assert score(scene(161, 161), [], engine).shape == (0, 6)


def test_several_images_may_be_one_array() -> None:
    reference = scene(161, 170)
    distorted = [noisy(reference, 10), noisy(reference, 30)]
    np.testing.assert_array_equal(score(reference, np.stack(distorted)), score(reference, distorted))


@pytest.mark.parametrize("engine", ["fused", "piq"])
@pytest.mark.parametrize("threads", [1, 3])
def test_an_iterable_may_fill_one_array_again_and_again(engine: str, threads: int) -> None:
    """Even that of the reference image."""
    reference = scene(161, 170)
    distorted = [noisy(reference, 10 * i, seed=i) for i in range(1, 7)]
    expected = score(reference, distorted, engine, threads=1)
    array = reference.copy()

    def frames() -> Iterator[Pixels]:
        for one in distorted:
            array[:] = one
            yield array
        array[:] = 0

    np.testing.assert_array_equal(score(array, frames(), engine, threads), expected)


@pytest.mark.parametrize("engine", ["fused", "piq"])
@pytest.mark.parametrize("content", ["a scene", "noise", "one colour"])
@pytest.mark.parametrize("size", [(161, 163), (165, 180)])
def test_an_image_that_equals_its_reference_image_has_exact_scores(
    engine: str, content: str, size: tuple[int, int]
) -> None:
    reference = scene(*size)
    if content == "noise":
        reference = np.random.default_rng(0).integers(0, 256, reference.shape).astype(np.uint8)
    elif content == "one colour":
        reference[:] = 137
    scores = score(reference, [reference, reference.copy()], engine, device="cpu")
    np.testing.assert_array_equal(scores, [[1, 1, 0, 1, 1, 0]] * 2)


@pytest.mark.parametrize("engine", ["fused", "piq"])
def test_no_similarity_exceeds_1(engine: str) -> None:
    reference = scene(161, 180)
    almost = reference.copy()
    almost[50, 60, 1] ^= 1
    scores = dict(zip(METRICS, score(reference, [almost], engine, device="cpu")[0], strict=True))
    assert all(0.999 < scores[name] <= 1 for name in ("ssim", "ms_ssim", "vsi", "fsim"))
    assert all(0 < scores[name] < 0.02 for name in ("mdsi", "gmsd"))


IMAGE = scene(170, 180)
NO_IMAGES = {
    "floats in 0..1": (IMAGE / 255, r"float64.*\(170, 180, 3\)"),
    "floats": (IMAGE.astype(np.float32), "float32"),
    "int64": (IMAGE.astype(np.int64), "int64"),
    "uint16": (IMAGE.astype(np.uint16) * 257, "uint16"),
    "booleans": (IMAGE > 127, "bool"),
    "grey": (IMAGE[..., 0], r"\(170, 180\)"),
    "grey with an axis": (IMAGE[..., :1], r"\(170, 180, 1\)"),
    "alpha": (np.dstack([IMAGE, IMAGE[..., 0]]), r"\(170, 180, 4\)"),
    "channels first": (IMAGE.transpose(2, 0, 1), r"\(3, 170, 180\)"),
    "a batch": (IMAGE[None], r"\(1, 170, 180, 3\)"),
    "nothing": (IMAGE[:0], r"\(0, 180, 3\)"),
    "a list": (IMAGE.tolist(), "a list"),
    "a path": ("image.png", "a str"),
}


@pytest.mark.parametrize(("given", "fact"), NO_IMAGES.values(), ids=NO_IMAGES)
def test_what_is_not_uint8_rgb_is_refused(given: Any, fact: str) -> None:
    wanted = r".*uint8.*\(height, width, 3\)"
    with pytest.raises(MosforgeError, match=f"the reference image: .*{fact}{wanted}"):
        score(given, [IMAGE])
    with pytest.raises(MosforgeError, match=f"distorted image 1: .*{fact}{wanted}"):
        score(IMAGE, [IMAGE, given])


@pytest.mark.parametrize(
    ("given", "fact"),
    [(IMAGE, r"\(170, 180, 3\)"), (IMAGE[..., 0], r"\(170, 180\)"), (None, "NoneType"), (7, "int")],
)
def test_what_is_no_iterable_of_images_is_refused(given: Any, fact: str) -> None:
    with pytest.raises(MosforgeError, match=rf"distorted: .*{fact}.*\[image\]"):
        score(IMAGE, given)


def test_refusals() -> None:
    with pytest.raises(MosforgeError, match="170x160 pixels; the metrics need at least 161"):
        score(IMAGE[:160, :170], [IMAGE[:160, :170]])
    with pytest.raises(MosforgeError, match=r"distorted image 1: 165x170 pixels.*180x170"):
        score(IMAGE, [IMAGE, IMAGE[:, :165]])
    with pytest.raises(MosforgeError, match="'fast' is not an engine; choose one of fused, piq"):
        score(IMAGE, [IMAGE], engine="fast")
    for scale in (0, 9, 2.0, True, "half"):
        with pytest.raises(MosforgeError, match=rf"metrics\.scale: {scale!r} is not .* from 1 to 8"):
            score(IMAGE, [IMAGE], scale=scale)
    with pytest.raises(MosforgeError, match="--device cuda: the engine fused is for the CPU"):
        score(IMAGE, [IMAGE], device="cuda")
    for threads in (0, -1, 1.5, "2", True):
        with pytest.raises(MosforgeError, match=f"threads: {threads!r} is not a whole number from 1"):
            score(IMAGE, [IMAGE], threads=threads)


def test_whole_numbers_of_numpys_are_numbers() -> None:
    distorted = [noisy(IMAGE, 20)]
    found = score(IMAGE, distorted, threads=np.int64(1), scale=np.int64(2))
    np.testing.assert_array_equal(found, score(IMAGE, distorted, scale=2))


class Meeting:
    """An engine whose preparation ends only when the scoring of an image has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def batch(self, shape: tuple[int, ...]) -> int:
        return 1

    def prepare(self, reference: Pixels) -> bool:
        return self.begun.wait(timeout=60)

    def score(self, prepared: Callable[[], bool], images: Any) -> Scores:
        self.begun.set()
        return np.full((1, 6), float(prepared()))


def test_images_do_not_wait_for_the_reference_to_begin() -> None:
    first, second = scene(163, 171), scene(163, 171)[::-1]
    np.testing.assert_array_equal(score_arrays(Meeting(), first, [second], threads=2), np.ones((1, 6)))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failed_preparation_reaches_those_who_wait(threads: int) -> None:
    class Failing(Meeting):
        def prepare(self, reference: Pixels) -> bool:
            raise MemoryError("no room")

    first, second = scene(163, 171), scene(163, 171)[::-1]
    with pytest.raises(MemoryError, match="no room"):
        score_arrays(Failing(), first, [second, second], threads)


def test_who_waits_for_a_preparation_gets_the_result_or_the_error() -> None:
    prepare, prepared = preparation(lambda: 5)
    assert len(prepare()) == 0
    assert prepared() == 5
    prepare, prepared = preparation(lambda: 1 // 0)
    assert len(prepare()) == 0
    with pytest.raises(ZeroDivisionError):
        prepared()
