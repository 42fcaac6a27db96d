"""``fpngraph convert``: somebody else's configuration as a graph file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from fpngraph.cli.options import add_output
from fpngraph.cli.output import check_new, write
from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError

ABOUT = "make a graph file of the neck that a model of another library, or a detector of ours, has"
EXAMPLE = "fpngraph convert ultralytics MODEL.yaml --scale s -o my.yaml"
_SOURCES = (
    "ultralytics: MODEL is a model file; effdet: the name of one of its cells, or a file that has the nodes of one; "
    "model: the name of an EfficientDet, whose exact neck is written"
)


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("source", choices=("ultralytics", "effdet", "model"), help=_SOURCES)
    parser.add_argument("model", metavar="MODEL", help="the path of a file, or the name of a model or a cell")
    parser.add_argument("--scale", help="the scale of a model file that has several, such as n (default: its first)")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    if args.scale and args.source != "ultralytics":
        raise UsageError("--scale is for model files of ultralytics")
    if args.source == "model":
        write(_of_model(args.model), args.output, force=args.force)
        return 0
    converted = _of_ultralytics(args.model, args.scale) if args.source == "ultralytics" else _of_effdet(args.model)
    return _write(args.model, converted, args.output, force=args.force)


class _Converted(Protocol):
    """A graph file and the table of its weights, as plain data."""

    @property
    def graph(self) -> Mapping[str, Any]: ...

    def table(self) -> Mapping[str, Any]: ...


def _of_model(name: str) -> str:
    """The exact neck of an EfficientDet."""
    from fpngraph.efficientdet.config import ConfigError, config
    from fpngraph.language.explicit import dump

    try:
        return dump(config(name).load_graph())
    except ConfigError as error:
        raise UsageError(str(error)) from error


def _of_ultralytics(model: str, scale: str | None) -> _Converted:
    from fpngraph.importers.ultralytics.convert import convert

    return convert(model, scale)


def _of_effdet(name: str) -> _Converted:
    from fpngraph.importers.effdet.convert import convert

    return convert(name)


def _write(model: str, converted: _Converted, output: str | None, *, force: bool) -> int:
    """The graph and, if it goes to a file, beside it the table of what its weights are called."""
    from fpngraph.language.yaml.writing import to_yaml
    from fpngraph.library import loads

    text = to_yaml(converted.graph)
    try:
        loads(text)
    except GraphError as error:  # a graph that cannot be: their rows do not fit together, or we have read them wrong
        raise UsageError(f"what {model!r} says gives no graph:\n{error}") from error
    if output is None:
        write(text, None, force=force)
        return 0
    table = str(Path(output).with_suffix(".weights.yaml"))
    check_new(table, force=force)
    write(text, output, force=force)
    write(to_yaml(converted.table()), table, force=force)
    return 0
