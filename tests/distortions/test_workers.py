"""Several processes: the order of their results, their errors, and what happens when one is killed."""

import math
import os
from pathlib import Path

import pytest

from mosforge.core.errors import MosforgeError
from mosforge.core.images import read_rgb
from mosforge.distortions.workers import mapped


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_tasks(processes: int) -> None:
    with mapped(math.sqrt, range(20), processes, "math") as results:
        assert list(results) == [math.sqrt(number) for number in range(20)]


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_keeps_its_message(processes: int, tmp_path: Path) -> None:
    paths = [tmp_path / "nowhere.png", tmp_path / "neither.png"]
    with (
        pytest.raises(MosforgeError, match=r"nowhere\.png: no such file"),
        mapped(read_rgb, paths, processes, "mosforge.core.images") as results,
    ):
        list(results)


def test_a_process_that_is_killed_is_an_error() -> None:
    with (
        pytest.raises(MosforgeError, match="a worker process was killed"),
        mapped(os._exit, [1, 1, 1], 2, "os") as results,
    ):
        list(results)
