"""The scene of a diagram: nodes, edges and what stands around them, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fpngraph.analysis.shapes import InChannels
from fpngraph.drawing.layout.geometry import union
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture import frame
from fpngraph.drawing.picture.compose import Painter, page
from fpngraph.drawing.picture.diagram import Diagram, Labels, Look, diagram
from fpngraph.drawing.picture.scene import Group, Scene
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
    legend: bool = True,
    expand: bool | None = None,
    direction: Flow = "right",
    in_channels: InChannels | None = None,
    image_size: int | tuple[int, int] | None = None,
    weights: Weights | None = None,
) -> Scene:
    """The diagram of a graph as a scene; ``Look`` says what there is to choose.

    ``in_channels`` adds channels, ``image_size`` (with ``in_channels``) sizes, parameters and MACs. ``weights`` of
    nodes become the widths of their edges; runs are then drawn once only where ``expand`` asks for it, with the means
    of their weights.

    Raises GraphError where ``in_channels`` do not fit the graph, ValueError for other values that make no sense.
    """
    look = Look(theme, labels, title, legend, expand, direction)
    return assembled(diagram(graph, look, in_channels=in_channels, image_size=image_size, weights=weights))


def assembled(drawn: Diagram) -> Scene:
    """The shapes of a diagram."""
    groups = tuple(_groups(drawn))
    graph, look = drawn.graph, drawn.look
    return Scene(graph.name, graph.description, groups, look.theme, page(groups))


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
    if drawn.look.legend:
        room = max(right - left, _NARROWEST_LEGEND)
        yield frame.legend(_legend(drawn, painter.letters), left, bottom + 30.0, room)


def _legend(drawn: Diagram, letters: Mapping[str, str]) -> list[tuple[str, str]]:
    """The signs that are present, with what they mean."""
    links = drawn.plan.links
    present = {link.direction for link in links} | {spot.kind for spot in drawn.plan.spots.values()}
    entries = [("down", "downsample"), ("up", "upsample"), ("same", "same level"), ("input", "backbone")]
    entries += [("fusion", f"fusion ({drawn.plan.usual})"), ("single", "single input")]
    shown = [entry for entry in entries if entry[0] in present]
    shown += letters.items()
    shown += [("output", "output")]
    shown += [("projection", f"1{TIMES}1 conv")] if any(link.projected for link in links) else []
    shown += [("weight", drawn.learnt.meaning)] if drawn.learnt.meaning else []
    return shown
