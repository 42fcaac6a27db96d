"""Processor time to load and build necks: against effdet's, and what the compiler adds to bare modules of many cells.

Example: ``python -m tools.bench_build --cells 100``
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

import torch

import fpngraph
from fpngraph.analysis.shapes import Lowered, lower
from tools.bench_training import IN_CHANNELS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
    from effdet import get_efficientdet_config
    from effdet.efficientdet import BiFpn


def bare_modules(lowered: Lowered) -> list[torch.nn.Module]:
    """The module of every step of every node."""
    return [step.op.build(step.inputs, step.site) for node in lowered.nodes.values() for step in node]


def in_turns(*calls: Callable[[], object], rounds: int) -> list[list[float]]:
    """Seconds of the processor of each call, which take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, found in zip(calls, times, strict=True):
            start = time.process_time()
            call()
            found.append(time.process_time() - start)
    return times


def our_neck(preset: str, *, init: bool) -> torch.nn.Module:
    """The same neck from the name of the graph on."""
    return fpngraph.build(fpngraph.load("bifpn", preset=preset, padding="same"), IN_CHANNELS[preset], init=init)


def effdet_neck(preset: str) -> torch.nn.Module:
    """Effdet's neck from the name of its model on."""
    config = get_efficientdet_config(f"tf_efficientdet_{preset}")
    return BiFpn(config, [{"num_chs": channels} for channels in IN_CHANNELS[preset]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cells", type=int, default=100, help="runs of the BiFPN stage (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="builds of each kind (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    for preset in IN_CHANNELS:
        ours = (partial(our_neck, preset, init=init) for init in (True, False))
        whole, blank, theirs = in_turns(*ours, partial(effdet_neck, preset), rounds=arguments.rounds)
        print(
            f"{preset}: effdet {1000 * median(theirs):.0f} ms; of that, medians (minima):"
            f" load and build {_ratio(whole, theirs)}, without weights {_ratio(blank, theirs)}"
        )

    graph = fpngraph.load("bifpn", repeats=arguments.cells)
    lowered = lower(graph, IN_CHANNELS["d0"])
    built, bare = in_turns(
        lambda: fpngraph.build(graph, IN_CHANNELS["d0"]), lambda: bare_modules(lowered), rounds=arguments.rounds
    )
    print(f"{len(graph.nodes)} nodes: build {median(built):.2f} s ({min(built):.2f} to {max(built):.2f})")
    print(f"bare modules {median(bare):.2f} s ({min(bare):.2f} to {max(bare):.2f})")
    print(f"difference of medians {median(built) - median(bare):.2f} s, of minima {min(built) - min(bare):.2f} s")


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"{median(ours) / median(theirs):.2f} ({min(ours) / min(theirs):.2f})"


if __name__ == "__main__":
    main()
