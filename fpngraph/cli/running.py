"""The commands that run a network: each imports torch once what was asked for is known to be possible."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from fpngraph.cli.commands import channels_of, check_new, known_channels, loaded
from fpngraph.cli.values import UsageError, enough_memory
from fpngraph.files import check_place, replace_file

_USUAL_BACKBONE = "efficientnet_b0"


def detect(args: argparse.Namespace) -> int:
    """What is in images, as pictures and as data."""
    from fpngraph.cli import detecting

    return detecting.detect(args)


def bench(args: argparse.Namespace) -> int:
    """Times, memory and operators of the forms of a neck."""
    graph = loaded(args)
    channels = known_channels(graph, args) or channels_of(_USUAL_BACKBONE, graph)
    from fpngraph.cli import benching as command

    with enough_memory("--batch-size and --image-size can be smaller, or the channels of the graph"):
        return command.bench(graph, channels, args)


def export(args: argparse.Namespace) -> int:
    """A neck as a file that other programs run."""
    graph = loaded(args)
    channels = known_channels(graph, args)
    if channels is None:
        raise UsageError("export needs the channels of the inputs: add --in-channels or --backbone")
    if args.opset and args.format != "onnx":
        raise UsageError("--opset is for --format onnx")
    check_new(args)
    check_place(args.output)
    from fpngraph.compiler.builder import build
    from fpngraph.exporting.export import ExportError
    from fpngraph.exporting.export import export as export_neck
    from fpngraph.inference import folding
    from fpngraph.weights import state, trained

    try:
        with enough_memory("--image-size can be smaller, or the channels of the graph"):
            neck = trained.trained(graph, channels, args.weights) if args.weights else build(graph, channels)
            print(f"exporting {graph.name}, which may take a minute", file=sys.stderr, flush=True)
            exported = export_neck(neck, args.format, image_size=args.image_size, opset=args.opset)
    except (state.StateError, ExportError) as error:
        raise UsageError(str(error)) from error
    replace_file(args.output, exported.content)
    print(f"wrote {args.output}: {len(exported.content):,} bytes, {exported.operators} operators")
    strides = [1 << entry.level for entry in graph.inputs.values()]
    _print_maps("inputs", exported.inputs, channels, strides)
    _print_maps("outputs", neck.out_channels, neck.out_channels.values(), neck.out_strides.values())
    for line in folding.told(exported.unfolded):
        print(line)
    print(
        f"largest difference from the neck, run at other sizes: {exported.difference:.1e} of an output's largest value"
    )
    return 0


def _print_maps(what: str, names: Iterable[str], channels: Iterable[int], strides: Iterable[int]) -> None:
    for name, count, stride in zip(names, channels, strides, strict=True):
        print(f"{what:7} {name} [batch, {count}, height/{stride}, width/{stride}]")
