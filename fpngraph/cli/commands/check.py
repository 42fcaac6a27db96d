"""``fpngraph check``: every problem and warning of every file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fpngraph.analysis.shapes import infer
from fpngraph.cli.graphs import Choice, is_asked_wrongly
from fpngraph.cli.messages import told
from fpngraph.cli.options import GRAPH, add_format, add_in_channels, add_parameters
from fpngraph.errors import GraphError, Problem, Replacement

ABOUT = "check graph files and report every problem"
EXAMPLE = "fpngraph check my.yaml --in-channels 40,112,320"


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("graphs", nargs="+", metavar="FILE", help=GRAPH)
    add_parameters(parser)
    add_in_channels(parser)
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    choices = [
        Choice(name, args.preset, dict(args.params), None, args.in_channels, args.folder) for name in args.graphs
    ]
    results = [_checked(choice) for choice in choices]
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
        for problem in (*self.problems, *self.warnings):
            yield {
                "file": problem.file or self.name,
                "line": problem.line,
                "column": problem.column,
                "end": problem.span.end if problem.span else None,
                "severity": problem.severity,
                "code": problem.code,
                "message": problem.message,
                "hint": problem.hint,
                "used_by": problem.span.used_by if problem.span else None,
                "replacement": _written(problem.replacement),
            }

    def lines(self) -> Iterator[str]:
        """The findings as people read them, and how many there are."""
        for problem in self.problems:
            text = told(problem, sys.stdout)
            yield text if problem.span or self.name in problem.message else f"{self.name}: {text}"
        yield from (told(problem, sys.stdout) for problem in self.warnings)
        counts = [_counted(len(self.problems), "problem")] if self.problems else ["ok"]
        if self.warnings:
            counts.append(_counted(len(self.warnings), "warning"))
        yield f"{self.name}: {', '.join(counts)}"


def _written(replacement: Replacement | None) -> dict[str, Any] | None:
    """What to write, and in place of which characters of the file."""
    if replacement is None:
        return None
    span = replacement.span
    return {"line": span.line, "column": span.column, "end": span.end, "text": replacement.text}


def _checked(choice: Choice) -> _Checked:
    warnings: tuple[Problem, ...] = ()
    try:
        graph = choice.load()
        warnings = graph.warnings
        if choice.in_channels:
            infer(graph, choice.in_channels)
    except GraphError as error:
        return _Checked(choice.called, error.problems, warnings, 2 if is_asked_wrongly(error) else 1)
    return _Checked(choice.called, (), warnings)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
