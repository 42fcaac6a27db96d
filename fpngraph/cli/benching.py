"""The command ``bench``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from fpngraph.analysis.costs import written
from fpngraph.bench.report import FORMS, Peer, Report, Setting, measure
from fpngraph.cli.devices import device
from fpngraph.cli.values import UsageError, check_pixels
from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck
from fpngraph.efficientdet.peer import PeerError, effdet_neck
from fpngraph.graph.graph import Graph
from fpngraph.inference.folding import told
from fpngraph.library import describe
from fpngraph.table import Column, print_table

_MIB = 2**20


def bench(graph: Graph, in_channels: tuple[int, ...], args: argparse.Namespace) -> int:
    """How fast the neck of ``graph`` is in each of its forms."""
    setting = _setting(args)
    neck = build(graph, in_channels).eval().to(setting.device, setting.dtype)
    peer = _peer(neck, args, setting) if args.against else None
    with _progress() as progress:
        try:
            report = measure(neck, setting, peer=peer, progress=progress)
        except ValueError as error:
            raise UsageError(str(error)) from error
    if args.format == "json":
        print(json.dumps(report, indent=2))
    else:
        print_report(report)
    return 0


def _setting(args: argparse.Namespace) -> Setting:
    check_pixels(args.image_size)
    unknown = [form for form in args.forms.split(",") if form not in FORMS]
    if unknown:
        raise UsageError(f"there is no form {unknown[0]!r}\n  hint: there are: {', '.join(FORMS)}")
    if args.threads:
        torch.set_num_threads(args.threads)
    return Setting(
        image_size=args.image_size or (512, 512),
        batch=args.batch_size,
        dtype=getattr(torch, args.dtype),
        device=device(args.device),
        rounds=args.rounds,
        forms=tuple(args.forms.split(",")),
    )


def _peer(neck: Neck, args: argparse.Namespace, setting: Setting) -> Peer:
    params = describe(args.graph, preset=args.preset, folder=args.folder, **dict(args.params)).params
    try:
        module = effdet_neck(args.graph, params, neck, setting.image_size)
    except PeerError as error:
        raise UsageError(str(error)) from error
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
    print(f"{report['machine']}, {report['device']}, {report['threads']} threads, torch {report['torch']}")
    first = report["forms"][0]["form"]
    numbers = ("ms", "quartiles", f"of {first}", "memory MiB", "operators", "of matrix product")
    columns = [Column(heading, right=True, keep=-place) for place, heading in enumerate(numbers)]
    print_table([Column("form"), *columns], [_cells(row) for row in report["forms"]])
    for row in report["forms"]:
        if row["reason"]:
            print(f"{row['form']} was not run: {row['reason']}")
    for line in told(report["unfolded"]):
        print(line)
    print(f"{written(report['parameters'])} parameters, {written(report['macs'])} multiply-accumulates (MACs) an image")
    rate = report["matrix_product_gigamacs_per_second"]
    print(f"medians of {report['rounds']} rounds in turns; a matrix product runs at {rate} GMAC/s here")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    times, peak, operators = row["milliseconds"], row["peak_bytes"], row["operators"]
    share, ratio = row["share_of_matrix_product"], row["ratio"]
    return (
        row["form"],
        f"{times['median']:.2f}" if times else "",
        f"{times['low']:.2f} to {times['high']:.2f}" if times else "",
        f"{ratio:.2f}" if ratio else "",
        f"{peak / _MIB:.2f}" if peak is not None else "",
        str(operators) if operators is not None else "",
        f"{share:.0%}" if share else "",
    )
