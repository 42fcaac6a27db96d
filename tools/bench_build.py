"""Time to build a neck of many cells, against making its bare modules and nothing else.

Example: ``python tools/bench_build.py --cells 100``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch

import fpngraph
from fpngraph.shapes import Lowered, lower

IN_CHANNELS = (40, 112, 320)


def bare_modules(lowered: Lowered) -> list[torch.nn.Module]:
    """The module of every step of every node."""
    steps = [
        step
        for node in lowered.nodes.values()
        for step in (*(step for edge in node.edges for step in edge.steps), node.fusion, *node.op)
    ]
    return [step.op.build(step.inputs, step.site) for step in steps]


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cells", type=int, default=100, help="runs of the BiFPN stage (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="builds of each kind (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    graph = fpngraph.load("bifpn", repeats=arguments.cells)
    lowered = lower(graph, IN_CHANNELS)
    built, bare = [], []
    for _ in range(arguments.rounds):
        built.append(seconds(lambda: fpngraph.build(graph, IN_CHANNELS)))
        bare.append(seconds(lambda: bare_modules(lowered)))

    print(f"{len(graph.nodes)} nodes: build {median(built):.2f} s ({min(built):.2f} to {max(built):.2f})")
    print(f"bare modules {median(bare):.2f} s ({min(bare):.2f} to {max(bare):.2f})")
    print(f"difference of medians {median(built) - median(bare):.2f} s, of minima {min(built) - min(bare):.2f} s")


if __name__ == "__main__":
    main()
