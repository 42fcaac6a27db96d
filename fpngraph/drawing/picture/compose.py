"""The scene of a diagram from its plan, grid and routes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil, floor
from string import ascii_lowercase

from fpngraph.analysis.costs import written
from fpngraph.analysis.wording import in_words
from fpngraph.drawing.layout.geometry import Box, Point, Track, shortened, union
from fpngraph.drawing.layout.grid import Place, output_size
from fpngraph.drawing.layout.lettering import room_for
from fpngraph.drawing.layout.plan import Link, Spot, layer
from fpngraph.drawing.layout.routes import Route
from fpngraph.drawing.layout.telling import letters
from fpngraph.drawing.picture.diagram import Diagram, lettering
from fpngraph.drawing.picture.frame import LETTER_RADIUS, lettered
from fpngraph.drawing.picture.marks import (
    HEAD,
    LINE,
    NOTCH,
    REPEATED,
    Interval,
    Segments,
    arrowhead,
    dashes,
    gaps,
    shared_starts,
)
from fpngraph.drawing.picture.places import FreePlaces
from fpngraph.drawing.picture.scene import Circle, Group, Paint, Path, Polygon, Rect, Shape, Text
from fpngraph.drawing.picture.theme import TIMES

_SIGN = 10.5
_ABOUT = 10.5
_BADGE = 10.0
_SQUARE = 8.0
MARGIN, CROPPED = 22.0, 4.0
"""Around a picture that stands alone, and around one that has its place in a page of text."""


class Painter:
    """Puts the shapes of one diagram together."""

    def __init__(self, drawn: Diagram, letters: dict[str, str]) -> None:
        self._drawn = drawn
        self._plan = drawn.plan
        self._grid = drawn.grid
        self._routes = drawn.routes
        self._weights = drawn.learnt.edges
        self.letters = letters
        """Letters on nodes, once they are drawn, to what they say; the same in every row."""
        self._tracks = [Track(route.curve) for route in self._routes]
        self._segments = Segments(self._tracks)
        self._free = FreePlaces(self._tracks, self._segments, self._grid.places, [box for _, box, _ in drawn.cells()])

    def edges(self) -> tuple[list[Group], list[Shape]]:
        """Edges and stubs in drawing order, and the texts on them."""
        wider = [self._line_width(route) - LINE for route in self._routes]
        open_at = gaps(self._routes, self._tracks, self._segments, wider)
        links = {key: route.link for key, route in enumerate(self._routes) if route.link}
        squares = {key: (self._square(key, link),) for key, link in links.items() if link.projected}
        texts: list[Shape] = []
        for key in sorted(links, key=lambda key: self._tracks[key].length):  # short ones choose first
            if text := _edge_text(links[key]):
                sign, interval = self._text(key, text, links[key].direction)
                texts.append(sign)
                if interval:
                    open_at.setdefault(key, []).append(interval)
        together = shared_starts(self._routes)
        order = sorted(range(len(self._routes)), key=lambda key: (layer(self._routes[key].link), key))
        return [self._edge(key, open_at.get(key, []), squares.get(key, ()), together) for key in order], texts

    def _edge(self, key: int, open_at: list[Interval], marks: tuple[Shape, ...], together: set[Point]) -> Group:
        route, track = self._routes[key], self._tracks[key]
        direction = route.link.direction if route.link else "same"
        pattern = dashes(track, open_at, dashed=direction == "up", in_step=route.curve.start in together)
        data = {"from": route.source, "to": route.target, "kind": direction}
        if route.link is None:
            data = {"from": route.source, "output": route.target}
        elif route.link.count > 1:
            data["count"] = str(route.link.count)
        if weight := self._weights.get((route.source, route.target)):
            data["weight"] = str(weight)
            data |= {"weight-runs": str(weight.runs)} if weight.runs > 1 else {}
        wide = self._line_width(route)
        line = Path(
            shortened(route.curve, NOTCH),
            Paint(line=direction, line_width=wide, dashes=pattern),
            "edge" if route.link else "stub",
            data,
        )
        return Group("link", (line, Polygon(arrowhead(track, wide - LINE), Paint(direction)), *marks))

    def _line_width(self, route: Route) -> float:
        weight = self._weights.get((route.source, route.target)) if route.link else None
        return weight.width if weight else LINE

    def _square(self, key: int, link: Link) -> Rect:
        first = min(21.0, (self._tracks[key].length - HEAD) / 2)
        along = self._free.on(key, _SQUARE, _SQUARE, from_start=first)
        x, y = self._tracks[key].point(along)
        half = _SQUARE / 2
        return Rect(x - half, y - half, _SQUARE, _SQUARE, 1.5, Paint("ground", link.direction, 1.5))

    def _text(self, key: int, text: str, role: str) -> tuple[Text, Interval | None]:
        """A text on an edge, with the stretch that the edge leaves it, or beside the edge."""
        wide, high = room_for(text, _SIGN, 700) + 4.0, _SIGN + 3.0
        (x, y), along = self._free.text(key, wide, high)
        sign = Text(x, y + _SIGN * 0.36, text, _SIGN, role, 700, "middle")
        if along is None:
            return sign, None
        dx, dy = self._tracks[key].heading(along)
        half = min(wide / max(abs(dx), 1e-6), high / max(abs(dy), 1e-6)) / 2
        return sign, (along - half, along + half)

    def badges(self) -> Iterator[Shape]:
        """What is not usual of nodes: words beside their nodes, or letters on them where one of them has no room."""
        for words in dict.fromkeys(spot.fusion for spot in self._plan.spots.values() if spot.fusion):
            nodes = [self._grid.places[spot.name] for spot in self._plan.spots.values() if spot.fusion == words]
            named = self._free.beside(nodes, room_for(words, _BADGE, 600), _BADGE)
            for x, y in named or ():
                yield Text(x, y + _BADGE * 0.36, words, _BADGE, "muted", 600, "middle")
            if named is None:
                taken = {said: letter for letter, said in self.letters.items()}
                spare = (letter for letter in letters(ascii_lowercase) if letter not in self.letters)
                letter = taken.get(words) or next(spare)
                self.letters[letter] = words
                for place in nodes:
                    yield lettered(letter, *self._free.at_border(place, 2 * LETTER_RADIUS))

    def nodes(self) -> Iterator[Group]:
        for name, spot in self._plan.spots.items():
            data = {"of" if spot.repeated else "node": name, "level": str(spot.level), "kind": spot.kind}
            if name in self._plan.outputs:
                data["output"] = " ".join(self._plan.outputs[name])
            shapes = tuple(self._node(spot, self._grid.places[name]))
            known, tip = facts(self._drawn, spot)
            yield Group("repeat" if spot.repeated else "node", shapes, {**data, **known}, tip)

    def _node(self, spot: Spot, place: Place) -> Iterator[Shape]:
        line = f"line.{spot.level}"
        paint = Paint("ground" if spot.kind == "single" else f"fill.{spot.level}", line, LINE)
        if spot.repeated:
            paint = Paint("ground", line, 1.2, REPEATED)
        if place.square:
            side = 2 * place.half
            yield Rect(place.x - place.half, place.y - place.half, side, side, 5.0, paint)
        else:
            yield Circle(place.x, place.y, place.half, paint)
        ring = spot.name in self._plan.outputs
        if ring and place.square:
            inner = place.half - 3.4
            yield Rect(place.x - inner, place.y - inner, 2 * inner, 2 * inner, 3.0, Paint(None, "ring", 1.2))
        elif ring:
            yield Circle(place.x, place.y, place.half - 3.4, Paint(None, "ring", 1.2))
        if label := self._drawn.label(spot):
            yield from _inside(label, place, ring, "muted" if spot.repeated else "ink")

    def stub_names(self) -> Iterator[Text]:
        """Names of outputs, with their channels where those are known."""
        ends = [(name, spot) for spot, names in self._plan.outputs.items() for name in names]
        crowd = Counter(self._plan.spots[spot].level for _, spot in ends)
        for name, spot in ends:
            level = self._plan.spots[spot].level
            end = self._grid.stubs[name]
            size = output_size(crowd[level])
            about = f"{self._drawn.lowered.feature(spot).channels}ch" if self._drawn.lowered else ""
            if self._grid.flow == "up":
                above = _ABOUT + 2.0 if about and crowd[level] == 1 else 0.0
                yield Text(end.x, end.y - 7.0 - above, name, size, f"text.{level}", 700, "middle")
                if above:
                    yield Text(end.x, end.y - 7.0, about, _ABOUT, "muted", 400, "middle")
                continue
            x, y = end.x + 7.0, end.y + size * 0.36
            yield Text(x, y, name, size, f"text.{level}", 700)
            if about and crowd[level] == 1:
                yield Text(x, y + _ABOUT + 2.5, about, _ABOUT, "muted")
            elif about:
                yield Text(x + room_for(name, size, 700) + 6.0, y, about, _ABOUT, "muted")


def _edge_text(link: Link) -> str:
    ratio = f"{'÷' if link.direction == 'down' else TIMES}{link.ratio}" if link.ratio > 2 else ""
    count = f"{link.count}x" if link.count > 1 else ""
    return " · ".join(filter(None, (count, ratio, link.mark)))


def facts(drawn: Diagram, spot: Spot) -> tuple[dict[str, str], str]:
    """What is known of a node beside its place: data attributes, and a sentence for the reader."""
    data: dict[str, str] = {}
    words = [f"{spot.name}: level {spot.level}"]
    node = drawn.graph.nodes.get(spot.name)
    if node:
        words.append(f"{node.fusion.name} of {', '.join(edge.source for edge in node.edges)}")
        words += [" ".join(map(in_words, node.op))] if node.op else []
    if drawn.lowered:
        channels = drawn.lowered.feature(spot.name).channels
        data["channels"] = str(channels)
        words.append(f"{channels} channels")
    if drawn.costs and node:
        found = drawn.costs.nodes[spot.name]
        data |= {"height": str(found.size.height), "width": str(found.size.width)}
        numbers = {"parameters": found.parameters, "macs": found.macs}
        data |= {key: str(number) for key, number in numbers.items() if number is not None}
        words.append(f"{found.size.height} x {found.size.width} px")
        words.append(f"{written(found.parameters)} parameters, {written(found.macs)} MACs")
    words += [drawn.learnt.words[spot.name]] if spot.name in drawn.learnt.words else []
    return data, "; ".join(words)


def _inside(label: str, place: Place, ring: bool, ink: str) -> Iterator[Text]:
    """The label within a node."""
    name = lettering(label, place.half, ring=ring)
    for number, line in enumerate(name.lines):
        y = place.y + name.size * 0.36 + (number - (len(name.lines) - 1) / 2) * name.size
        yield Text(place.x, y, line, name.size, ink, 600, "middle")


def page(groups: Sequence[Group], margin: float) -> Box:
    """The extent of everything, with a margin, in whole pixels."""
    left, top, right, bottom = union(group.box() for group in groups)
    return floor(left - margin), floor(top - margin), ceil(right + margin), ceil(bottom + margin)
