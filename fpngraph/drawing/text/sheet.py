"""A diagram on a grid of characters: nodes in their rows and columns, every edge a line that can be followed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from fpngraph.drawing.text.outline import Knot, Outline
from fpngraph.drawing.text.wires import DOWN, LEFT, RIGHT, UP, Board, Cell, Net, Port

Letters = dict[Cell, tuple[str, str]]
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
    """Where a word stands: the cells of a line from ``start`` up to ``stop``."""

    start: int
    stop: int
    line: int

    @property
    def cells(self) -> list[Cell]:
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


def word(knot: Knot) -> str:
    """A node as it is written: inputs in square brackets."""
    left, right = "[]" if knot.kind == "input" else "()"
    return f"{left}{knot.label or ' '}{right}"


def listed(found: Outline) -> Mapping[str, str]:
    """The nodes whose outputs are named at the end of their level, with these names: the last one of each level."""
    last = {knot.level: knot for knot in sorted(found.knots, key=lambda knot: knot.along) if knot.outputs}
    return {knot.name: ", ".join(knot.outputs) for knot in last.values()}


def sheet(found: Outline, width: int | None) -> Letters | None:
    """The letters of the diagram in at most ``width`` columns; None where it has no place, or its lines
    find no ways or are a tangle.
    """
    for gap in _GAPS:
        drawn = [
            (layout, board)
            for layout in (_Layout(found, gap, lines) for lines in _LINES)
            if (width is None or layout.width <= width) and (board := _wired(found, layout))
        ]
        if drawn:
            layout, board = min(drawn, key=lambda pair: pair[1].tangle + _AIRY * pair[0].lines)
            if board.tangle > _TANGLED * len(found.ties):
                return None
            return layout.letters() | _lines(board)
    return None


class _Layout:
    """Places of all words."""

    def __init__(self, found: Outline, between: int, lines: int) -> None:
        self._found = found
        levels = sorted({knot.level for knot in found.knots}, reverse=True)
        self.lines = lines
        self._lines = {level: 1 + _MARGIN + number * (lines + 1) for number, level in enumerate(levels)}
        self.height = max(self._lines.values()) + 1 + _MARGIN
        xs = sorted({knot.along for knot in found.knots})
        self.left = max(len(f"P{level}") for level in levels) + 2
        widest = {x: max(len(word(knot)) for knot in found.knots if knot.along == x) for x in xs}
        middles, free = {}, self.left + 1
        for x in xs:
            middles[x] = free + (widest[x] - 1) // 2
            free += widest[x] + between
        self.slots = {knot.name: self._slot(knot, middles[knot.along]) for knot in found.knots}
        levels_of = {knot.name: knot.level for knot in found.knots}
        self.ends = {
            name: Slot(free - 1, free - 1 + len(text), self._lines[levels_of[name]])
            for name, text in listed(found).items()
        }
        self._heads = [
            (min(self.slots[name].start for name in frame.knots) - 1, frame.heading)
            for frame in found.frames
            if frame.knots and [frame.heading] != list(found.title[:1])
        ]
        stops = [slot.stop for slot in (*self.slots.values(), *self.ends.values())]
        self.width = max(stops + [start + len(heading) for start, heading in self._heads[-1:]])

    def _slot(self, knot: Knot, middle: int) -> Slot:
        start = middle - (len(word(knot)) - 1) // 2
        return Slot(start, start + len(word(knot)), self._lines[knot.level])

    def taken(self) -> Iterator[Cell]:
        """Where no line can run: all words, and the places of headings and levels."""
        for slot in (*self.slots.values(), *self.ends.values()):
            yield from slot.cells
        yield from ((column, 0) for column in range(self.width))
        yield from ((column, line) for column in range(self.left) for line in range(self.height))

    def letters(self) -> Letters:
        letters: Letters = {}
        for level, line in self._lines.items():
            letters |= _written(1, line, f"P{level}", "level")
        for knot in self._found.knots:
            letters |= _written(self.slots[knot.name].start, self.slots[knot.name].line, word(knot), "node")
        for name, text in listed(self._found).items():
            letters |= _written(self.ends[name].start, self.ends[name].line, text, "level")
        following = [start - 1 for start, _ in self._heads[1:]] + [self.width]
        for (start, heading), stop in zip(self._heads, following, strict=False):
            letters |= _written(start, 0, heading[: stop - start], "heading")
        return letters


def _written(start: int, line: int, text: str, role: str) -> Letters:
    return {(start + place, line): (letter, role) for place, letter in enumerate(text)}


def _wired(found: Outline, layout: _Layout) -> Board | None:
    """The lines of all edges and outputs, if each finds a way."""
    jobs = [(Net(tie.source, tie.kind), layout.slots[tie.target]) for tie in found.ties]
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


def _length(one: Slot, other: Slot, filled: Collection[Cell]) -> tuple[bool, int]:
    """Whether a line between two words has to bend, and about how long it is."""
    if one.line == other.line:
        between = ((column, one.line) for column in range(one.stop, other.start))
        bends = any(cell in filled for cell in between)
    else:
        middle = max(one.start, other.start)
        between = ((middle, line) for line in range(min(one.line, other.line) + 1, max(one.line, other.line)))
        bends = one.start >= other.stop or other.start >= one.stop or any(cell in filled for cell in between)
    return bends, abs(other.start - one.start) + 3 * abs(other.line - one.line)


def _lines(board: Board) -> Letters:
    """Bars and arrows; where lines cross, in the colour of the one that runs across."""
    bars = {
        cell: (_BARS[frozenset(arms)], arms.get(RIGHT, next(iter(arms.values()))).kind)
        for cell, arms in board.arms.items()
    }
    return bars | {cell: (_HEADS[way], net.kind) for cell, (way, net) in board.heads.items()}
