"""How long diagrams take to draw, and how large they are: `python tools/bench_render.py [ROUNDS]`.

Seconds of processor time, the median of some rounds, against the aims; the exit status is 1 if one is missed.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import fpngraph
from fpngraph import Graph
from fpngraph.drawing import draw
from fpngraph.drawing.formats.svg import write

CELL_BYTES = 60_000


@dataclass(frozen=True)
class Case:
    """A graph, whether its runs are drawn out, and what its diagram may take."""

    name: str
    graph: Callable[[], Graph]
    seconds: float
    expand: bool | None = None
    largest: int | None = None
    """Bytes."""


def tangle(nodes: int, *, seed: int) -> Graph:
    """A random graph over six levels, most of whose edges come from one of the eight nodes before."""
    chance = random.Random(seed)
    inputs = {f"in_{level}_": level for level in range(2, 8)}
    known = list(inputs)
    described: dict[str, object] = {}
    for place in range(nodes):
        recent = known[-8:] if chance.random() < 0.8 else known
        sources = [chance.choice(recent) for _ in range(chance.randint(1, 4))]
        described[f"node_{place}_"] = {"level": chance.choice(range(2, 8)), "inputs": sources}
        known.append(f"node_{place}_")
    outputs = {f"out_{place}_": name for place, name in enumerate(known[len(inputs) :])}
    return fpngraph.loads(
        {
            "fpngraph": 1,
            "name": f"{nodes} nodes",
            "inputs": inputs,
            "defaults": {"channels": 8},
            "nodes": described,
            "outputs": dict(list(outputs.items())[-12:]),
        }
    )


def cases() -> list[Case]:
    return [
        Case("bifpn, one cell", lambda: fpngraph.load("bifpn", repeats=1), 0.3, largest=CELL_BYTES),
        Case("pan_effdet, one cell", lambda: fpngraph.load("pan_effdet", repeats=1), 0.3, largest=CELL_BYTES),
        Case("fpn", lambda: fpngraph.load("fpn"), 0.3, largest=CELL_BYTES),
        Case("panet", lambda: fpngraph.load("panet"), 0.3, largest=CELL_BYTES),
        Case("bifpn, 8 cells drawn out", lambda: fpngraph.load("bifpn", repeats=8), 1.0, expand=True),
        Case("qufpn, one cell", lambda: fpngraph.load("qufpn", repeats=1), 1.5, largest=CELL_BYTES),
        Case("qufpn, 3 cells", lambda: fpngraph.load("qufpn"), 3.0),
        Case("random, 300 nodes", lambda: tangle(300, seed=1), 10.0),
    ]


def measure(case: Case, rounds: int) -> bool:
    """Print a line about a case; whether it keeps its aims."""
    graph = case.graph()
    times = []
    size = 0
    for _ in range(rounds):
        began = process_time()
        size = len(write(draw(graph, expand=case.expand)).encode())
        times.append(process_time() - began)
    took = statistics.median(times)
    kept = took <= case.seconds and size <= (case.largest or size)
    verdict = "" if kept else "  MISSED"
    print(f"{case.name:26} {took:7.3f} s of {case.seconds:4.1f}  {size / 1000:7.1f} kB{verdict}")
    return kept


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    kept = [measure(case, rounds) for case in cases()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
