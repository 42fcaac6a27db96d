"""``fpngraph convert``: somebody else's configuration as a graph file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fpngraph.cli.options import add_output
from fpngraph.cli.output import STDOUT, check_new, write
from fpngraph.cli.values import UsageError, strides
from fpngraph.errors import GraphError

ABOUT = "make a graph file of the neck that a model of another library, or a detector of ours, has"
EXAMPLE = "fpngraph convert ultralytics MODEL.yaml --scale s -o my.yaml"
_SOURCES = (
    "ultralytics: MODEL is a model file; effdet: the name of one of its cells, or a file that has the nodes of one; "
    "mmdet, detectron2, transformers: MODEL is the configuration of a detector; "
    "model: the name of an EfficientDet, whose exact neck is written"
)


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("source", choices=(*_READERS, "model"), help=_SOURCES)
    parser.add_argument("model", metavar="MODEL", help="the path of a file, or the name of a model or a cell")
    parser.add_argument("--scale", help="the scale of a model file that has several, such as n (default: its first)")
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
    text, table = _READERS[args.source](args.model, args.scale, args.strides)
    return _write(args.model, text, table, args.output, force=args.force, quiet=args.quiet)


_Read = tuple[str, Mapping[str, Any]]
"""A graph file, and the table of its weights."""
Strides = Sequence[int] | None


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


def _of_ultralytics(model: str, scale: str | None, _: Strides) -> _Read:
    from fpngraph.importers.ultralytics.convert import convert

    return _read(convert(model, scale))


def _of_effdet(name: str, *_: object) -> _Read:
    from fpngraph.importers.effdet.convert import convert

    return _read(convert(name))


def _of_mmdet(path: str, _: str | None, strides: Strides) -> _Read:
    from fpngraph.importers.mmdet.convert import convert

    converted = convert(path, strides)
    return converted.text, converted.table()


def _of_detectron2(path: str, *_: object) -> _Read:
    from fpngraph.importers.detectron2.convert import convert

    converted = convert(path)
    return converted.text, converted.table()


def _of_transformers(path: str, _: str | None, strides: Strides) -> _Read:
    from fpngraph.importers.transformers.convert import convert

    converted = convert(path, strides)
    return converted.text, converted.table()


def _read(converted: _Converted) -> _Read:
    from fpngraph.language.yaml.writing import to_yaml

    return to_yaml(converted.graph), converted.table()


_READERS: Mapping[str, Callable[[str, str | None, Strides], _Read]] = {
    "ultralytics": _of_ultralytics,
    "effdet": _of_effdet,
    "mmdet": _of_mmdet,
    "detectron2": _of_detectron2,
    "transformers": _of_transformers,
}


def _write(  # noqa: PLR0913  (what is written, and how)
    model: str, text: str, names: Mapping[str, Any], output: str | None, *, force: bool, quiet: bool
) -> int:
    """The graph and, if it goes to a file, beside it the table of what its weights are called."""
    from fpngraph.language.yaml.writing import to_yaml
    from fpngraph.library import loads

    try:
        loads(text)
    except GraphError as error:  # a graph that cannot be: their rows do not fit together, or we have read them wrong
        raise UsageError(f"what {model!r} says gives no graph:\n{error}") from error
    if output in (None, STDOUT):
        write(text, None, force=force, quiet=quiet)
        return 0
    table = str(Path(output).with_suffix(".weights.yaml"))
    check_new(table, force=force)
    write(text, output, force=force, quiet=quiet)
    write(to_yaml(names), table, force=force, quiet=quiet)
    return 0
