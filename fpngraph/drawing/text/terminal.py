"""A scene as text for a terminal: levels as lines, sweeps to the right, or a table where that gets too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap

from fpngraph.drawing.picture.scene import Scene
from fpngraph.drawing.text.outline import Knot, Outline, outline
from fpngraph.drawing.text.sheet import Letters, listed, sheet

_MOST_NODES = 60  # of a grid; more are found faster in a table
_TABLE_WIDTH = 100
_ANSI = {"same": "90", "down": "34", "up": "31", "level": "1", "node": "", "heading": "90"}
_PLAIN = str.maketrans("─│╭╮╰╯├┤┬┴┼▸▾▴\u00d7", "-|+++++++++>v^x")
_SIGNS = {"down": "▴", "up": "▾", "same": ""}


def write(scene: Scene, *, width: int | None = None, colour: bool = False) -> str:
    """Lines of text, at most ``width`` characters wide (None: as wide as the diagram). ``colour``: with ANSI colours.

    Whatever the flow of the scene, sweeps go to the right: text has more room there.
    A diagram that is too wide, or in which lines could be taken for one another, is written as a table.
    """
    found = outline(scene)
    letters = sheet(found, width) if len(found.knots) <= _MOST_NODES else None
    body = [*_table(found, width or _TABLE_WIDTH)] if letters is None else [*_rows(letters, colour), *_notes(found)]
    title = [*found.title, ""] if found.title else []
    return "\n".join([*title, *body, ""])


def plain(text: str) -> str:
    """The text with ASCII characters for its lines and arrows."""
    return text.translate(_PLAIN)


def _rows(letters: Letters, colour: bool) -> list[str]:
    width = 1 + max(column for column, _ in letters)
    height = 1 + max(line for _, line in letters)
    rows = [[letters.get((column, line), (" ", "")) for column in range(width)] for line in range(height)]
    texts = ["".join(_runs(row) if colour else (letter for letter, _ in row)).rstrip() for row in rows]
    return [text for text, before in zip(texts, [None, *texts], strict=False) if text or before]


def _runs(row: Iterable[tuple[str, str]]) -> Iterator[str]:
    for role, run in groupby(row, key=lambda pair: pair[1]):
        text = "".join(letter for letter, _ in run)
        code = _ANSI.get(role)
        yield f"\x1b[{code}m{text}\x1b[0m" if code else text


def _notes(found: Outline) -> Iterator[str]:
    """What the lines do not say."""
    notes = [*_counts(found), *_hidden_outputs(found), *_weights(found)]
    yield from ["", *notes] if notes else []


def _counts(found: Outline) -> Iterator[str]:
    labels = {knot.name: knot.label or knot.name for knot in found.knots}
    for tie in found.ties:
        if tie.count > 1:
            yield f"{labels[tie.target]} reads {labels[tie.source]} {tie.count} times"


def _weights(found: Outline) -> Iterator[str]:
    weighted = [tie for tie in found.ties if tie.weight]
    for target in dict.fromkeys(tie.target for tie in weighted):
        ties = [tie for tie in weighted if tie.target == target]
        means = f", means of {ties[0].weight_runs} runs" if ties[0].weight_runs > 1 else ""
        yield f"{target} weights{means}: {', '.join(f'{tie.source} {tie.weight}' for tie in ties)}"


def _hidden_outputs(found: Outline) -> Iterator[str]:
    named = listed(found)
    for knot in found.knots:
        if knot.outputs and knot.name not in named:
            yield f"{knot.label or knot.name} is the output {', '.join(knot.outputs)}"


def _table(found: Outline, width: int) -> Iterator[str]:
    """Every node with what it reads, the highest level first."""
    widest = max(len("node"), *(len(knot.name) for knot in found.knots))
    yield f"{'level':7}{'node':{widest}}  reads"
    for level in sorted({knot.level for knot in found.knots}, reverse=True):
        row = sorted((knot for knot in found.knots if knot.level == level), key=lambda knot: knot.along)
        for place, knot in enumerate(row):
            start = f"{f'P{level}' if place == 0 else '':7}{knot.name:{widest}}  "
            yield from _entry(found, knot, start, width)
    yield from ("", f"{_SIGNS['up']} from a coarser level, {_SIGNS['down']} from a finer one")
    if any(tie.weight for tie in found.ties):
        means = ", the mean of the runs where a cell stands for several"
        yield f"in brackets: learned weight{means if any(tie.weight_runs > 1 for tie in found.ties) else ''}"


def _entry(found: Outline, knot: Knot, start: str, width: int) -> Iterator[str]:
    reads = [
        f"{_SIGNS[tie.kind]}{tie.source}{f' {tie.count}x' if tie.count > 1 else ''}"
        f"{f' ({tie.weight})' if tie.weight else ''}"
        for tie in found.ties
        if tie.target == knot.name
    ]
    text = ", ".join(reads) or ("(input)" if knot.kind == "input" else "")
    if knot.outputs:
        text += f" = output {', '.join(knot.outputs)}"
    lines = wrap(text, max(20, width - len(start)), break_long_words=False) or [""]
    yield f"{start}{lines[0]}".rstrip()
    yield from (" " * len(start) + line for line in lines[1:])
