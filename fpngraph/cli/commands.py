"""The commands of the command line: each takes the parsed arguments and returns the exit status."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fpngraph.analysis.shapes import infer
from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError, Problem, nearest
from fpngraph.files import replace_file
from fpngraph.graph.graph import Graph
from fpngraph.language.explicit import dump
from fpngraph.language.yaml.source import to_yaml
from fpngraph.library import describe, load, path_of, shipped
from fpngraph.table import print_items, print_text


def list_(args: argparse.Namespace) -> int:
    """The shipped graphs with their levels, parameters and presets."""
    entries = [_entry(name) for name in sorted(shipped())]
    if args.format == "json":
        print(json.dumps(entries, indent=2))
        return 0
    for entry in entries:
        print_text(f"{entry['name']}: {entry['description']}")
        print_text(f"  {', '.join(entry['inputs'])} -> {', '.join(entry['outputs'])}")
        print_items("  parameters: ", (f"{name}={_flow(value)}" for name, value in entry["params"].items()))
        if entry["presets"]:
            print_items("  presets: ", entry["presets"])
    return 0


def _entry(name: str) -> dict[str, Any]:
    found = describe(name)
    return {
        "name": name,
        "description": found.description,
        "inputs": list(found.inputs),
        "outputs": list(found.outputs),
        "params": found.params,
        "presets": list(found.presets),
    }


def _flow(value: Any) -> str:
    """A value as it can be typed after ``-p``, quoted where a shell needs it."""
    return shlex.quote(to_yaml({"value": value}).removeprefix("value:").strip())


def check(args: argparse.Namespace) -> int:
    """Every problem and warning of every file."""
    results = [_checked(name, args) for name in args.graphs]
    if args.format == "json":
        print(json.dumps([row for result in results for row in result.rows()], indent=2))
    else:
        print("\n".join(line for result in results for line in result.lines()))
    return max(result.status for result in results)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What ``check`` found out about one file."""

    name: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    status: int = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """A mapping for an editor per finding."""
        for severity, found in (("error", self.problems), ("warning", self.warnings)):
            for problem in found:
                yield {
                    "file": problem.file or self.name,
                    "line": problem.line,
                    "column": problem.column,
                    "end": problem.span.end if problem.span else None,
                    "severity": severity,
                    "message": problem.message,
                    "hint": problem.hint,
                }

    def lines(self) -> Iterator[str]:
        """The findings as people read them, and how many there are."""
        for problem in self.problems:
            yield str(problem) if problem.span or self.name in problem.message else f"{self.name}: {problem}"
        for warning in self.warnings:
            yield str(replace(warning, message=f"warning: {warning.message}"))
        counts = [_counted(len(self.problems), "problem")] if self.problems else ["ok"]
        if self.warnings:
            counts.append(_counted(len(self.warnings), "warning"))
        yield f"{self.name}: {', '.join(counts)}"


def _checked(name: str, args: argparse.Namespace) -> _Checked:
    warnings: tuple[Problem, ...] = ()
    try:
        graph = load(name, preset=args.preset, **dict(args.params))
        warnings = graph.warnings
        if args.in_channels:
            infer(graph, args.in_channels)
    except GraphError as error:
        return _Checked(name, error.problems, warnings, 1 if is_readable(name) else 2)
    return _Checked(name, (), warnings)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def loaded(args: argparse.Namespace) -> Graph:
    """The graph that a command is about. Raises UsageError where its file cannot be read."""
    try:
        return load(args.graph, preset=args.preset, **dict(args.params))
    except GraphError as error:
        if not is_readable(args.graph):
            raise UsageError(str(error)) from error
        raise


def is_readable(name: str) -> bool:
    """Whether ``name`` leads to a file that can be read, whatever is in it."""
    try:
        path = path_of(name)
    except GraphError:
        return False
    return path.is_file() and os.access(path, os.R_OK)


def show(args: argparse.Namespace) -> int:
    """A graph as a table."""
    from fpngraph.analysis import report

    graph = loaded(args)
    channels = known_channels(graph, args)
    if channels is None and args.image_size:
        raise UsageError("--image-size needs the channels of the inputs: add --in-channels or --backbone")
    found = report.report(graph, channels, args.image_size or (512, 512))
    if args.format == "json":
        print(json.dumps(found, indent=2))
    else:
        report.print_report(found, expand=args.expand)
    return 0


def render(args: argparse.Namespace) -> int:
    """A graph as a diagram."""
    from fpngraph.cli import rendering

    return rendering.render(args)


def known_channels(graph: Graph, args: argparse.Namespace) -> tuple[int, ...] | None:
    """The channels of the graph's inputs, as given or as a backbone has them; None where nobody says."""
    if args.backbone is not None:
        return channels_of(args.backbone, graph)
    channels: tuple[int, ...] | None = args.in_channels
    return channels


def channels_of(backbone: str, graph: Graph) -> tuple[int, ...]:
    """The channels of the graph's inputs as a model of timm has them."""
    from fpngraph.pyramid.backbone import BackboneError, backbone_channels

    levels = [entry.level for entry in graph.inputs.values()]
    try:
        channels = backbone_channels(backbone, levels)
    except BackboneError as error:
        raise UsageError(str(error)) from error
    return tuple(channels[level] for level in levels)


def expand(args: argparse.Namespace) -> int:
    """The explicit graph as YAML."""
    _write(dump(loaded(args)), args)
    return 0


def new(args: argparse.Namespace) -> int:
    """The file of a shipped graph, comments and all."""
    graphs = shipped()
    if args.graph not in graphs:
        raise UsageError(f"no graph named {args.graph!r} comes with fpngraph\n  hint: {nearest(args.graph, graphs)}")
    _write(graphs[args.graph].read_text(encoding="utf-8"), args)
    return 0


def _write(text: str, args: argparse.Namespace) -> None:
    """Print the text, or put it into the file asked for, which then has all of it or stays as it was."""
    if args.output is None:
        print(text, end="")
        return
    check_new(args)
    try:
        replace_file(args.output, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {args.output!r}: {error.strerror}") from error
    print(f"wrote {args.output}")


def check_new(args: argparse.Namespace) -> None:
    if Path(args.output).is_file() and not args.force:
        raise UsageError(f"{args.output!r} exists already\n  hint: add --force to write over it")


def schema(_: argparse.Namespace) -> int:
    """The JSON schema of graph files."""
    from fpngraph.language.keys.json_schema import schema as graph_files

    print(json.dumps(graph_files(), indent=2))
    return 0
