"""The edges of a text diagram, read back by following its lines from every arrow to where they begin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fpngraph.drawing.picture.diagram import Diagram

Cell = tuple[int, int]
RIGHT, DOWN, LEFT, UP = (1, 0), (0, 1), (-1, 0), (0, -1)
ARMS = {
    "─": {LEFT, RIGHT},
    "│": {UP, DOWN},
    "╭": {RIGHT, DOWN},
    "╮": {LEFT, DOWN},
    "╰": {RIGHT, UP},
    "╯": {LEFT, UP},
    "├": {UP, RIGHT, DOWN},
    "┤": {UP, LEFT, DOWN},
    "┬": {LEFT, DOWN, RIGHT},
    "┴": {LEFT, UP, RIGHT},
    "┼": {LEFT, UP, RIGHT, DOWN},
}
HEADS = {"▸": RIGHT, "▾": DOWN, "▴": UP}


class Followed:
    """A text diagram; the nodes of a level are those of ``drawn``, from left to right."""

    def __init__(self, text: str, drawn: Diagram) -> None:
        lines = text.splitlines()
        self._letters = {(x, y): letter for y, line in enumerate(lines) for x, letter in enumerate(line)}
        self._names: dict[Cell, str] = {}
        for y, line in enumerate(lines):
            if match := re.match(r" P(\d+) ", line):
                spots = (spot for spot in drawn.plan.spots.values() if spot.level == int(match[1]))
                row = sorted(spots, key=lambda spot: drawn.grid.places[spot.name].x)
                words = list(re.finditer(r"\[[^]]*\]|\([^)]*\)", line))
                for spot, word in zip(row, words, strict=True):
                    assert word.group()[1:-1] == (drawn.label(spot) or " ")
                    self._names |= {(x, y): spot.name for x in range(*word.span())}
                self._names |= self._outputs(line, y)

    @staticmethod
    def _outputs(line: str, y: int) -> dict[Cell, str]:
        """The names at the end of a line, behind its last arrow."""
        match = re.search(r"▸([^\[(▸]+)$", line)
        return {(x, y): f"output {match[1]}" for x in range(*match.span(1))} if match else {}

    def edges(self) -> list[tuple[str, str]]:
        found = []
        for cell, letter in self._letters.items():
            if letter in HEADS:
                target = self._names[_step(cell, HEADS[letter])]
                sources = set(self._sources(cell, HEADS[letter]))
                assert len(sources) == 1, f"the arrow at {cell} to {target} comes from {sources or 'nowhere'}"
                found.append((*sources, target))
        return sorted(found)

    def _sources(self, head: Cell, way: tuple[int, int]) -> Iterator[str]:
        """All nodes at the ends of the lines that lead to an arrow."""
        open_ends = [(_step(head, _back(way)), way)]
        seen = set(open_ends)
        while open_ends:
            cell, arm = open_ends.pop()
            if cell in self._names:
                yield self._names[cell]
                continue
            letter = self._letters.get(cell, " ")
            if letter in HEADS:
                assert HEADS[letter] == _back(arm), f"a line runs into the side of the arrow at {cell}"
                continue
            arms = ARMS.get(letter, set())
            assert arm in arms, f"the line at {cell} is broken"
            others = {_back(arm)} if letter == "┼" else arms - {arm}
            for other in others:
                end = _step(cell, other), _back(other)
                if end not in seen:
                    seen.add(end)
                    open_ends.append(end)


def _step(cell: Cell, way: tuple[int, int]) -> Cell:
    return cell[0] + way[0], cell[1] + way[1]


def _back(way: tuple[int, int]) -> tuple[int, int]:
    return -way[0], -way[1]
