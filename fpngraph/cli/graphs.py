"""The graph that a command is about, and what goes into it."""

from __future__ import annotations

import argparse
import os

from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.library import load, path_of


def loaded(args: argparse.Namespace) -> Graph:
    """The graph that a command is about. Raises UsageError where its file cannot be read."""
    try:
        return load(args.graph, preset=args.preset, folder=args.folder, **dict(args.params))
    except GraphError as error:
        if not is_readable(args.graph):
            raise UsageError(str(error)) from error
        raise


def is_readable(name: str) -> bool:
    """Whether ``name`` leads to a file that can be read, whatever is in it."""
    try:
        path = path_of(name)
    except GraphError:
        return False
    return path.is_file() and os.access(path, os.R_OK)


def known_channels(graph: Graph, args: argparse.Namespace) -> tuple[int, ...] | None:
    """The channels of the graph's inputs, as given or as a backbone has them; None where nobody says."""
    if args.backbone is not None:
        return channels_of(args.backbone, graph)
    channels: tuple[int, ...] | None = args.in_channels
    return channels


def channels_of(backbone: str, graph: Graph) -> tuple[int, ...]:
    """The channels of the graph's inputs as a model of timm has them."""
    from fpngraph.pyramid.backbone import BackboneError, backbone_channels

    levels = [entry.level for entry in graph.inputs.values()]
    try:
        channels = backbone_channels(backbone, levels)
    except BackboneError as error:
        raise UsageError(str(error)) from error
    return tuple(channels[level] for level in levels)
