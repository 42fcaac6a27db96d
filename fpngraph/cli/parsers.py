"""What can be typed: a parser for each command, with its options, their help and an example."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import fpngraph
from fpngraph.cli import commands, running, values

_ENDINGS = ".svg, .png, .pdf, .html, .mmd or .dot"
_THEMES = ("auto", "light", "dark")
_MATCH = "set the parameters of a graph file as the model has them, or keep its own (default: keep, and warn)"
_IMPORT = "a module to import first, for the operators that it registers (may be given more than once)"


def parser() -> argparse.ArgumentParser:
    """The parser of the command line: what it gives has the function to call as ``run``."""
    root = argparse.ArgumentParser(
        prog="fpngraph",
        description="Feature-pyramid necks as graph files.",
        epilog="'fpngraph COMMAND --help' has the options of a command and an example.",
    )
    root.add_argument("--version", action="version", version=f"fpngraph {fpngraph.__version__}")
    subparsers = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        _add_list,
        _add_check,
        _add_show,
        _add_render,
        _add_detect,
        _add_export,
        _add_bench,
        _add_expand,
        _add_new,
        _add_schema,
    ):
        add(subparsers)
    return root


def _command(subparsers: Any, run: Callable[[argparse.Namespace], int], about: str, example: str) -> Any:
    """The parser of a command that is named as the function that runs it."""
    parser = subparsers.add_parser(
        run.__name__.rstrip("_"),
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="MODULE", help=_IMPORT)
    return parser


def _add_list(subparsers: Any) -> None:
    parser = _command(subparsers, commands.list_, "list the graphs that come with fpngraph", "fpngraph list")
    _add_format(parser)


def _add_check(subparsers: Any) -> None:
    about = "check graph files and report every problem"
    parser = _command(subparsers, commands.check, about, "fpngraph check my.yaml --in-channels 40,112,320")
    parser.add_argument("graphs", nargs="+", metavar="FILE", help="a graph file, or the name of a graph of 'list'")
    _add_parameters(parser)
    _add_in_channels(parser)
    _add_format(parser)


def _add_show(subparsers: Any) -> None:
    about = "show a graph as a table, with its costs once the channels of its inputs are known"
    parser = _command(subparsers, commands.show, about, "fpngraph show my.yaml --in-channels 40,112,320 -p channels=88")
    _add_graph(parser)
    parser.add_argument("--expand", action="store_true", help="show every run of a stage that repeats")
    _add_channels(parser)
    _add_image_size(parser, "(default: 512)")
    _add_format(parser)


def _add_render(subparsers: Any) -> None:
    about = "draw a graph, into a file or, without -o, into the terminal"
    parser = _command(subparsers, commands.render, about, "fpngraph render my.yaml -o my.svg --watch")
    _add_graph(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help=f"the picture to write; it ends in {_ENDINGS}")
    parser.add_argument("--theme", choices=_THEMES, default="auto", help="colours; auto: as the reader's (default)")
    parser.add_argument("--scale", type=values.scale, metavar="N", help="pixels of a .png per pixel (default: 2)")
    about_labels = "in the nodes: names of the file (default), numbers as effdet counts, or nothing"
    parser.add_argument("--labels", choices=("names", "ids", "none"), default="names", help=about_labels)
    parser.add_argument("--no-title", dest="title", action="store_false", help="leave out the title")
    parser.add_argument("--no-legend", dest="legend", action="store_false", help="leave out the legend")
    runs = parser.add_mutually_exclusive_group()
    runs.add_argument("--expand", action="store_true", default=None, help="draw every run of a stage that repeats")
    runs.add_argument("--collapse", dest="expand", action="store_false", help="draw equal runs of a stage once")
    about_direction = "where sweeps go in a picture: to the right (default), or up, with levels as columns"
    parser.add_argument("--direction", choices=("right", "up"), default="right", help=about_direction)
    _add_channels(parser)
    _add_image_size(parser, "for sizes and costs")
    about_weights = "the state dict of a trained neck (torch.save), for edges as wide as their learned weights"
    parser.add_argument("--weights", metavar="FILE", help=about_weights)
    parser.add_argument("--watch", action="store_true", help="draw again at every save, until Ctrl-C")


def _add_detect(subparsers: Any) -> None:
    about = "find objects in images with a detector: pictures with boxes, and data in COCO's format of results"
    parser = _command(subparsers, running.detect, about, "fpngraph detect photos/ --model tf_efficientdet_d0 -o out/")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="an image file, or a folder for all images in it")
    parser.add_argument("--model", required=True, metavar="NAME", help="a detector of effdet, as tf_efficientdet_d0")
    about_checkpoint = "the weights: of effdet, or a state dict of ours (default: the model's published ones)"
    parser.add_argument("--checkpoint", metavar="FILE", help=about_checkpoint)
    about_output = "the folder for pictures, detections.json (all results) and images.json (what they are in)"
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help=about_output)
    parser.add_argument("--force", action="store_true", help="write over files that exist")
    parser.add_argument("--graph", metavar="GRAPH", help="the neck: a graph file, or the name of a graph of 'list'")
    parser.add_argument("--match", action=argparse.BooleanOptionalAction, help=_MATCH)
    _add_params(parser)
    parser.add_argument(
        "--num-classes",
        type=values.count,
        metavar="N",
        help="classes that the weights know (default: as many as they have)",
    )
    parser.add_argument("--labels", metavar="FILE", help="names of the classes, one per line (default: COCO's 90)")
    about_score = "the lowest score that is drawn; the data have all (default: 0.3)"
    parser.add_argument("--score", "--threshold", type=values.score, default=0.3, metavar="N", help=about_score)
    about_size = "what images are made to fit, 512 or HEIGHTxWIDTH in pixels (default: the model's)"
    parser.add_argument("--image-size", type=values.image_size, metavar="SIZE", help=about_size)
    parser.add_argument("--soft-nms", action="store_true", help="lower the scores of boxes that overlap better ones")
    parser.add_argument("--batch-size", type=values.count, default=1, metavar="N", help="images at once (default: 1)")
    about_device = "where to run, such as cpu or cuda:1 (default: cuda where there is one, else cpu)"
    parser.add_argument("--device", metavar="DEVICE", help=about_device)


def _add_bench(subparsers: Any) -> None:
    about = "measure how fast a neck is here: as it is, fused, compiled, in ONNX Runtime, against effdet"
    parser = _command(subparsers, running.bench, about, "fpngraph bench my.yaml --backbone efficientnet_b0")
    _add_graph(parser)
    _add_channels(parser)
    about_forms = "of eager, fused, compiled, onnxruntime (default: all; compiling takes a minute)"
    parser.add_argument("--forms", default="eager,fused,compiled,onnxruntime", metavar="NAME,...", help=about_forms)
    parser.add_argument("--against", choices=("effdet",), help="compare with this library's neck of the same weights")
    _add_image_size(parser, "(default: 512)")
    parser.add_argument("--batch-size", type=values.count, default=1, metavar="N", help="images at once (default: 1)")
    parser.add_argument("--rounds", type=values.rounds, default=20, metavar="N", help="(default: 20)")
    parser.add_argument("--threads", type=values.threads, metavar="N", help="of the processor (default: torch's)")
    parser.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda, cuda:1, ... (default: cpu)")
    parser.add_argument(
        "--dtype", choices=("float32", "bfloat16", "float16"), default="float32", help="(default: float32)"
    )
    _add_format(parser)


def _add_expand(subparsers: Any) -> None:
    about = "print the explicit graph: parameters, ranges, indices and fallbacks worked out"
    parser = _command(subparsers, commands.expand, about, "fpngraph expand my.yaml -o explicit.yaml")
    _add_graph(parser)
    _add_output(parser)


def _add_new(subparsers: Any) -> None:
    about = "start a graph file of your own as a copy of one that comes with fpngraph"
    parser = _command(subparsers, commands.new, about, "fpngraph new NAME -o my.yaml")
    parser.add_argument("graph", metavar="NAME", help="the name of a graph of 'list'")
    _add_output(parser)


def _add_export(subparsers: Any) -> None:
    about = "write the neck as a program for images of any size that leaves 2 pixels or more at every level"
    example = "fpngraph export my.yaml --in-channels 40,112,320 --weights state.pt --format onnx -o my.onnx"
    parser = _command(subparsers, running.export, about, example)
    _add_graph(parser)
    _add_channels(parser)
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


def _add_schema(subparsers: Any) -> None:
    about = "print the JSON schema of graph files, for editors to complete and check by"
    _command(subparsers, commands.schema, about, "fpngraph schema > fpngraph.schema.json")


def _add_graph(parser: Any) -> None:
    parser.add_argument("graph", metavar="GRAPH", help="a graph file, or the name of a graph of 'list'")
    _add_parameters(parser)


def _add_parameters(parser: Any) -> None:
    parser.add_argument("--preset", metavar="NAME", help="a preset of the graph")
    _add_params(parser)


def _add_params(parser: Any) -> None:
    parser.add_argument(
        "-p",
        dest="params",
        action=values.Parameters,
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the graph; the value is written as in YAML (may be given more than once)",
    )


def _add_channels(parser: Any) -> None:
    channels = parser.add_mutually_exclusive_group()
    _add_in_channels(channels)
    channels.add_argument("--backbone", metavar="NAME", help="a model of timm whose feature maps are the inputs")


def _add_in_channels(parser: Any) -> None:
    about = "channels of the graph's inputs in their order, such as 40,112,320"
    parser.add_argument("--in-channels", type=values.in_channels, metavar="N,N,...", help=about)


def _add_image_size(parser: Any, what: str) -> None:
    about = f"512 or HEIGHTxWIDTH in pixels {what}"
    parser.add_argument("--image-size", type=values.image_size, metavar="SIZE", help=about)


def _add_format(parser: Any) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def _add_output(parser: Any) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: print it)")
    parser.add_argument("--force", action="store_true", help="write over a file that exists")
