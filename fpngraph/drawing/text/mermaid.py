"""A scene as a Mermaid flowchart, for pages that draw those by themselves, as code hosts do.

Mermaid lays out by depth: rows and columns are its own, cells, colours and names are those of the diagram.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.scene import Scene
from fpngraph.drawing.picture.theme import Theme, shade
from fpngraph.drawing.text.outline import Knot, Outline, outline

MAX_EDGES = 500
MAX_CHARACTERS = 50_000
_FLOWS: Mapping[Flow, str] = {"right": "LR", "up": "BT"}
_ARROWS: Mapping[str, str] = {"down": "-->", "up": "-.->", "same": "-->"}


class TooLarge(ValueError):
    """More than Mermaid draws."""


def write(scene: Scene) -> str:
    """The text of a Mermaid file.

    Raises TooLarge for more edges or characters than Mermaid accepts unless its page is set up for more.
    """
    found = outline(scene)
    edges = len(found.ties) + len(found.stubs)
    if edges > MAX_EDGES:
        raise TooLarge(_too_large(scene.name, edges, "edges", MAX_EDGES))
    text = "\n".join([*_head(found), *_Writer(scene.theme, found).lines(), ""])
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(_too_large(scene.name, len(text), "characters", MAX_CHARACTERS))
    return text


def _too_large(name: str, number: int, what: str, limit: int) -> str:
    return (
        f"graph {name!r} takes {number:,} {what}, and Mermaid draws at most {limit:,}"
        "\n  hint: draw equal runs once (--collapse, expand=False), or write another format"
    )


def _head(found: Outline) -> Iterator[str]:
    if found.title:
        title = json.dumps(" - ".join(found.title), ensure_ascii=False)  # YAML reads it too
        yield from ("---", f"title: {title}", "---")
    yield f"flowchart {_FLOWS[found.flow]}"


class _Writer:
    def __init__(self, theme: Theme, found: Outline) -> None:
        self._dark = theme == "dark"
        self._found = found
        # names may hold dots and words of Mermaid's language, such as 'end'
        self._ids = {knot.name: f"n{number}" for number, knot in enumerate(found.knots)}

    def lines(self) -> Iterator[str]:
        yield from map(self._indented, self._nodes())
        yield from map(self._indented, self._edges())
        yield from map(self._indented, self._styles())

    @staticmethod
    def _indented(line: str) -> str:
        return f"  {line}"

    def _nodes(self) -> Iterator[str]:
        framed = {name for frame in self._found.frames for name in frame.knots}
        knots = {knot.name: knot for knot in self._found.knots}
        yield from (self._node(knot) for knot in knots.values() if knot.name not in framed)
        for number, frame in enumerate(self._found.frames):
            yield f"subgraph c{number}[{_quoted(frame.heading)}]"
            yield from (f"  {self._node(knots[name])}" for name in frame.knots)
            yield "end"
        for number, stub in enumerate(self._found.stubs):
            yield f"o{number}[{_quoted(stub.target)}]:::output"

    def _node(self, knot: Knot) -> str:
        left, right = ("[", "]") if knot.kind == "input" else ("([", "])")
        return f"{self._ids[knot.name]}{left}{_quoted(knot.label or ' ')}{right}:::{_class(knot)}"

    def _edges(self) -> Iterator[str]:
        for tie in self._found.ties:
            count = f"|{_quoted(f'{tie.count}x')}|" if tie.count > 1 else ""
            yield f"{self._ids[tie.source]} {_ARROWS[tie.kind]}{count} {self._ids[tie.target]}"
        for number, stub in enumerate(self._found.stubs):
            yield f"{self._ids[stub.source]} --> o{number}"

    def _styles(self) -> Iterator[str]:
        # a second style of an edge would take the place of its first
        looks = [
            (tie.kind, f"{tie.width:.3g}" if tie.weight else "2") for tie in (*self._found.ties, *self._found.stubs)
        ]
        for kind, width in sorted(set(looks)):
            places = ",".join(str(place) for place, other in enumerate(looks) if other == (kind, width))
            yield f"linkStyle {places} stroke:{self._colour(kind)},stroke-width:{width}px"
        ink = self._colour("ink")
        for kind, level in sorted({(_class(knot), knot.level) for knot in self._found.knots}):
            fill = self._colour("ground" if kind.startswith("single") else f"fill.{level}")
            yield f"classDef {kind} fill:{fill},stroke:{self._colour(f'line.{level}')},stroke-width:2px,color:{ink}"
        if self._found.stubs:
            ground = self._colour("ground")
            yield f"classDef output fill:{ground},stroke:{ground},color:{ink}"
        if self._found.frames:
            look = f"fill:{self._colour('cell')},stroke:{self._colour('cell_line')},color:{self._colour('muted')}"
            yield f"classDef cell {look}"
            yield f"class {','.join(f'c{number}' for number in range(len(self._found.frames)))} cell"

    def _colour(self, role: str) -> str:
        return shade(role)[self._dark]


def _class(knot: Knot) -> str:
    return f"{knot.kind}{knot.level}"


def _quoted(text: str) -> str:
    """Text that Mermaid takes as it is; ``#`` begins its own way to write letters."""
    for letter, written in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("\n", " ")):
        text = text.replace(letter, written)
    return f'"{text}"'
