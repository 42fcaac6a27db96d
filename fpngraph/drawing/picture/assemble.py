"""The scene of a diagram: nodes, edges and what stands around them, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fpngraph.analysis.shapes import InChannels
from fpngraph.drawing.layout.geometry import union
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.layout.rows import most_rows
from fpngraph.drawing.picture import frame
from fpngraph.drawing.picture.clear import Near, too_near, warn_of
from fpngraph.drawing.picture.compose import CROPPED, MARGIN, Painter, page
from fpngraph.drawing.picture.diagram import Diagram, Labels, Legend, Look, diagram
from fpngraph.drawing.picture.scene import Group, Scene, moved
from fpngraph.drawing.picture.size import LEAST_PT, least_in, length_px, smallest_pt, too_small
from fpngraph.drawing.picture.theme import TIMES, Theme
from fpngraph.drawing.picture.weights import Weights
from fpngraph.graph.graph import Graph

_NARROWEST_LEGEND = 380.0
_ROW_GAP = 26.0
_LABELS_PT = 10.5 * 0.75  # of the strides of levels, which every picture has
_MOST_ROWS = 6  # that a width alone leads to


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
    rows: int | None = None,
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
    look = Look(theme, labels, title, legend, expand, direction, width, cells, rows)
    return assembled(diagram(graph, look, in_channels=in_channels, image_size=image_size, weights=weights))


def assembled(drawn: Diagram) -> Scene:
    """The shapes of a diagram; with columns nearer to each other, or in rows, where a width leaves no other way.

    Raises ValueError for a width at which the smallest text could not be read, and for more rows than columns.
    """
    look = drawn.look
    if look.width is None:
        parts = drawn.in_rows(look.rows or 1)
        if len(parts) > 1 and (near := too_near(parts)):
            warn_of(near, f"in {len(parts)} rows", ["another number of rows"])
        return _scene(drawn, parts)
    ways = [replace(drawn, compact=compact).in_rows(rows) for rows in _rows(drawn) for compact in (False, True)]
    small: list[Scene] = []
    crowded: list[tuple[Near, Scene]] = []
    for parts in [parts for parts in ways if _may_fit(parts)] or ways[-1:]:
        scene = _scene(drawn, parts)
        if smallest_pt(scene) < LEAST_PT:
            small.append(scene)
        elif near := too_near(parts):
            crowded.append((near, scene))
        else:
            return scene
    if not crowded:
        raise too_small(max(small, key=smallest_pt), look.width, list(_narrower(drawn)))
    near, scene = max(crowded, key=lambda pair: pair[0].px)
    warn_of(near, f"at a width of {look.width}", list(_roomier(drawn)))
    return scene


def _rows(drawn: Diagram) -> Sequence[int]:
    """The numbers of rows that may be."""
    if drawn.look.rows:
        return (drawn.look.rows,)
    return (1,) if drawn.look.direction == "up" else range(1, min(most_rows(drawn.plan), _MOST_ROWS) + 1)


def _may_fit(parts: Sequence[Diagram]) -> bool:
    """Whether the columns alone are not too wide already; their width costs much less than a scene."""
    wide = max(part.grid.sweeps[-1] - part.grid.sweeps[0] for part in parts)
    return wide * LEAST_PT <= length_px(parts[0].look.width or "") * _LABELS_PT


def _scene(drawn: Diagram, parts: Sequence[Diagram]) -> Scene:
    groups = tuple(_groups(drawn, parts))
    graph, look = drawn.graph, drawn.look
    width = length_px(look.width) if look.width else None
    return Scene(graph.name, graph.description, groups, look.theme, page(groups, CROPPED if width else MARGIN), width)


def _narrower(drawn: Diagram) -> Iterator[str]:
    """What is not chosen yet and makes a picture narrower, in Python and on the command line."""
    stages = [cell.stage for cell in drawn.plan.cells if cell.run is not None]
    if drawn.look.rows:
        yield "another number of rows"
    elif drawn.look.direction != "up":
        yield "direction='up' (--direction up)"
    if drawn.look.expand is not False and len(set(stages)) < len(stages):
        yield "expand=False (--collapse)"
    if drawn.look.legend_at == "beside":
        yield "legend='below' (--legend below)"


def _roomier(drawn: Diagram) -> Iterator[str]:
    """What may keep edges clear of nodes, in Python and on the command line."""
    one = replace(drawn, compact=True).in_rows(1)
    if not drawn.look.rows and not too_near(one):
        yield f"a width of {least_in(_scene(drawn, one)):.1f}in"
    if drawn.look.direction == "up":
        yield "direction='right' (--direction right)"
    yield from _narrower(drawn)


def _groups(drawn: Diagram, parts: Sequence[Diagram]) -> Iterator[Group]:
    """Everything on the page, in drawing order, row by row."""
    letters: dict[str, str] = {}
    body: list[Group] = []
    for part in parts:
        row = _row(part, letters)
        _, top, _, _ = union(group.box() for group in row)
        below = union(group.box() for group in body)[3] + _ROW_GAP - top if body else 0.0
        body += [moved(group, below) for group in row]
    left, top, right, bottom = union(group.box() for group in body)
    yield from frame.title(drawn.title, left, top - 18.0)
    yield from body
    entries = _legend(drawn, letters) + ([("repeated", "from a row above")] if len(parts) > 1 else [])
    if drawn.look.legend_at == "below":
        yield frame.legend(entries, left, bottom + 30.0, max(right - left, _NARROWEST_LEGEND))
    elif drawn.look.legend_at == "beside":
        yield frame.legend(entries, right + 34.0, max(top + 20.0, (top + bottom - 24.0 * len(entries)) / 2), 0.0)


def _row(drawn: Diagram, letters: dict[str, str]) -> list[Group]:
    painter = Painter(drawn, letters)
    edges, texts = painter.edges()
    badges = [*painter.badges()]
    over = [*texts, *painter.stub_names()]
    body = [*frame.around(drawn, union(edge.box() for edge in edges))]
    body += edges
    body += [Group("labels", tuple(over))] if over else []
    body += painter.nodes()
    return body + ([Group("badges", tuple(badges))] if badges else [])


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
    shown += [(f"{count}x", f"map read {count} times") for count in sorted({it.count for it in links} - {1})]
    return shown
