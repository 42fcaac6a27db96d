"""What is drawn of a graph, how, and where it lies: all that a writer of any format needs to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Literal, get_args

from fpngraph.analysis.costs import Costs, lowered_cost
from fpngraph.analysis.shapes import InChannels, Lowered, lower
from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.columns import columns
from fpngraph.drawing.layout.geometry import Box, union
from fpngraph.drawing.layout.grid import Flow, Grid, lay_out
from fpngraph.drawing.layout.lettering import Lettering, in_circle, room_for
from fpngraph.drawing.layout.plan import Cell, Link, Plan, Spot, layer, plan
from fpngraph.drawing.layout.routes import Route, routes
from fpngraph.drawing.layout.rows import in_rows, most_rows
from fpngraph.drawing.layout.telling import NOTHING
from fpngraph.drawing.picture.size import length_px
from fpngraph.drawing.picture.theme import THEMES, TIMES, Theme
from fpngraph.drawing.picture.weights import Learned, Weight, Weights, learned
from fpngraph.errors import nearest
from fpngraph.graph.graph import Graph

Labels = Literal["names", "ids", "none", "ops"]
Legend = Literal["below", "beside", "none"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a reader may choose of any diagram. Raises ValueError for a choice that there is not."""

    theme: Theme = "auto"
    """Colours by the reader's preference (``auto``) or fixed."""
    labels: Labels = "names"
    """Names as in the file, numbers as effdet counts, or none; ``ops``: names, and all that nodes and edges do."""
    title: bool | str = True
    """The graph's name, a text, or none."""
    legend: Legend | bool = True
    """Below the picture (or True), on its right, or none (or False)."""
    expand: bool | None = None
    """Every run of a repeated stage is drawn (True), equal runs are drawn once (False), or, None, once from four on."""
    direction: Flow = "right"
    """Sweeps go to the right and levels are rows, or sweeps go up and levels are columns."""
    width: str | None = None
    """Of an SVG, a PNG or a PDF on paper, with its unit; None: as wide as the diagram needs."""
    cells: Mapping[str, str] | None = None
    """Headings of stages in place of their names; where runs are drawn one by one, with their number from 1 on."""
    rows: int | None = None
    """Below each other, in which cells go on; None: one, or as many as a width asks for."""

    @property
    def legend_at(self) -> Legend:
        """Where the legend is."""
        if isinstance(self.legend, str):
            return self.legend
        return "below" if self.legend else "none"

    def __post_init__(self) -> None:
        for value, known in (
            (self.theme, THEMES),
            (self.labels, get_args(Labels)),
            (self.legend, (*get_args(Legend), True, False)),
            (self.expand, (True, False, None)),
            (self.direction, get_args(Flow)),
        ):
            if value not in known:
                raise ValueError(f"{value!r} is none of {', '.join(map(repr, known))}")
        if self.rows is not None and not (isinstance(self.rows, int) and self.rows > 0):
            raise ValueError(f"rows is {self.rows!r}, a whole number from 1 on is required")
        if self.width is not None:
            length_px(self.width)


@dataclass(frozen=True)
class Diagram:
    """A graph as it is drawn. Places and ways are worked out when a writer asks for them."""

    graph: Graph
    look: Look
    plan: Plan
    lowered: Lowered | None
    """With the channels of the inputs, where they are known."""
    costs: Costs | None
    learnt: Learned
    compact: bool = False
    """Whether columns are nearer to each other, which leaves names less room."""
    whole: Diagram | None = None
    """That which this is one of several rows of."""

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The sweep of every spot, whichever way they go."""
        return columns(self.plan)

    @cached_property
    def grid(self) -> Grid:
        return self._level.turned() if self.look.direction == "up" else self._level

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Edges in the order of the plan, then stubs: routed with sweeps to the right, and turned with the grid."""
        ways = routes(self.plan, self._level)
        return tuple(route.turned() for route in ways) if self.look.direction == "up" else ways

    @cached_property
    def _level(self) -> Grid:
        """With levels as rows."""
        spacing = metrics.COMPACT if self.compact else metrics.USUAL
        return lay_out(self.plan, self.columns, radius=self._radius(), flow=self.look.direction, spacing=spacing)

    def _radius(self) -> float:
        """Of all nodes, such that most names fit into them."""
        if self.whole:
            return self.whole._radius()
        if self.look.labels not in ("names", "ops"):
            return metrics.RADIUS
        labels = {spot.label for spot in self.plan.spots.values()}
        widest = max(room_for(label, 11.0, 600) for label in labels)
        usual = min(max(metrics.RADIUS, ceil((widest + metrics.RING_ROOM) / 2)), metrics.WIDEST_RADIUS)
        sizes = [usual + more for more in range(int(metrics.LARGEST_RADIUS - usual) + 1)]
        return min(sizes, key=lambda radius: (sum(not lettering(label, radius).whole for label in labels), radius))

    def in_rows(self, rows: int) -> tuple[Diagram, ...]:
        """A diagram for every row. Raises ValueError for more rows than columns, and for sweeps that go up."""
        if rows == 1:
            return (self,)
        if self.look.direction == "up":
            raise ValueError("rows are for sweeps to the right\n  hint: leave out direction='up' (--direction up)")
        if rows > (most := most_rows(self.plan)):
            found = f"{rows} rows are asked for, and graph {self.graph.name!r} has columns for {most}"
            once = any(cell.runs > 1 for cell in self.plan.cells)
            raise ValueError(f"{found}\n  hint: draw every run, with expand=True (--expand)" if once else found)
        return tuple(replace(self, plan=part, whole=self) for part in in_rows(self.plan, rows))

    @property
    def title(self) -> tuple[str, ...]:
        """Its lines: the name, and below it the cost where that is known."""
        name = self.graph.name if self.look.title is True else self.look.title
        if not name:
            return ()
        return (name, _subtitle(self.costs)) if self.costs else (name,)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The edges in drawing order."""
        return tuple(sorted(self.plan.links, key=layer))

    def weight(self, link: Link) -> Weight | None:
        """What the edge's node learned for it, where that is drawn."""
        return self.learnt.edges.get((link.source, link.target))

    def words(self, link: Link) -> str:
        """What an edge does and how often it is there, where no legend says it; empty unless that is asked for."""
        count = f"{link.count}x" if link.count > 1 else ""
        if self.look.labels != "ops":
            return count
        told = self.plan.told
        rarer = {letter: words for words, letter in told.capitals.items()}
        does = rarer[link.mark] if link.mark else told.usual.get(link.direction, "")
        square = f"1{TIMES}1 conv" if link.projected else ""
        return " · ".join(filter(None, (count, square, does if does != NOTHING else "")))

    def does(self, spot: Spot) -> str:
        """What a node does with its maps, where no legend says it; empty unless that is asked for."""
        told = spot.fusion or self.plan.told.usual.get(spot.kind, "")
        return told if self.look.labels == "ops" and told != NOTHING else ""

    @cached_property
    def extent(self) -> Box:
        """What the nodes and the lines of edges take."""
        boxes = [route.curve.box() for route in self.routes]
        boxes += [
            (place.x - place.half, place.y - place.half - 2, place.x + place.half, place.y + place.half + 2)
            for place in self.grid.places.values()
        ]
        return union(boxes)

    def cells(self) -> Iterator[tuple[Cell, Box, tuple[str, ...]]]:
        """Every cell but that of the inputs, with its border and the nodes in it."""
        left, top, right, bottom = self.extent
        reach = self.grid.radius + metrics.CELL_PAD
        names = self.plan.names()
        for number, (cell, span) in enumerate(zip(self.plan.cells, self.grid.spans, strict=True)):
            one, other = sorted(self.grid.sweeps[sweep] for sweep in span)
            box = (one - reach, top - metrics.ROW_PAD, other + reach, bottom + metrics.ROW_PAD)
            if self.grid.flow == "up":
                box = (left - metrics.ROW_PAD, one - reach, right + metrics.ROW_PAD, other + reach)
            if number:
                yield cell, box, tuple(names[number])

    def label(self, spot: Spot) -> str:
        """What is written in a node; empty where the reader wants no labels."""
        return {"ids": str(spot.number), "none": ""}.get(self.look.labels, spot.label)

    def heading(self, cell: Cell) -> str:
        """Of a cell: its stage, with the run where there are several, or the graph's name where it is of no stage.

        Empty where the title says that name already.
        """
        if cell.stage is None:
            return "" if self.graph.name in self.title[:1] else self.graph.name
        if named := (self.look.cells or {}).get(cell.stage):
            return named if cell.run is None or self._is_alone(cell) else f"{named} {cell.run + 1}"
        return cell.stage if cell.run is None or cell.runs > 1 else f"{cell.stage}.{cell.run}"

    def _is_alone(self, cell: Cell) -> bool:
        """Whether no other run of its stage is drawn."""
        return sum(other.stage == cell.stage for other in self.plan.cells) == 1

    def caption(self, cell: Cell) -> str:
        """The heading with how many runs the cell stands for."""
        return f"{self.heading(cell)} {TIMES}{cell.runs}" if cell.runs > 1 else self.heading(cell)


def diagram(
    graph: Graph,
    look: Look = Look(),
    *,
    in_channels: InChannels | None = None,
    image_size: int | tuple[int, int] | None = None,
    weights: Weights | None = None,
) -> Diagram:
    """The diagram of a graph. Arguments and errors are those of ``draw``."""
    if image_size is not None and in_channels is None:
        raise ValueError("image_size is given, but no in_channels; sizes and costs need both")
    lowered = None if in_channels is None else lower(graph, in_channels)
    costs = lowered_cost(lowered, image_size) if lowered and image_size is not None else None
    _check_cells(graph, look.cells or {})
    drawn = plan(
        graph, lowered, expand=True if look.expand is None and weights else look.expand, ops=look.labels == "ops"
    )
    return Diagram(graph, look, drawn, lowered, costs, learned(graph, drawn, weights or {}))


def lettering(label: str, radius: float, *, ring: bool = True) -> Lettering:
    """A name as it is written in a node."""
    return in_circle(label, radius - (metrics.RING_ROOM if ring else 5.0) / 2, 600)


def _check_cells(graph: Graph, headings: Mapping[str, str]) -> None:
    stages = dict.fromkeys(node.stage for node in graph.nodes.values() if node.stage)
    for stage, words in headings.items():
        if not words.strip():
            raise ValueError(f"cells has {words!r} for stage {stage!r}; a text is required")
        if stage not in stages:
            hint = nearest(stage, stages) if stages else "only stages of a graph have headings"
            raise ValueError(f"cells has {stage!r}, which is no stage of graph {graph.name!r}\n  hint: {hint}")


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
