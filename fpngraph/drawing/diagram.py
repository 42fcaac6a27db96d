"""The way from a graph to the scene of its diagram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import get_args

from fpngraph.costs import Costs, cost, written
from fpngraph.drawing import frame, upright
from fpngraph.drawing.columns import columns
from fpngraph.drawing.compose import RING_ROOM, Composer, Facts, Labels, page
from fpngraph.drawing.grid import lay_out
from fpngraph.drawing.lettering import room_for
from fpngraph.drawing.plan import Plan, plan
from fpngraph.drawing.routes import routes
from fpngraph.drawing.scene import Flow, Group, Scene, union
from fpngraph.drawing.theme import THEMES, TIMES, Theme
from fpngraph.drawing.weights import Learned, Weights, learned
from fpngraph.graph import Graph
from fpngraph.shapes import InChannels, infer

_RADIUS = 17.0
_WIDEST_RADIUS = 25.0
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
    """The diagram of a graph.

    ``theme``: colours by the reader's preference (``auto``) or fixed. ``labels``: names as in the file, numbers as
    effdet counts, or none. ``title``: the graph's name, a text, or none. ``expand``: every run of a repeated stage
    is drawn (True), equal runs are drawn once (False), or, None, once from four on. ``direction``: sweeps go to the
    right and levels are rows, or sweeps go up and levels are columns. ``in_channels`` adds channels, ``image_size``
    (with ``in_channels``) sizes, parameters and MACs. ``weights`` of nodes become the widths of their edges; runs are
    then drawn once only where ``expand`` asks for it, with the means of their weights.

    Raises GraphError where ``in_channels`` do not fit the graph, ValueError for other values that make no sense.
    """
    _check_choices(theme, labels, direction)
    if image_size is not None and in_channels is None:
        raise ValueError("image_size is given, but no in_channels; sizes and costs need both")
    drawn = plan(graph, expand=True if expand is None and weights else expand, in_channels=in_channels)
    learnt = learned(graph, drawn, weights or {})
    composer = _composer(drawn, labels, direction, learnt)
    costs = cost(graph, in_channels, image_size) if in_channels is not None and image_size is not None else None
    words = frame.Words(
        unnamed=graph.name,
        title=graph.name if title is True else title or None,
        subtitle=_subtitle(costs) if title and costs else None,
        legend=legend,
        channels=_channels(graph, drawn, in_channels),
        widths=learnt.meaning,
    )
    facts = _facts(graph, drawn, in_channels, costs, learnt)
    groups = tuple(_groups(drawn, composer, words, facts))
    return Scene(graph.name, graph.description, groups, theme, page(groups), direction)


def _check_choices(theme: str, labels: str, direction: str) -> None:
    for value, known in ((theme, THEMES), (labels, get_args(Labels)), (direction, get_args(Flow))):
        if value not in known:
            raise ValueError(f"{value!r} is none of {', '.join(map(repr, known))}")


def _composer(drawn: Plan, labels: Labels, direction: Flow, learnt: Learned) -> Composer:
    """Lays out and routes with sweeps to the right, and turns the geometry before anything is written on it."""
    grid = lay_out(drawn, columns(drawn), radius=_radius(drawn, labels), flow=direction)
    ways = routes(drawn, grid)
    if direction == "up":
        grid, ways = grid.turned(), tuple(route.turned() for route in ways)
    return Composer(drawn, grid, ways, labels, learnt.edges)


def _radius(drawn: Plan, labels: Labels) -> float:
    """Of all nodes, such that most names fit into them."""
    if labels != "names":
        return _RADIUS
    widest = max(room_for(spot.label, 11.0, 600) for spot in drawn.spots.values())
    return min(max(_RADIUS, ceil((widest + RING_ROOM) / 2)), _WIDEST_RADIUS)


def _channels(graph: Graph, drawn: Plan, in_channels: InChannels | None) -> dict[int, int]:
    if in_channels is None:
        return {}
    features = infer(graph, in_channels)
    first = [features[name] for name, spot in drawn.spots.items() if spot.cell == 0]
    return {feature.level: feature.channels for feature in reversed(first)}


def _subtitle(costs: Costs) -> str:
    return f"{_short(costs.parameters)} parameters, {_short(costs.macs)} MACs"


def _short(number: int | None) -> str:
    """A number with three digits and a letter for its power of ten; ``?`` where nobody knows it."""
    if number is None:
        return "?"
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


def _facts(
    graph: Graph, drawn: Plan, in_channels: InChannels | None, costs: Costs | None, learnt: Learned
) -> dict[str, Facts]:
    features = infer(graph, in_channels) if in_channels is not None else {}
    facts: dict[str, Facts] = {}
    for name, spot in drawn.spots.items():
        data: dict[str, str] = {}
        words = [f"{name}: level {spot.level}"]
        node = graph.nodes.get(name)
        if node:
            words.append(f"{node.fusion.name} of {', '.join(edge.source for edge in node.edges)}")
            words += [" ".join(layer.name for layer in node.op)] if node.op else []
        if name in features:
            data["channels"] = str(features[name].channels)
            words.append(f"{features[name].channels} channels")
        if costs and name in costs.nodes:
            found = costs.nodes[name]
            data |= {"height": str(found.size.height), "width": str(found.size.width)}
            numbers = {"parameters": found.parameters, "macs": found.macs}
            data |= {key: str(number) for key, number in numbers.items() if number is not None}
            words.append(f"{found.size.height} x {found.size.width} px")
            words.append(f"{written(found.parameters)} parameters, {written(found.macs)} MACs")
        words += [learnt.words[name]] if name in learnt.words else []
        facts[name] = Facts(data, "; ".join(words))
    return facts


def _groups(drawn: Plan, composer: Composer, words: frame.Words, facts: Mapping[str, Facts]) -> Iterator[Group]:
    """Everything on the page, in drawing order."""
    edges, texts = composer.edges()
    over = [*texts, *composer.badges(), *composer.stub_names()]
    nodes = tuple(composer.nodes(facts))
    around = upright.around if composer.grid.flow == "up" else frame.around
    body = [*around(drawn, composer.grid, words, composer.extent(), union(edge.box() for edge in edges))]
    body += edges
    body += [Group("labels", tuple(over))] if over else []
    body += nodes
    left, top, right, bottom = union(group.box() for group in body)
    yield from frame.title(words, left, top - 18.0)
    yield from body
    if words.legend:
        room = max(right - left, _NARROWEST_LEGEND)
        yield frame.legend(_legend(drawn, words.widths), left, bottom + 30.0, room)


def _legend(drawn: Plan, widths: str | None) -> list[tuple[str, str]]:
    """The signs that are present, with what they mean."""
    directions = {link.direction for link in drawn.links}
    kinds = {spot.kind for spot in drawn.spots.values()}
    entries = [("down", "downsample"), ("up", "upsample"), ("same", "same level"), ("input", "backbone")]
    entries += [("fusion", "fusion"), ("single", "single input")]
    shown = [entry for entry in entries if entry[0] in directions | kinds]
    shown += [("output", "output")]
    shown += [("projection", f"1{TIMES}1 conv")] if any(link.projected for link in drawn.links) else []
    shown += [("weight", widths)] if widths else []
    return shown
