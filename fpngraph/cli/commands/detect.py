"""``fpngraph detect``: what is in images, as pictures and as data."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.options import add_image_size, add_match, add_parameters, add_quiet
from fpngraph.cli.output import quietly

ABOUT = "find objects in images with a detector: pictures with boxes, and data in COCO's format of results"
EXAMPLE = "fpngraph detect photos/ --model tf_efficientdet_d0 -o out/"


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="an image file, or a folder for all images in it")
    about_model = "a detector of effdet, as tf_efficientdet_d0 (default: the one that is in the weights)"
    parser.add_argument("--model", metavar="NAME", help=about_model)
    about_weights = (
        "a checkpoint of 'train' or of effdet, a state dict, or a detector.onnx of 'export' "
        "(default: the model's published weights)"
    )
    parser.add_argument("--weights", metavar="FILE", help=about_weights)
    about_runtime = "what runs the detector (default: onnx for weights that end in .onnx, else torch)"
    parser.add_argument("--runtime", choices=("torch", "onnx"), help=about_runtime)
    about_output = "the folder for pictures, detections.json (all results) and images.json (what they are in)"
    parser.add_argument("-o", "--output", type=values.place, required=True, metavar="DIR", help=about_output)
    parser.add_argument("--force", action="store_true", help="write over files that exist")
    parser.add_argument("--graph", metavar="GRAPH", help="the neck: a graph file, or the name of a graph of 'list'")
    add_match(parser)
    add_parameters(parser)
    parser.add_argument(
        "--num-classes",
        type=values.count,
        metavar="N",
        help="classes that the weights know (default: as many as they have)",
    )
    parser.add_argument("--labels", metavar="FILE", help="names of the classes, one per line (default: COCO's 90)")
    about_score = "the lowest score that is drawn; the data have all (default: 0.3)"
    parser.add_argument("--score", "--threshold", type=values.score, default=0.3, metavar="N", help=about_score)
    add_image_size(parser, "that images are made to fit (default: the model's)")
    parser.add_argument("--soft-nms", action="store_true", help="lower the scores of boxes that overlap better ones")
    parser.add_argument("--batch-size", type=values.count, default=1, metavar="N", help="images at once (default: 1)")
    about_device = "where to run, such as cpu or cuda:1 (default: cuda where there is one, else cpu)"
    parser.add_argument("--device", metavar="DEVICE", help=about_device)
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.cli import detecting
    from fpngraph.cli.detectors import DetectorChoice

    choice = DetectorChoice(
        command="detect",
        model=args.model,
        weights=args.weights,
        graph=args.graph,
        match=args.match,
        preset=args.preset,
        params=dict(args.params),
        folder=args.folder,
        num_classes=args.num_classes,
        image_size=args.image_size,
        soft_nms=args.soft_nms,
    )
    with quietly(quiet=args.quiet):
        return detecting.detect(
            args.images,
            args.output,
            choice,
            runtime=args.runtime or ("onnx" if str(args.weights).endswith(".onnx") else "torch"),
            device_name=args.device,
            labels_file=args.labels,
            score=args.score,
            batch_size=args.batch_size,
            force=args.force,
        )
