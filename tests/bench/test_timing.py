"""Calls take turns, and what is shown of their times is what statistics call it."""

from __future__ import annotations

import torch

from fpngraph.bench.timing import Times, interleaved, summary

CPU = torch.device("cpu")


def test_calls_take_turns_and_the_first_rounds_do_not_count() -> None:
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in ("a", "b")}

    rounds = list(interleaved(calls, rounds=2, device=CPU))

    turns = [order[start : start + 2] for start in range(0, len(order), 2)]
    assert len(turns) == 5
    assert {tuple(turn) for turn in turns} == {("a", "b"), ("b", "a")}
    assert [set(times) for times in rounds] == [{"a", "b"}] * 2


def test_a_call_is_as_long_as_it_takes() -> None:
    waits = {"short": lambda: None, "long": lambda: torch.randn(400, 400) @ torch.randn(400, 400)}

    times = list(interleaved(waits, rounds=3, device=CPU))

    assert min(it["long"] for it in times) > min(it["short"] for it in times) >= 0


def test_the_summary_has_the_middle_the_quartiles_and_the_least() -> None:
    assert summary([5.0, 1.0, 2.0, 4.0, 3.0]) == Times(median=3.0, low=2.0, high=4.0, least=1.0)


def test_no_quartile_lies_beyond_what_was_measured() -> None:
    assert summary([0.5, 4.5]) == Times(median=2.5, low=1.5, high=3.5, least=0.5)
