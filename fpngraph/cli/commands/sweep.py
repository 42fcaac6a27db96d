"""``fpngraph sweep``: the same training with several graphs, and what each of them is worth."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from fpngraph.cli import values
from fpngraph.cli.commands.train import add_data, add_detector, add_pictures, add_settings, of_detector
from fpngraph.cli.options import add_quiet
from fpngraph.cli.output import quietly

ABOUT = "train a detector with each of several graphs, one after another, and compare what they are worth"
EXAMPLE = (
    "fpngraph sweep --graph my.yaml --graph other.yaml -p channels=64 --train train/ train.json --val val/ val.json "
    "--backbone resnet18 --image-size 512 -o runs/s"
)


class _Graph(argparse.Action):
    """One more graph, to which the preset and the parameters that follow belong."""

    def __call__(self, _: Any, namespace: argparse.Namespace, text: str | Sequence[Any] | None, *__: Any) -> None:
        namespace.graphs = [*namespace.graphs, (str(text), None, {})]


class _OfGraph(argparse.Action):
    """A preset or a parameter of the graph before it; before the first one, of all."""

    def __call__(self, _: Any, namespace: argparse.Namespace, typed: Any, *__: Any) -> None:
        *before, (graph, preset, params) = namespace.graphs or [(None, namespace.preset, namespace.params)]
        if self.dest == "preset":
            preset = typed
        else:
            params = {**params, typed[0]: typed[1]}
        if graph is None:
            namespace.preset, namespace.params = preset, params
        else:
            namespace.graphs = [*before, (graph, preset, params)]


def options(parser: Any) -> None:
    """Its options."""
    add_data(parser)
    model = parser.add_argument_group("model")
    about = "a neck: a graph file, or the name of a graph of 'list' (given once for each)"
    model.add_argument("--graph", dest="graphs", action=_Graph, default=[], required=True, metavar="GRAPH", help=about)
    about = "a preset of the graph before it; before the first graph, of all"
    model.add_argument("--preset", action=_OfGraph, metavar="NAME", help=about)
    about = "set a parameter of the graph before it; before the first graph, of all (may be given more than once)"
    model.add_argument(
        "-p",
        dest="params",
        type=values.Parameters(),
        action=_OfGraph,
        default={},
        metavar="NAME=VALUE",
        help=about,
    )
    add_detector(model)
    training = parser.add_argument_group("training")
    add_settings(training)
    add_pictures(training)
    about = "the folder of a folder for each graph, as 'train' writes it, of table.csv, table.md and sweep.svg"
    parser.add_argument("-o", "--output", type=values.place, required=True, metavar="DIR", help=about)
    about = "go on with what is in the folder; runs that are finished are not done again"
    parser.add_argument("--resume", action="store_true", help=about)
    parser.add_argument("--force", action="store_true", help="write over the runs that are in the folder")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.cli import sweeping, training
    from fpngraph.cli.starting import Start

    with quietly(quiet=args.quiet):
        return sweeping.sweep(
            training.pairs(args.train, args.val, args.data),
            [
                (
                    sweeping.named(graph, preset, own),
                    Start(
                        graph=graph, preset=preset or args.preset, params={**args.params, **own}, **of_detector(args)
                    ),
                )
                for graph, preset, own in args.graphs
            ],
            args.output,
            args.settings,
            skip_bad=args.skip_bad,
            resume=args.resume,
            force=args.force,
            pictures=args.pictures,
        )
