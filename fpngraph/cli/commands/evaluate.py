"""``fpngraph evaluate``: what a detector, or detections in a file, are worth beside the truth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.options import add_image_size, refuse_given
from fpngraph.cli.output import quietly

ABOUT = "measure a detector, or detections in a file, against annotations in COCO's format"
EXAMPLE = "fpngraph evaluate --val val/ val.json --weights runs/a/best.ckpt -o runs/a/plots"


def options(parser: Any) -> None:
    """Its options."""
    about = "the folder of images, and the file of annotations"
    parser.add_argument("--val", nargs=2, required=True, metavar=("IMAGES", "ANNOTATIONS"), help=about)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--weights", metavar="FILE", help="a checkpoint of 'train', or a detector.onnx of 'export'")
    what.add_argument("--results", metavar="FILE", help="detections in COCO's format of results")
    about = "a folder for metrics.json, results.json and pictures of precision over recall and of classes"
    parser.add_argument("-o", "--output", type=values.place, metavar="DIR", help=about)
    parser.add_argument("--force", action="store_true", help="write over files that exist")
    parser.add_argument("--skip-bad", action="store_true", help="leave out what something is wrong with")
    add_image_size(parser, "that images are made to fit (default: the detector's)")
    parser.add_argument("--batch-size", type=values.count, metavar="N", help="images at once (default: 8)")
    about = "where to run, such as cpu or cuda:1 (default: cuda where there is one, else cpu)"
    parser.add_argument("--device", metavar="DEVICE", help=about)
    about = "say nothing but what is wrong; without -o, print the table"
    parser.add_argument("-q", "--quiet", action="store_true", help=about)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.cli import evaluating

    images, annotations = map(Path, args.val)
    evaluating.check(args.output, force=args.force)  # before detections, which may take long
    if args.results:
        of_detector = {
            "--image-size": args.image_size,
            "--batch-size": args.batch_size,
            "--device": args.device,
            "--skip-bad": args.skip_bad,
        }
        refuse_given(of_detector, "is for a detector, and --results has what one has found")
        found = evaluating.of_file(args.results, annotations)
    else:
        with quietly(quiet=args.quiet):
            detector, categories = evaluating.finder(args.weights, args.device, args.image_size)
            found = evaluating.of_finder(
                detector,
                categories,
                images,
                annotations,
                image_size=args.image_size,
                batch_size=args.batch_size or 8,
                skip_bad=args.skip_bad,
            )
    with quietly(quiet=args.quiet and args.output is not None):
        return evaluating.report(annotations, found, args.output)
