"""``fpngraph check``: every problem and warning of every file."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fpngraph.cli.checking import check_fixable, checked, fix, folders_in, graphs_among
from fpngraph.cli.graphs import Choice, is_stream
from fpngraph.cli.messages import complain
from fpngraph.cli.options import GRAPH, add_in_channels, add_parameters
from fpngraph.cli.reports import FORMATS
from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError

ABOUT = "check graph files and report every problem"
EXAMPLE = "fpngraph check my.yaml graphs/ --in-channels 40,112,320"


def options(parser: Any) -> None:
    """Its options."""
    about = f"{GRAPH}, or a folder, of which every graph file is checked"
    parser.add_argument("graphs", nargs="+", metavar="FILE", help=about)
    add_parameters(parser)
    add_in_channels(parser)
    parser.add_argument("--format", choices=tuple(FORMATS), default="text", help="(default: text)")
    about = "replace in the files what a hint says exactly; comments and all else stay"
    parser.add_argument("--fix", action="store_true", help=about)
    parser.add_argument("--watch", action="store_true", help="check again at every save, until Ctrl-C")
    about = "leave out files that are no graphs, as of a folder: those without 'fpngraph:' at the start of a line"
    parser.add_argument("--only-graphs", action="store_true", help=about)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    if args.watch:
        return _watch(args)
    return _check(args)


def _choices(args: argparse.Namespace) -> list[Choice]:
    names = dict.fromkeys(graphs_among(args.graphs, only_graphs=args.only_graphs))
    return [Choice(name, args.preset, dict(args.params), None, args.in_channels, args.folder) for name in names]


def _check(args: argparse.Namespace) -> int:
    choices = _choices(args)
    if args.fix:
        _fix(choices)
    results = [checked(choice) for choice in choices]
    said = FORMATS[args.format](results)
    if said:
        print(said)
    return max((result.status for result in results), default=0)


def _fix(choices: Iterable[Choice]) -> None:
    """Mend every file, and tell on standard error what was replaced and what was not."""
    for choice in choices:
        check_fixable(choice.name)
    for choice in choices:
        fixed = fix(choice)
        for it in fixed.made:
            there = repr(it.span.written) if it.span.written else "nothing"
            said = f"{it.text!r} in place of {there}" if it.text else f"{there} left out"
            print(f"{fixed.name}:{it.span.line}:{it.span.column}: fixed: {said}", file=sys.stderr)
        for problem in fixed.refused:
            complain(f"{fixed.name}:{problem.line}: not fixed, since then: {problem.message}", "check")


def _watch(args: argparse.Namespace) -> int:
    """Check at every save, for ever."""
    from fpngraph.drawing.watch import saves

    if any(map(is_stream, args.graphs)):
        raise UsageError("--watch is for files, and standard input is none")
    if args.fix:
        raise UsageError("--watch and --fix exclude each other: a file that is being edited is left alone")

    def files() -> list[Path]:
        return [*folders_in(args.graphs), *(path for choice in _choices(args) for path in _files(choice))]

    gc.enable()  # see __main__: this command does not end
    for number, _ in enumerate(saves(files)):
        if number and args.format == "text":
            print("\nchecked again:")
        _check(args)
        sys.stdout.flush()
    return 0


def _files(choice: Choice) -> tuple[Path, ...]:
    try:
        return choice.files()
    except GraphError:  # there is no graph of the name, which checking says
        return ()
