"""The command ``bench``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from fpngraph.analysis.costs import written
from fpngraph.bench.report import FORMS, Peer, Report, measure, measure_all
from fpngraph.bench.subject import Predicting, Setting, Subject, of_detector, of_neck
from fpngraph.cli.devices import device
from fpngraph.cli.graphs import Choice
from fpngraph.cli.values import UsageError, check_pixels
from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck
from fpngraph.efficientdet import create
from fpngraph.efficientdet.peer import effdet_detector, effdet_neck
from fpngraph.graph.graph import Graph
from fpngraph.inference.folding import told
from fpngraph.library import describe
from fpngraph.table import Column, print_items, print_table, print_text

_MIB = 2**20


Shown = Literal["text", "json"]


def bench(graph: Graph, in_channels: tuple[int, ...], setting: Setting, *, against: Choice | None, form: Shown) -> int:
    """How fast the neck of ``graph`` is in each of its forms, and beside effdet's of the graph that is ``against``."""
    neck = build(graph, in_channels).eval().to(setting.device, setting.dtype)
    peer = _peer(neck, against, setting) if against else None
    return _measured(of_neck(neck, setting), setting, peer, form)


def bench_detector(name: str, setting: Setting, *, against: bool, form: Shown) -> int:
    """How fast the whole detector of that name is in each of its forms, without making boxes, and beside effdet's."""
    model = create(name, image_size=setting.image_size).eval()
    peer = Peer("effdet", Predicting(effdet_detector(model, setting.image_size))) if against else None
    for module in (model, *([peer.module] if peer else [])):
        module.to(setting.device, setting.dtype)
    return _measured(of_detector(model, setting), setting, peer, form)


def _measured(subject: Subject, setting: Setting, peer: Peer | None, form: Shown) -> int:
    with _progress() as progress:
        try:
            report = measure(subject, setting, peer=peer, progress=progress)
        except ValueError as error:
            raise UsageError(str(error)) from error
    if form == "json":
        print(json.dumps(report, indent=2))
    else:
        print_report(report)
    return 0


def compare(
    names: Sequence[str],
    graphs: Sequence[Graph],
    in_channels: Sequence[tuple[int, ...]],
    setting: Setting,
    *,
    form: Shown,
) -> int:
    """How fast the necks of several graphs are in each form, all measured in turns; ``names`` are what was typed."""
    subjects = [
        of_neck(build(graph, channels).eval().to(setting.device, setting.dtype), setting)
        for graph, channels in zip(graphs, in_channels, strict=True)
    ]
    with _progress() as progress:
        try:
            reports = measure_all(subjects, setting, peers=[None] * len(subjects), progress=progress)
        except ValueError as error:
            raise UsageError(str(error)) from error
    if form == "json":
        print(json.dumps(reports, indent=2))
    else:
        print_comparison(names, reports)
    return 0


def setting(  # noqa: PLR0913  (one name per thing that can be set)
    *,
    image_size: tuple[int, int] | None,
    batch: int,
    dtype: str,
    place: str,
    rounds: int,
    forms: Sequence[str],
    threads: int | None,
) -> Setting:
    """What is measured, once torch has so many threads. Raises UsageError for forms and devices that there are not."""
    check_pixels(image_size)
    unknown = [form for form in forms if form not in FORMS]
    if unknown:
        raise UsageError(f"there is no form {unknown[0]!r}\n  hint: there are: {', '.join(FORMS)}")
    if threads:
        torch.set_num_threads(threads)
    where, tf32 = device(place), dtype == "tf32"
    if tf32 and where.type != "cuda":
        raise UsageError("--dtype tf32 is a way of GPUs to round float32\n  hint: add --device cuda")
    return Setting(
        image_size=image_size or (512, 512),
        batch=batch,
        dtype=torch.float32 if tf32 else getattr(torch, dtype),
        tf32=tf32,
        device=where,
        rounds=rounds,
        forms=tuple(dict.fromkeys(forms)),
    )


def _peer(neck: Neck, choice: Choice, setting: Setting) -> Peer:
    params = describe(choice.name, preset=choice.preset, folder=choice.folder, **choice.params).params
    module = effdet_neck(choice.name, params, neck, setting.image_size)
    return Peer("effdet", module.to(setting.device, setting.dtype))


@contextmanager
def _progress() -> Any:
    """A bar on a terminal, on standard error; it goes when all is done."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), console=console, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


def print_report(report: Report) -> None:
    """The report as a table, with what it was measured on."""
    sides = "x".join(map(str, report["image_size"]))
    channels = ", ".join(f"{name} {number}" for name, number in report["in_channels"].items())
    print(f"{report['graph']}, {report['batch']} x {sides}, {report['dtype']}; channels {channels}")
    _print_machine(report)
    first = report["forms"][0]["form"]
    numbers = ("ms", "quartiles", f"of {first}", "of floor", "memory MiB", "operators")
    columns = [Column(heading, right=True, keep=-place) for place, heading in enumerate(numbers)]
    print_table([Column("form"), *columns], [_cells(row) for row in report["forms"]])
    for row in report["forms"]:
        if row["reason"]:
            print(f"{row['form']} was not run: {row['reason']}")
    for line in told(report["unfolded"]):
        print(line)
    print(f"{written(report['parameters'])} parameters, {written(report['macs'])} multiply-accumulates (MACs) an image")
    _print_rounds(report)


def print_comparison(names: Sequence[str], reports: Sequence[Report]) -> None:
    """Reports of necks that took turns as one table: times as shares of the first one's first form."""
    first = reports[0]
    sides = "x".join(map(str, first["image_size"]))
    print(f"{first['batch']} x {sides}, {first['dtype']}")
    _print_machine(first)
    base = first["forms"][0]
    numbers = ("ms", "quartiles", "of the first", "of floor", "memory MiB", "operators", "parameters", "MACs")
    columns = [Column(heading, right=True, keep=len(numbers) - place) for place, heading in enumerate(numbers)]
    rows = [
        (name, *_cells(_beside(row, base)), written(report["parameters"]), written(report["macs"]))
        for name, report in zip(names, reports, strict=True)
        for row in report["forms"]
    ]
    print_table([Column("graph"), Column("form", keep=len(numbers) + 1), *columns], rows)
    for name, report in zip(names, reports, strict=True):
        for row in report["forms"]:
            if row["reason"]:
                print_text(f"{name}: {row['form']} was not run: {row['reason']}")
        channels = (f"{entry} {number}" for entry, number in report["in_channels"].items())
        print_items(f"{name}: channels ", channels)
    _print_rounds(*reports)


def _beside(row: Mapping[str, Any], base: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row with its time as a share of that of ``base``."""
    times, of = row["milliseconds"], base["milliseconds"]
    return {**row, "ratio": times["median"] / of["median"] if times and of else None}


def _print_machine(report: Report) -> None:
    print(f"{report['machine']}, {report['device']}, {report['threads']} threads, torch {report['torch']}")


def _print_rounds(*reports: Report) -> None:
    floors = ", ".join(f"{report['floor_milliseconds']['median']:.2f}" for report in reports)
    print_text(
        f"medians of {reports[0]['rounds']} rounds in turns; the floor is what a neck multiplies, alone: {floors} ms"
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    times, peak, operators = row["milliseconds"], row["peak_bytes"], row["operators"]
    ratio, floor = row["ratio"], row["of_floor"]
    return (
        row["form"],
        f"{times['median']:.2f}" if times else "",
        f"{times['low']:.2f} to {times['high']:.2f}" if times else "",
        f"{ratio:.2f}" if ratio else "",
        f"{floor:.1f}" if floor else "",
        f"{peak / _MIB:.2f}" if peak is not None else "",
        str(operators) if operators is not None else "",
    )
