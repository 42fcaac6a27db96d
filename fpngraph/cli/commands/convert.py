"""``fpngraph convert``: somebody else's configuration as a graph file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpngraph.cli.options import add_output
from fpngraph.cli.output import STDOUT, check_new, write
from fpngraph.cli.values import UsageError, strides
from fpngraph.errors import GraphError

if TYPE_CHECKING:
    from fpngraph.importers import Imported

_LIBRARIES = ("ultralytics", "effdet", "mmdet", "detectron2", "transformers", "model")
ABOUT = "make a graph file of the neck that a model of another library, or a detector of ours, has"
EXAMPLE = "fpngraph convert ultralytics MODEL.yaml --scale s -o my.yaml"
_SOURCES = (
    "ultralytics: MODEL is a model file; effdet: the name of one of its cells, or a file that has the nodes of one; "
    "mmdet, detectron2, transformers: MODEL is the configuration of a detector; "
    "model: the name of an EfficientDet, whose exact neck is written"
)


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("source", choices=_LIBRARIES, help=_SOURCES)
    parser.add_argument("model", metavar="MODEL", help="the path of a file, or the name of a model or a cell")
    about = "the scale of a model file that has several, such as n (default: that in its name, else its first)"
    parser.add_argument("--scale", help=about)
    parser.add_argument(
        "--strides",
        type=strides,
        metavar="S,S,...",
        help="strides of the backbone's maps, finest first, where the configuration of a detector does not tell",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    if args.scale and args.source != "ultralytics":
        raise UsageError("--scale is for model files of ultralytics")
    if args.strides and args.source not in ("mmdet", "transformers"):
        raise UsageError("--strides is for configurations of mmdet and transformers")
    if args.source == "model":
        write(_of_model(args.model), args.output, force=args.force, quiet=args.quiet)
        return 0
    found = _read(args.source, args.model, args.scale, args.strides)
    return _write(args.model, found, args.output, force=args.force, quiet=args.quiet)


def _of_model(name: str) -> str:
    """The exact neck of an EfficientDet."""
    from fpngraph.efficientdet.config import config
    from fpngraph.language.explicit import dump

    return dump(config(name).load_graph())


def _read(source: str, model: str, scale: str | None, strides: Sequence[int] | None) -> Imported:
    """The neck of somebody else's configuration."""
    from fpngraph import importers

    if source == "ultralytics":
        return importers.from_ultralytics(model, scale)
    if source == "mmdet":
        return importers.from_mmdet(model, strides)
    if source == "transformers":
        return importers.from_transformers(model, strides)
    return importers.from_detectron2(model) if source == "detectron2" else importers.from_effdet(model)


def _write(model: str, found: Imported, output: str | None, *, force: bool, quiet: bool) -> int:
    """The graph and, if it goes to a file, beside it the table of what its weights are called."""
    from fpngraph.language.yaml.writing import to_yaml
    from fpngraph.library import loads

    try:
        loads(found.text)
    except GraphError as error:  # a graph that cannot be: their rows do not fit together, or we have read them wrong
        raise UsageError(f"what {model!r} says gives no graph:\n{error}") from error
    if output in (None, STDOUT):
        write(found.text, None, force=force, quiet=quiet)
        return 0
    table = str(Path(output).with_suffix(".weights.yaml"))
    check_new(table, force=force)
    write(found.text, output, force=force, quiet=quiet)
    write(to_yaml(found.table()), table, force=force, quiet=quiet)
    return 0
