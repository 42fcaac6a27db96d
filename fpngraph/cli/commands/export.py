"""``fpngraph export``: a neck as a file that other programs run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice
from fpngraph.cli.options import add_channels, add_graph
from fpngraph.cli.output import check_new
from fpngraph.cli.values import UsageError, enough_memory
from fpngraph.files import check_place, replace_file

if TYPE_CHECKING:
    from fpngraph.compiler.neck import Neck
    from fpngraph.exporting.export import Exported

ABOUT = "write the neck as a program for images of any size that leaves 2 pixels or more at every level"
EXAMPLE = "fpngraph export my.yaml --in-channels 40,112,320 --weights state.pt --format onnx -o my.onnx"


def options(parser: Any) -> None:
    """Its options."""
    add_graph(parser)
    add_channels(parser)
    about_format = "a model of ONNX, or what torch.export.load reads"
    parser.add_argument("--format", choices=("onnx", "torch-export"), required=True, help=about_format)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file to write")
    parser.add_argument("--force", action="store_true", help="write over a file that exists")
    about_weights = "the state dict of a trained neck (torch.save); without it the weights are random"
    parser.add_argument("--weights", metavar="FILE", help=about_weights)
    parser.add_argument(
        "--opset", type=values.count, metavar="N", help="the version of ONNX's operators (default: torch's)"
    )
    about_size = "512 or HEIGHTxWIDTH in pixels, of the images it is traced with (default: 512)"
    parser.add_argument("--image-size", type=values.image_size, default=(512, 512), metavar="SIZE", help=about_size)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    choice = Choice(args.graph, args.preset, dict(args.params), args.backbone, args.in_channels, args.folder)
    return _export(
        choice,
        args.format,
        args.output,
        force=args.force,
        weights=args.weights,
        opset=args.opset,
        image_size=args.image_size,
    )


def _export(  # noqa: PLR0913  (the options of an export)
    choice: Choice,
    form: str,
    output: str,
    *,
    force: bool,
    weights: str | None,
    opset: int | None,
    image_size: tuple[int, int],
) -> int:
    graph = choice.load()
    channels = choice.channels(graph)
    if channels is None:
        raise UsageError("export needs the channels of the inputs: add --in-channels or --backbone")
    if opset and form != "onnx":
        raise UsageError("--opset is for --format onnx")
    check_new(output, force=force)
    check_place(output)
    from fpngraph.compiler.builder import build
    from fpngraph.exporting.export import export as export_neck
    from fpngraph.exporting.program import ExportError
    from fpngraph.weights import state, trained

    try:
        with enough_memory("--image-size can be smaller, or the channels of the graph"):
            neck = trained.trained(graph, channels, weights) if weights else build(graph, channels)
            print(f"exporting {graph.name}, which may take a minute", file=sys.stderr, flush=True)
            exported = export_neck(neck, form, image_size=image_size, opset=opset)
    except (state.StateError, ExportError) as error:
        raise UsageError(str(error)) from error
    replace_file(output, exported.content)
    print(f"wrote {output}: {len(exported.content):,} bytes, {exported.operators} operators")
    _print_exported(neck, exported)
    return 0


def _print_exported(neck: Neck, exported: Exported) -> None:
    from fpngraph.inference.folding import told

    strides = [1 << entry.level for entry in neck.source_graph.inputs.values()]
    _print_maps("inputs", exported.inputs, neck.in_channels.values(), strides)
    _print_maps("outputs", neck.out_channels, neck.out_channels.values(), neck.out_strides.values())
    for line in told(exported.unfolded):
        print(line)
    print(
        f"largest difference from the neck, run at other sizes: {exported.difference:.1e} of an output's largest value"
    )


def _print_maps(what: str, names: Iterable[str], channels: Iterable[int], strides: Iterable[int]) -> None:
    for name, count, stride in zip(names, channels, strides, strict=True):
        print(f"{what:7} {name} [batch, {count}, height/{stride}, width/{stride}]")
