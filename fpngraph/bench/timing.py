"""Times of calls that take turns, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from random import Random
from statistics import median, quantiles
from typing import NamedTuple, TypeVar

import torch

Call = Callable[[], object]
K = TypeVar("K")
_WARM_UPS = 3


class Times(NamedTuple):
    """Milliseconds of a call: the middle, the quartiles and the least of all rounds."""

    median: float
    low: float
    high: float
    least: float


def interleaved(calls: Mapping[K, Call], *, rounds: int, device: torch.device) -> Iterator[dict[K, float]]:
    """For each of ``rounds`` the milliseconds of every call; some rounds before do not count.

    The order is drawn anew for each round: what runs before a call decides what it finds in the caches.
    """
    order = Random(0)
    for turn in range(_WARM_UPS + rounds):
        times = {name: _milliseconds(calls[name], device) for name in order.sample(list(calls), len(calls))}
        if turn >= _WARM_UPS:
            yield times


def _milliseconds(call: Call, device: torch.device) -> float:
    if device.type == "cuda":
        events = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]  # torch has no hints for it
        start, end = events
        torch.cuda.synchronize(device)
        start.record()
        call()
        end.record()
        torch.cuda.synchronize(device)
        return float(start.elapsed_time(end))
    begin = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begin)


def summary(times: list[float]) -> Times:
    """What is shown of the times of one call, at least two."""
    low, _, high = quantiles(times, n=4, method="inclusive")  # the other one goes beyond what was measured
    return Times(median(times), low, high, min(times))
