"""One thread for every comparison: the maps are small, and sums have one order."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
    import effdet  # noqa: F401  # for the tests that come after


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
