"""Threads in which torch computes with one thread."""

import threading

import torch

from mosforge.models.threads import start_threads


def test_torch_has_one_thread_in_each_and_its_own_number_outside() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        together = threading.Barrier(2, timeout=60)

        def count(_: int) -> int:
            together.wait()  # so both threads of the pool count
            return torch.get_num_threads()

        with start_threads(2) as pool:
            assert list(pool.map(count, range(2))) == [1, 1]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
