"""effdet, imported before the tests that compare with it, and the same numbers whatever ran before a test."""

from __future__ import annotations

import warnings

import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
    import effdet  # noqa: F401  # for its warnings only


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
