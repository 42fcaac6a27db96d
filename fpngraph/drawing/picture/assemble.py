"""The scene of a diagram: nodes, edges and what stands around them, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fpngraph.analysis.shapes import InChannels
from fpngraph.drawing.layout.geometry import union
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture import frame
from fpngraph.drawing.picture.compose import CROPPED, MARGIN, Painter, page
from fpngraph.drawing.picture.diagram import Diagram, Labels, Legend, Look, diagram
from fpngraph.drawing.picture.scene import Group, Scene
from fpngraph.drawing.picture.size import check_readable, is_readable, length_px
from fpngraph.drawing.picture.theme import TIMES, Theme
from fpngraph.drawing.picture.weights import Weights
from fpngraph.graph.graph import Graph

_NARROWEST_LEGEND = 380.0


def draw(  # noqa: PLR0913 - one name per thing that a caller may choose
    graph: Graph,
    *,
    theme: Theme = "auto",
    labels: Labels = "names",
    title: bool | str = True,
    legend: Legend | bool = True,
    expand: bool | None = None,
    direction: Flow = "right",
    width: str | None = None,
    cells: Mapping[str, str] | None = None,
    in_channels: InChannels | None = None,
    image_size: int | tuple[int, int] | None = None,
    weights: Weights | None = None,
) -> Scene:
    """The diagram of a graph as a scene; ``Look`` says what there is to choose.

    ``in_channels`` adds channels, ``image_size`` (with ``in_channels``) sizes, parameters and MACs. ``weights`` of
    nodes become the widths of their edges; runs are then drawn once only where ``expand`` asks for it, with the means
    of their weights.

    Raises GraphError where ``in_channels`` do not fit the graph, ValueError for other values that make no sense, and
    for a width at which the smallest text could not be read.
    """
    look = Look(theme, labels, title, legend, expand, direction, width, cells)
    return assembled(diagram(graph, look, in_channels=in_channels, image_size=image_size, weights=weights))


def assembled(drawn: Diagram) -> Scene:
    """The shapes of a diagram; with columns nearer to each other where a width leaves no other way.

    Raises ValueError for a width at which the smallest text could not be read.
    """
    groups = tuple(_groups(drawn))
    graph, look = drawn.graph, drawn.look
    if look.width is None:
        return Scene(graph.name, graph.description, groups, look.theme, page(groups, MARGIN))
    scene = Scene(graph.name, graph.description, groups, look.theme, page(groups, CROPPED), length_px(look.width))
    if drawn.compact:
        check_readable(scene, look.width, list(_narrower(drawn)))
    return scene if is_readable(scene) else assembled(replace(drawn, compact=True))


def _narrower(drawn: Diagram) -> Iterator[str]:
    """What is not chosen yet and makes a picture narrower, in Python and on the command line."""
    stages = [cell.stage for cell in drawn.plan.cells]
    if drawn.look.direction != "up":
        yield "direction='up' (--direction up)"
    if drawn.look.expand is not False and len(set(stages)) < len(stages):
        yield "expand=False (--collapse)"
    if drawn.look.legend == "beside":
        yield "legend='below' (--legend below)"


def _groups(drawn: Diagram) -> Iterator[Group]:
    """Everything on the page, in drawing order."""
    painter = Painter(drawn)
    edges, texts = painter.edges()
    badges = [*painter.badges()]
    over = [*texts, *painter.stub_names()]
    body = [*frame.around(drawn, union(edge.box() for edge in edges))]
    body += edges
    body += [Group("labels", tuple(over))] if over else []
    body += painter.nodes()
    body += [Group("badges", tuple(badges))] if badges else []
    left, top, right, bottom = union(group.box() for group in body)
    yield from frame.title(drawn.title, left, top - 18.0)
    yield from body
    entries = _legend(drawn, painter.letters)
    if drawn.look.legend in ("below", True):
        yield frame.legend(entries, left, bottom + 30.0, max(right - left, _NARROWEST_LEGEND))
    elif drawn.look.legend == "beside":
        yield frame.legend(entries, right + 34.0, max(top + 20.0, (top + bottom - 24.0 * len(entries)) / 2), 0.0)


def _legend(drawn: Diagram, letters: Mapping[str, str]) -> list[tuple[str, str]]:
    """The signs that are present, with what they mean."""
    links, told = drawn.plan.links, drawn.plan.told
    present = {link.direction for link in links} | {spot.kind for spot in drawn.plan.spots.values()}
    entries = [("down", "downsample"), ("up", "upsample"), ("same", "same level"), ("input", "backbone")]
    entries += [("fusion", "fusion"), ("single", "single input")]
    shown: list[tuple[str, str]] = [
        (sign, f"{text} ({told.usual[sign]})" if sign in told.usual else text)
        for sign, text in entries
        if sign in present
    ]
    shown += [(letter, words) for words, letter in told.capitals.items()]
    shown += letters.items()
    shown += [("output", "output")]
    shown += [("projection", f"1{TIMES}1 conv")] if any(link.projected for link in links) else []
    shown += [("weight", drawn.learnt.meaning)] if drawn.learnt.meaning else []
    return shown
