"""``fpngraph convert``: somebody else's configuration as a graph file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fpngraph.cli.options import add_output
from fpngraph.cli.output import check_new, write
from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError

ABOUT = "make a graph file of the neck that a model of another library, or a detector of ours, has"
EXAMPLE = "fpngraph convert ultralytics MODEL.yaml --scale s -o my.yaml"
_SOURCES = "ultralytics: MODEL is a model file; model: the name of an EfficientDet, whose exact neck is written"


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("source", choices=("ultralytics", "model"), help=_SOURCES)
    parser.add_argument("model", metavar="MODEL", help="the path of a model file, or the name of a model")
    parser.add_argument("--scale", help="the scale of a model file that has several, such as n (default: its first)")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    if args.source == "model":
        if args.scale:
            raise UsageError("--scale is for model files of ultralytics")
        write(_of_model(args.model), args.output, force=args.force)
        return 0
    return _of_ultralytics(args.model, args.scale, args.output, force=args.force)


def _of_model(name: str) -> str:
    """The exact neck of an EfficientDet."""
    from fpngraph.efficientdet.config import ConfigError, config
    from fpngraph.language.explicit import dump

    try:
        return dump(config(name).load_graph())
    except ConfigError as error:
        raise UsageError(str(error)) from error


def _of_ultralytics(model: str, scale: str | None, output: str | None, *, force: bool) -> int:
    """The graph and, if it goes to a file, beside it the table of what its weights are called."""
    from fpngraph.importers.ultralytics.convert import convert
    from fpngraph.language.yaml.writing import to_yaml
    from fpngraph.library import loads

    converted = convert(model, scale)
    text = to_yaml(converted.graph)
    try:
        loads(text)
    except GraphError as error:  # a graph that cannot be: their rows do not fit together, or we have read them wrong
        raise UsageError(f"the rows of {model!r} give no graph:\n{error}") from error
    if output is None:
        write(text, None, force=force)
        return 0
    table = str(Path(output).with_suffix(".weights.yaml"))
    check_new(table, force=force)
    write(text, output, force=force)
    write(to_yaml(converted.table()), table, force=force)
    return 0
