"""``fpngraph export``: a neck, a pyramid or a whole detector as a file that other programs run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.graphs import Choice
from fpngraph.cli.options import add_channels, add_image_size, add_match, add_parameters, add_quiet, refuse_given
from fpngraph.cli.output import check_new, quietly
from fpngraph.cli.values import UsageError
from fpngraph.files import check_place

ABOUT = "write a neck, a backbone with its neck, or a whole detector as a program for images of any size"
EXAMPLE = (
    "fpngraph export my.yaml --in-channels 40,112,320 --weights state.pt -o neck.onnx\n"
    "  fpngraph export my.yaml --backbone resnet18 --with-backbone --weights state.pt -o pyramid.onnx\n"
    "  fpngraph export --weights runs/a/best.ckpt -o detector.onnx"
)
_ENDINGS = {".onnx": "onnx", ".pt2": "torch-export"}


def options(parser: Any) -> None:
    """Its options."""
    about = "a graph file, or the name of a graph of 'list' (default: the one of the detector)"
    parser.add_argument("graph", nargs="?", metavar="GRAPH", help=about)
    add_parameters(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file to write")
    about = "a model of ONNX, or what torch.export.load reads (default: onnx for .onnx, torch-export for .pt2)"
    parser.add_argument("--format", choices=tuple(_ENDINGS.values()), help=about)
    parser.add_argument("--force", action="store_true", help="write over a file that exists")
    about = (
        "a trained state dict, or a detector's checkpoint of 'train' or effdet (default: random, a --model's published)"
    )
    parser.add_argument("--weights", metavar="FILE", help=about)
    parser.add_argument(
        "--opset", type=values.count, metavar="N", help="the version of ONNX's operators (default: torch's)"
    )
    add_quiet(parser)
    add_image_size(parser, "of the images it is traced with (default: 512, or the detector's)")
    neck = parser.add_argument_group("a neck, or a pyramid")
    add_channels(neck)
    neck.add_argument("--with-backbone", action="store_true", help="write the backbone too: images in, maps out")
    detector = parser.add_argument_group("a detector: without GRAPH, or with --model")
    about = "a detector of effdet, as tf_efficientdet_d0 (default: the one that is in the weights)"
    detector.add_argument("--model", metavar="NAME", help=about)
    add_match(detector)
    about = "classes that the weights know (default: as many as they have)"
    detector.add_argument("--num-classes", type=values.count, metavar="N", help=about)
    about = "names of the classes, one per line (default: the checkpoint's, or COCO's 90)"
    detector.add_argument("--labels", metavar="FILE", help=about)
    about = "leave out what has a lower score (default: leave out nothing)"
    detector.add_argument("--score", type=values.score, metavar="N", help=about)
    about = "boxes of an image that are kept (default: the detector's, 100)"
    detector.add_argument("--max-detections", type=values.count, metavar="N", help=about)
    about = "write convolutions in 8 bits, and print what that costs and gains here; for ONNX, needs --calibrate"
    detector.add_argument("--int8", action="store_true", help=about)
    about = "an image or a folder of images, like those to come, from which --int8 takes the ranges of maps"
    detector.add_argument("--calibrate", metavar="IMAGES", help=about)
    about = "images with annotations in COCO's format, for the average precision of --int8"
    detector.add_argument("--val", nargs=2, metavar=("IMAGES", "ANNOTATIONS"), help=about)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    with quietly(quiet=args.quiet):
        return _export(args)


def _export(args: argparse.Namespace) -> int:
    form = _form(args.output, args.format)
    if args.opset and form != "onnx":
        raise UsageError("--opset is for --format onnx")
    values.check_pixels(args.image_size)
    check_new(args.output, force=args.force)
    check_place(args.output)
    if args.model or args.graph is None:
        return _detector(args, form)
    refuse_given(_of_detector(args), "is for a detector\n  hint: add --model NAME, or leave out GRAPH")
    from fpngraph.cli import exporting

    choice = Choice(args.graph, args.preset, dict(args.params), args.backbone, args.in_channels, args.folder)
    size = args.image_size or (512, 512)
    export = exporting.pyramid if args.with_backbone else exporting.neck
    return export(choice, form, args.output, weights=args.weights, opset=args.opset, image_size=size)


def _detector(args: argparse.Namespace, form: str) -> int:
    of_neck = {"--in-channels": args.in_channels, "--backbone": args.backbone, "--with-backbone": args.with_backbone}
    refuse_given(of_neck, "is for a neck\n  hint: name its GRAPH, without --model")
    if not (args.model or args.weights):
        raise UsageError("a GRAPH, --model NAME or --weights FILE is required")
    if (args.calibrate or args.val) and not args.int8:
        raise UsageError("--calibrate and --val are for --int8")
    if args.int8 and (form != "onnx" or not args.calibrate):
        raise UsageError("--int8 is for ONNX, and needs --calibrate IMAGES")
    from fpngraph.cli import exporting
    from fpngraph.cli.detectors import DetectorChoice
    from fpngraph.cli.quantising import Calibration

    choice = DetectorChoice(
        command="export",
        model=args.model,
        weights=args.weights,
        graph=args.graph,
        match=args.match,
        preset=args.preset,
        params=dict(args.params),
        folder=args.folder,
        num_classes=args.num_classes,
        image_size=args.image_size,
        max_detections=args.max_detections,
    )
    return exporting.detector(
        choice,
        form,
        args.output,
        labels_file=args.labels,
        score=args.score or 0.0,
        opset=args.opset,
        calibration=Calibration(args.calibrate, args.val) if args.int8 else None,
    )


def _of_detector(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "--match": args.match is not None,
        "--num-classes": args.num_classes,
        "--labels": args.labels,
        "--score": args.score is not None,
        "--max-detections": args.max_detections,
        "--int8": args.int8,
        "--calibrate": args.calibrate,
        "--val": args.val,
    }


def _form(output: str, asked: str | None) -> str:
    """The form of a file, by what is asked for or by its ending. Raises UsageError where these differ."""
    ending = Path(output).suffix.lower()
    own = _ENDINGS.get(ending)
    if asked and own and asked != own:
        raise UsageError(f"-o {output!r} ends as {own} does, but --format is {asked}")
    if found := asked or own:
        return found
    endings = " or ".join(_ENDINGS)
    raise UsageError(f"-o {output!r} has no ending that says the format\n  hint: {endings}, or add --format")
