"""What the benchmarks beside this file print: a line for each form, measured in turns on the processor."""

from __future__ import annotations

import torch

from fpngraph.bench.floor import Floor
from fpngraph.bench.forms import Form
from fpngraph.bench.timing import interleaved, summary


def report(what: str, forms: list[Form], rounds: int, floor: Floor) -> None:
    """Measure the forms and their floor in turns, and print a line for each; ratios are to the first."""
    calls = {"floor": floor.call} | {form.name: form.call for form in forms if form.call}
    found = list(interleaved(calls, rounds=rounds, device=torch.device("cpu")))
    times = {name: summary([turn[name] for turn in found]) for name in calls}
    base = times[forms[0].name]
    width = max(len(form.name) for form in forms)
    print(f"{what}; floor {times['floor'].median:.1f} ms for {floor.macs / 1e9:.3f} G multiply-accumulates")
    for form in forms:
        if form.name not in times:
            print(f"  {form.name:{width}} was not run: {form.reason}")
            continue
        mine = times[form.name]
        line = (
            f"  {form.name:{width}} {mine.median:7.1f} ms ({mine.low:.1f} to {mine.high:.1f}),"
            f" ratio {mine.median / base.median:.2f} (of the least {mine.least / base.least:.2f}),"
            f" {mine.median / times['floor'].median:.1f} of the floor"
        )
        if form.operators is not None:
            line += f", operators {form.operators}"
        if form.peak_bytes is not None:
            line += f", peak memory {form.peak_bytes / (forms[0].peak_bytes or 1):.2f}"
        print(line)
