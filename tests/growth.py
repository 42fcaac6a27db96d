"""How what is done grows with a graph, by counting instructions of Python, which are the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import fpngraph

_PACKAGE = str(Path(fpngraph.__file__).parent)


def instructions(call: Callable[[], object]) -> int:
    """How many instructions of this package's own code ``call`` runs."""
    count = 0

    def entered(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return ran

    def ran(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return ran

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def assert_linear(made: Callable[[int], Callable[[], object]], nodes: int) -> None:
    """That what ``made`` gives for a number of nodes takes as much more from 2 to 4 times ``nodes`` as it should.

    That is twice what it takes more from 1 to 2 times; where it grows with the square, it is four times.
    """
    for times in (1, 2, 4):
        made(times * nodes)()  # what is done once, such as imports and caches, is done
    one, two, four = (instructions(made(times * nodes)) for times in (1, 2, 4))

    assert 0 < four - two < 2.1 * (two - one)


def written_out(nodes: int) -> str:
    """A chain with skips, a line per node: each reads the one before and one much earlier, across the levels."""
    lines = ["  n_0_: {inputs: [P3], level: 3}"]
    lines += [f"  n_{i}_: {{inputs: [n_{i - 1}_, n_{i // 2}_], level: {3 + i % 5}}}" for i in range(1, nodes)]
    return f"{_HEAD}nodes:\n" + "\n".join(lines) + f"\noutputs: {{last: n_{nodes - 1}_}}\n"


_HEAD = "fpngraph: 1\nname: chain\ninputs: P(3..7)\ndefaults: {channels: 8, op: [act, conv, norm]}\n"
