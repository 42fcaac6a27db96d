"""A diagram on a grid of characters: nodes in their rows and columns, every edge a line that can be followed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from fpngraph.drawing.layout.plan import Spot
from fpngraph.drawing.picture.diagram import Diagram
from fpngraph.drawing.text.wires import DOWN, LEFT, RIGHT, UP, Board, Net, Port, Square

Letters = dict[Square, tuple[str, str]]
"""A letter and the role of its colour."""

_GAPS = (5, 7, 4)  # characters between columns
_LINES = (3, 4, 5)  # between levels
_AIRY = 3.0  # dislike of a further line between levels
_TANGLED = 7.0  # bends and crossings per edge; diagrams of papers have less than 4
_ORDERS = 5  # in which edges are put, each time those first that found no way before
_MARGIN = 3  # lines above and below all levels
_OFF_CENTRE = 0.4
_OVER, _UNDER = 2.0, 1.0  # dislikes of a line that begins above or below its node

_BARS = {
    frozenset((LEFT, RIGHT)): "─",
    frozenset((UP, DOWN)): "│",
    frozenset((RIGHT, DOWN)): "╭",
    frozenset((LEFT, DOWN)): "╮",
    frozenset((RIGHT, UP)): "╰",
    frozenset((LEFT, UP)): "╯",
    frozenset((UP, RIGHT, DOWN)): "├",
    frozenset((UP, LEFT, DOWN)): "┤",
    frozenset((LEFT, DOWN, RIGHT)): "┬",
    frozenset((LEFT, UP, RIGHT)): "┴",
    frozenset((LEFT, UP, RIGHT, DOWN)): "┼",
}
_HEADS = {RIGHT: "▸", DOWN: "▾", UP: "▴"}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a word stands: the squares of a line from ``start`` up to ``stop``."""

    start: int
    stop: int
    line: int

    @property
    def squares(self) -> list[Square]:
        return [(column, self.line) for column in range(self.start, self.stop)]

    def leaving(self) -> Iterator[Port]:
        yield (self.stop, self.line), RIGHT, 0.0
        for column, dislike in self._along():
            yield (column, self.line + 1), DOWN, dislike + _UNDER
            yield (column, self.line - 1), UP, dislike + _OVER

    def entering(self) -> Iterator[Port]:
        yield (self.start - 1, self.line), RIGHT, 0.0
        for column, dislike in self._along():
            yield (column, self.line - 1), DOWN, dislike
            yield (column, self.line + 1), UP, dislike

    def _along(self) -> Iterator[tuple[int, float]]:
        middle = (self.start + self.stop - 1) // 2
        for column in range(self.start, self.stop):
            yield column, _OFF_CENTRE * abs(column - middle)


def listed(drawn: Diagram) -> Mapping[str, str]:
    """The nodes whose outputs are named at the end of their level, with these names: the last one of each level."""
    spots = sorted(drawn.plan.spots.values(), key=lambda spot: drawn.columns[spot.name])
    last = {spot.level: spot.name for spot in spots if spot.name in drawn.plan.outputs}
    return {name: ", ".join(drawn.plan.outputs[name]) for name in last.values()}


def sheet(drawn: Diagram, width: int | None) -> Letters | None:
    """The letters of the diagram in at most ``width`` columns; None where it has no place, or its lines
    find no ways or are a tangle.
    """
    for gap in _GAPS:
        options = [
            (layout, board)
            for layout in (_Layout(drawn, gap, lines) for lines in _LINES)
            if (width is None or layout.width <= width) and (board := _wired(drawn, layout))
        ]
        if options:
            layout, board = min(options, key=lambda pair: pair[1].tangle + _AIRY * pair[0].lines)
            if board.tangle > _TANGLED * len(drawn.links):
                return None
            return layout.letters() | _lines(board)
    return None


class _Layout:
    """Places of all words."""

    def __init__(self, drawn: Diagram, between: int, lines: int) -> None:
        spots = drawn.plan.spots
        self._words = {name: _word(spot, drawn.label(spot)) for name, spot in spots.items()}
        self._listed = listed(drawn)
        levels = sorted({spot.level for spot in spots.values()}, reverse=True)
        self.lines = lines
        self._lines = {level: 1 + _MARGIN + number * (lines + 1) for number, level in enumerate(levels)}
        self.height = max(self._lines.values()) + 1 + _MARGIN
        sweeps = sorted(set(drawn.columns.values()))
        self.left = max(len(f"P{level}") for level in levels) + 2
        widest = {
            sweep: max(len(self._words[name]) for name in spots if drawn.columns[name] == sweep) for sweep in sweeps
        }
        middles, free = {}, self.left + 1
        for sweep in sweeps:
            middles[sweep] = free + (widest[sweep] - 1) // 2
            free += widest[sweep] + between
        self.slots = {name: self._slot(spot, middles[drawn.columns[name]]) for name, spot in spots.items()}
        self.ends = {
            name: Slot(free - 1, free - 1 + len(text), self.slots[name].line) for name, text in self._listed.items()
        }
        self._heads = [
            (min(self.slots[name].start for name, spot in spots.items() if spot.cell == number) - 1, heading)
            for number, cell in enumerate(drawn.plan.cells)
            if number and (heading := drawn.caption(cell))
        ]
        stops = [slot.stop for slot in (*self.slots.values(), *self.ends.values())]
        self.width = max(stops + [start + len(heading) for start, heading in self._heads[-1:]])

    def _slot(self, spot: Spot, middle: int) -> Slot:
        long = len(self._words[spot.name])
        start = middle - (long - 1) // 2
        return Slot(start, start + long, self._lines[spot.level])

    def taken(self) -> Iterator[Square]:
        """Where no line can run: all words, and the places of headings and levels."""
        for slot in (*self.slots.values(), *self.ends.values()):
            yield from slot.squares
        yield from ((column, 0) for column in range(self.width))
        yield from ((column, line) for column in range(self.left) for line in range(self.height))

    def letters(self) -> Letters:
        letters: Letters = {}
        for level, line in self._lines.items():
            letters |= _written(1, line, f"P{level}", "level")
        for name, word in self._words.items():
            letters |= _written(self.slots[name].start, self.slots[name].line, word, "node")
        for name, text in self._listed.items():
            letters |= _written(self.ends[name].start, self.ends[name].line, text, "level")
        following = [start - 1 for start, _ in self._heads[1:]] + [self.width]
        for (start, heading), stop in zip(self._heads, following, strict=False):
            letters |= _written(start, 0, heading[: stop - start], "heading")
        return letters


def _word(spot: Spot, label: str) -> str:
    """A node as it is written: inputs in square brackets."""
    left, right = "[]" if spot.kind == "input" else "()"
    return f"{left}{label or ' '}{right}"


def _written(start: int, line: int, text: str, role: str) -> Letters:
    return {(start + place, line): (letter, role) for place, letter in enumerate(text)}


def _wired(drawn: Diagram, layout: _Layout) -> Board | None:
    """The lines of all edges and outputs, if each finds a way."""
    jobs = [(Net(link.source, link.direction), layout.slots[link.target]) for link in drawn.links]
    jobs += [(Net(name, "same"), end) for name, end in layout.ends.items()]
    filled = frozenset(layout.taken())
    jobs.sort(key=lambda job: _length(layout.slots[job[0].source], job[1], filled))
    ends = set(layout.ends.values())
    for _ in range(_ORDERS):
        board = Board(layout.width, layout.height, filled)
        failed = []
        for net, slot in jobs:
            entering = list(slot.entering())[: 1 if slot in ends else None]
            if not board.connect(net, layout.slots[net.source].leaving(), entering):
                failed.append((net, slot))
        if not failed:
            return board
        jobs = failed + [job for job in jobs if job not in failed]
    return None


def _length(one: Slot, other: Slot, filled: Collection[Square]) -> tuple[bool, int]:
    """Whether a line between two words has to bend, and about how long it is."""
    if one.line == other.line:
        between = ((column, one.line) for column in range(one.stop, other.start))
        bends = any(square in filled for square in between)
    else:
        middle = max(one.start, other.start)
        between = ((middle, line) for line in range(min(one.line, other.line) + 1, max(one.line, other.line)))
        bends = one.start >= other.stop or other.start >= one.stop or any(square in filled for square in between)
    return bends, abs(other.start - one.start) + 3 * abs(other.line - one.line)


def _lines(board: Board) -> Letters:
    """Bars and arrows; where lines cross, in the colour of the one that runs across."""
    bars = {
        square: (_BARS[frozenset(arms)], arms.get(RIGHT, next(iter(arms.values()))).kind)
        for square, arms in board.arms.items()
    }
    return bars | {square: (_HEADS[way], net.kind) for square, (way, net) in board.heads.items()}
