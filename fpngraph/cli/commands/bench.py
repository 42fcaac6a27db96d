"""``fpngraph bench``: times, memory and operators of the forms of a neck or of a whole detector."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice, channels_of, is_stream
from fpngraph.cli.options import GRAPH, add_channels, add_format, add_image_size, add_parameters, refuse_given
from fpngraph.cli.values import UsageError, enough_memory
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph

ABOUT = "measure how fast a neck is here, or several: as it is, fused, compiled, in ONNX Runtime, against effdet"
EXAMPLE = "fpngraph bench my.yaml --backbone efficientnet_b0"
# fused for the size of the images; a package that is compiled ahead; a model for every size
_FORMS = ("eager", "fused", "sized", "compiled", "onnxruntime", "onnxruntime-dynamic", "openvino", "aotinductor")
_USUAL_BACKBONE = "efficientnet_b0"


def options(parser: Any) -> None:
    """Its options."""
    about = f"{GRAPH}; several are measured in turns and shown side by side"
    parser.add_argument("graphs", nargs="*", metavar="GRAPH", help=about)
    about_model = "a whole detector by effdet's name, in the place of a graph: tf_efficientdet_d0"
    parser.add_argument("--model", metavar="NAME", help=about_model)
    add_parameters(parser)
    add_channels(parser)
    about_forms = (
        f"of {', '.join(_FORMS)}; sized is fused for one size, compiling takes a minute (default: the first five)"
    )
    parser.add_argument("--forms", default=",".join(_FORMS[:5]), metavar="NAME,...", help=about_forms)
    parser.add_argument("--against", choices=("effdet",), help="compare with this library's neck of the same weights")
    add_image_size(parser, "(default: 512, or the model's)")
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
    if bool(args.graphs) == (args.model is not None):
        raise UsageError("GRAPH or --model NAME is required, one of the two")
    with enough_memory("--batch-size and --image-size can be smaller, or the channels of the graph"):
        if args.model is None:
            return _of_graphs(args)
        of_graph = {
            "--preset": args.preset,
            "--graphs": args.folder,
            "-p": args.params,
            "--backbone": args.backbone,
            "--in-channels": args.in_channels,
        }
        refuse_given(of_graph, "is about a GRAPH, and --model NAME has all that it needs")
        from fpngraph.cli import benching
        from fpngraph.efficientdet import config

        setting = _setting(args, args.image_size or config(args.model).image_size)
        return benching.bench_detector(args.model, setting, against=bool(args.against), form=args.format)


def _of_graphs(args: argparse.Namespace) -> int:
    choices = [
        Choice(name, args.preset, dict(args.params), args.backbone, args.in_channels, args.folder)
        for name in args.graphs
    ]
    if args.against and (len(choices) > 1 or is_stream(args.graphs[0])):
        raise UsageError("--against is for one graph, by its name")
    graphs = [_loaded(choice, several=len(choices) > 1) for choice in choices]
    channels = [
        choice.channels(graph) or channels_of(_USUAL_BACKBONE, graph)
        for choice, graph in zip(choices, graphs, strict=True)
    ]
    from fpngraph.cli import benching

    setting = _setting(args, args.image_size)
    if len(choices) > 1:
        names = [choice.called for choice in choices]
        return benching.compare(names, graphs, channels, setting, form=args.format)
    against = choices[0] if args.against else None
    return benching.bench(graphs[0], channels[0], setting, against=against, form=args.format)


def _setting(args: argparse.Namespace, image_size: tuple[int, int] | None) -> Any:
    from fpngraph.cli import benching

    return benching.setting(
        image_size=image_size,
        batch=args.batch_size,
        dtype=args.dtype,
        place=args.device,
        rounds=args.rounds,
        forms=[form.strip() for form in args.forms.split(",")],
        threads=args.threads,
    )


def _loaded(choice: Choice, *, several: bool) -> Graph:
    """The graph; of several, what is asked of one that does not have it is told with its name."""
    try:
        return choice.load()
    except GraphError as error:
        if not several:
            raise
        raise GraphError(
            it if it.span else replace(it, message=f"{choice.called}: {it.message}") for it in error.problems
        ) from None
