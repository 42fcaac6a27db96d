"""A diagram as a Mermaid flowchart, for pages that draw those by themselves, as code hosts do.

Mermaid lays out by depth: rows and columns are its own, cells, colours and names are those of the diagram.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.layout.lettering import writable
from fpngraph.drawing.layout.plan import Link, Spot
from fpngraph.drawing.layout.telling import Direction
from fpngraph.drawing.picture.diagram import Diagram
from fpngraph.drawing.picture.theme import colour

MOST_EDGES = 500
MOST_CHARACTERS = 50_000
_FLOWS: Mapping[Flow, str] = {"right": "LR", "up": "BT"}
_ARROWS: Mapping[Direction, str] = {"down": "-->", "up": "-.->", "same": "-->"}
_USUAL = "2"  # px of a line that has no weight
_LETTERS = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " "})


class TooLargeToDraw(ValueError):
    """More than Mermaid draws."""


def write(drawn: Diagram) -> str:
    """The text of a Mermaid file.

    Raises TooLargeToDraw for more edges or characters than Mermaid accepts unless its page is set up for more.
    """
    edges = len(drawn.links) + len(drawn.graph.outputs)
    if edges > MOST_EDGES:
        raise TooLargeToDraw(_too_large(drawn.graph.name, edges, "edges", MOST_EDGES))
    text = writable("\n".join([*_head(drawn), *(f"  {line}" for line in _Writer(drawn).lines()), ""]))
    if len(text) > MOST_CHARACTERS:
        raise TooLargeToDraw(_too_large(drawn.graph.name, len(text), "characters", MOST_CHARACTERS))
    return text


def _too_large(name: str, number: int, what: str, limit: int) -> str:
    return (
        f"graph {name!r} takes {number:,} {what}, and Mermaid draws at most {limit:,}"
        "\n  hint: draw equal runs once (--collapse, expand=False), or write another format"
    )


def _head(drawn: Diagram) -> Iterator[str]:
    if drawn.title:
        title = json.dumps(" - ".join(drawn.title), ensure_ascii=False)  # YAML reads it too
        yield from ("---", f"title: {title}", "---")
    yield f"flowchart {_FLOWS[drawn.look.direction]}"


class _Writer:
    def __init__(self, drawn: Diagram) -> None:
        self._drawn = drawn
        self._spots = drawn.plan.spots
        # names may hold dots and words of Mermaid's language, such as 'end'
        self._ids = {name: f"n{number}" for number, name in enumerate(self._spots)}
        self._outputs = [(spot, name) for spot, names in drawn.plan.outputs.items() for name in names]

    def lines(self) -> Iterator[str]:
        yield from self._nodes()
        yield from self._edges()
        yield from self._styles()

    def _nodes(self) -> Iterator[str]:
        cells = enumerate(self._drawn.plan.cells)
        for number, cell in cells:
            lines = [self._node(spot) for spot in self._spots.values() if spot.cell == number]
            if number == 0:
                yield from lines
            else:
                yield f"subgraph c{number - 1}[{_quoted(self._drawn.caption(cell) or ' ')}]"
                yield from (f"  {line}" for line in lines)
                yield "end"
        for number, (_, name) in enumerate(self._outputs):
            yield f"o{number}[{_quoted(name)}]:::output"

    def _node(self, spot: Spot) -> str:
        left, right = ("[", "]") if spot.kind == "input" else ("([", "])")
        lines = (self._drawn.label(spot) or " ", *filter(None, [self._drawn.does(spot)]))
        return f"{self._ids[spot.name]}{left}{_quoted(*lines)}{right}:::{_class(spot)}"

    def _edges(self) -> Iterator[str]:
        for link in self._drawn.links:
            words = f"|{_quoted(words)}|" if (words := self._drawn.words(link)) else ""
            yield f"{self._ids[link.source]} {_ARROWS[link.direction]}{words} {self._ids[link.target]}"
        for number, (spot, _) in enumerate(self._outputs):
            yield f"{self._ids[spot]} --> o{number}"

    def _styles(self) -> Iterator[str]:
        # a second style of an edge would take the place of its first
        looks = [(link.direction, self._width(link)) for link in self._drawn.links]
        looks += [("same", _USUAL)] * len(self._outputs)
        for direction, width in sorted(set(looks)):
            places = ",".join(str(place) for place, look in enumerate(looks) if look == (direction, width))
            yield f"linkStyle {places} stroke:{self._colour(direction)},stroke-width:{width}px"
        ink = self._colour("ink")
        for kind, level in sorted({(_class(spot), spot.level) for spot in self._spots.values()}):
            fill = self._colour("ground" if kind.startswith("single") else f"fill.{level}")
            yield f"classDef {kind} fill:{fill},stroke:{self._colour(f'line.{level}')},stroke-width:2px,color:{ink}"
        ground = self._colour("ground")
        yield f"classDef output fill:{ground},stroke:{ground},color:{ink}"
        cells = len(self._drawn.plan.cells) - 1
        if cells:
            look = f"fill:{self._colour('cell')},stroke:{self._colour('cell_line')},color:{self._colour('muted')}"
            yield f"classDef cell {look}"
            yield f"class {','.join(f'c{number}' for number in range(cells))} cell"

    def _width(self, link: Link) -> str:
        weight = self._drawn.weight(link)
        return f"{weight.width:.3g}" if weight else _USUAL

    def _colour(self, role: str) -> str:
        return colour(role, self._drawn.look.theme)


def _class(spot: Spot) -> str:
    return f"{spot.kind}{spot.level}"


def _quoted(*lines: str) -> str:
    """Text that Mermaid takes as it is; ``#`` begins its own way to write letters."""
    return f'"{"<br/>".join(line.translate(_LETTERS) for line in lines)}"'
