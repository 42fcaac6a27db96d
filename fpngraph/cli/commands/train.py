"""``fpngraph train``: a detector with any graph on any backbone, from images with boxes."""

from __future__ import annotations

import argparse
import os
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.options import add_image_size, add_params, add_quiet
from fpngraph.cli.output import quietly

ABOUT = "train a detector with a graph on images with boxes, in COCO's format"
EXAMPLE = (
    "fpngraph train --train train/ train.json --val val/ val.json --graph my.yaml --backbone resnet18 "
    "--image-size 512 -o runs/a"
)
_PAIR = ("IMAGES", "ANNOTATIONS")


def options(parser: Any) -> None:
    """Its options."""
    add_data(parser)
    model = parser.add_argument_group("model")
    model.add_argument("--graph", metavar="GRAPH", help="the neck: a graph file, or the name of a graph of 'list'")
    model.add_argument("--preset", metavar="NAME", help="a preset of the graph")
    add_params(model)
    add_detector(model)
    training = parser.add_argument_group("training")
    add_settings(training)
    add_pictures(training)
    about = "processes, each with a device (default: all)"
    training.add_argument("--devices", type=values.count, metavar="N", help=about)
    about = "the folder of checkpoints, metrics.csv, curve.png and detections.png"
    parser.add_argument("-o", "--output", type=values.place, required=True, metavar="DIR", help=about)
    parser.add_argument("--resume", action="store_true", help="go on from last.ckpt in the folder, where there is one")
    parser.add_argument("--force", action="store_true", help="write over a training that is in the folder")
    add_quiet(parser)


def add_data(parser: Any) -> None:
    """The images to learn from and to measure with."""
    data = parser.add_argument_group("data")
    data.add_argument("--train", nargs=2, metavar=_PAIR, help="the folder of images to learn from, and their file")
    data.add_argument("--val", nargs=2, metavar=_PAIR, help="those to measure with, after every epoch")
    about = "in place of both, a folder in COCO's own layout: annotations/instances_train2017.json, train2017/, ..."
    data.add_argument("--data", metavar="FOLDER", help=about)
    data.add_argument("--skip-bad", action="store_true", help="leave out what something is wrong with")


def add_detector(group: Any) -> None:
    """What a detector is made of beside its graph."""
    about = "the detector of effdet that is changed (default: efficientdet_d0)"
    group.add_argument("--model", default="efficientdet_d0", metavar="NAME", help=about)
    group.add_argument("--backbone", metavar="NAME", help="a model of timm (default: the detector's)")
    about = "start with a backbone that has learned ImageNet (default: do)"
    group.add_argument("--pretrained", action=argparse.BooleanOptionalAction, default=True, help=about)
    about = "start with the weights of a checkpoint, as far as they fit: of a training, or of effdet"
    group.add_argument("--weights", metavar="FILE", help=about)
    add_image_size(group, "to train with (default: the detector's)")
    group.add_argument("--lean", action="store_true", help="train the neck in less memory and more time")


class _Setting(argparse.Action):
    """One of ``args.settings``, which has what was typed by the fields of ``fpngraph.training.TrainingSettings``."""

    def __call__(self, _: Any, namespace: argparse.Namespace, value: Any, *__: Any) -> None:
        field = self.option_strings[0].removeprefix("--").replace("-", "_")
        namespace.settings = {**namespace.settings, field: True if self.nargs == 0 else value}


def add_settings(group: Any) -> None:
    """How it learns."""
    own: dict[str, Any] = {"dest": "settings", "action": _Setting, "default": {}}
    for name, kind, about in (
        ("epochs", values.count, "how often every image is shown (default: 50)"),
        ("batch-size", values.count, "images of a step, in each process (default: 8)"),
        ("lr", values.scale, "the highest learning rate (default: 0.001)"),
        ("weight-decay", values.scale, "(default: 0.0001)"),
        ("layer-decay", values.score, "factor of the learning rate from layer to layer (default: none)"),
        ("warmup-epochs", values.scale, "over which the learning rate grows (default: 1)"),
        ("clip", values.scale, "the largest norm of all gradients (default: 10)"),
        ("accumulate", values.count, "batches of a step (default: 1)"),
        ("ema", values.score, "decay of averaged weights (default: 0.998)"),
        ("seed", values.up_to(2**32 - 1), "what makes a training repeatable (default: 0)"),
        ("workers", values.up_to(1 << 10), "processes that read images (default: 2)"),
    ):
        group.add_argument(f"--{name}", type=kind, metavar="N", help=about, **own)
    group.add_argument("--optimizer", metavar="NAME", help="an optimizer of timm (default: adamw)", **own)
    group.add_argument("--precision", choices=("32-true", "16-mixed", "bf16-mixed"), help="(default: 32-true)", **own)
    group.add_argument("--freeze-norms", nargs=0, help="keep the statistics of the backbone's norms", **own)


def add_pictures(group: Any) -> None:
    """``--pictures``."""
    about = (
        "when detections.png is drawn, what is found in a few images of --val: after every N epochs, 'best' for those "
        "better than all before, 'none' (default: best)"
    )
    group.add_argument("--pictures", type=values.pictures, default="best", metavar="WHEN", help=about)


def of_detector(args: argparse.Namespace) -> dict[str, Any]:
    """What it starts as, but for its graph, by the fields of ``fpngraph.cli.starting.Start``."""
    return {
        "model": args.model,
        "backbone": args.backbone,
        "pretrained": args.pretrained,
        "weights": args.weights,
        "image_size": args.image_size,
        "lean": args.lean,
    }


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.cli import training
    from fpngraph.cli.starting import Start

    with quietly(quiet=args.quiet or _is_one_more()):
        return training.train(
            training.pairs(args.train, args.val, args.data),
            Start(graph=args.graph, preset=args.preset, params=dict(args.params), **of_detector(args)),
            args.output,
            args.settings,
            skip_bad=args.skip_bad,
            resume=args.resume,
            force=args.force,
            devices=args.devices,
            pictures=args.pictures,
        )


def _is_one_more() -> bool:
    """Whether this is one of several processes of a training, and another one says how it goes."""
    return any(os.environ.get(name, "0") != "0" for name in ("RANK", "LOCAL_RANK"))
