"""``fpngraph bench``: times, memory and operators of the forms of a neck."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice, channels_of
from fpngraph.cli.options import add_channels, add_format, add_graph, add_image_size
from fpngraph.cli.values import enough_memory

ABOUT = "measure how fast a neck is here: as it is, fused, compiled, in ONNX Runtime, against effdet"
EXAMPLE = "fpngraph bench my.yaml --backbone efficientnet_b0"
_USUAL_BACKBONE = "efficientnet_b0"


def options(parser: Any) -> None:
    """Its options."""
    add_graph(parser)
    add_channels(parser)
    about_forms = "of eager, fused, compiled, onnxruntime (default: all; compiling takes a minute)"
    parser.add_argument("--forms", default="eager,fused,compiled,onnxruntime", metavar="NAME,...", help=about_forms)
    parser.add_argument("--against", choices=("effdet",), help="compare with this library's neck of the same weights")
    add_image_size(parser, "(default: 512)")
    parser.add_argument("--batch-size", type=values.count, default=1, metavar="N", help="images at once (default: 1)")
    parser.add_argument("--rounds", type=values.rounds, default=20, metavar="N", help="(default: 20)")
    parser.add_argument("--threads", type=values.threads, metavar="N", help="of the processor (default: torch's)")
    parser.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda, cuda:1, ... (default: cpu)")
    about_dtype = "(default: float32; tf32 rounds what a GPU multiplies, in every form alike)"
    types = ("float32", "tf32", "bfloat16", "float16")
    parser.add_argument("--dtype", choices=types, default="float32", help=about_dtype)
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    choice = Choice(args.graph, args.preset, dict(args.params), args.backbone, args.in_channels, args.folder)
    graph = choice.load()
    channels = choice.channels(graph) or channels_of(_USUAL_BACKBONE, graph)
    from fpngraph.cli import benching

    with enough_memory("--batch-size and --image-size can be smaller, or the channels of the graph"):
        setting = benching.setting(
            image_size=args.image_size,
            batch=args.batch_size,
            dtype=args.dtype,
            place=args.device,
            rounds=args.rounds,
            forms=args.forms.split(","),
            threads=args.threads,
        )
        against = choice if args.against else None
        return benching.bench(graph, channels, setting, against=against, form=args.format)
