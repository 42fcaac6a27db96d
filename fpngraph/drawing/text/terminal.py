"""A diagram as text for a terminal: levels as lines, sweeps to the right, or a table where that gets too much."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from textwrap import wrap

from fpngraph.drawing.layout.lettering import writable
from fpngraph.drawing.layout.plan import Link, Spot
from fpngraph.drawing.picture.diagram import Diagram
from fpngraph.drawing.picture.theme import TIMES
from fpngraph.drawing.picture.weights import Weight
from fpngraph.drawing.text.sheet import Letters, listed, sheet

_MOST_NODES = 60  # of a grid; more are found faster in a table
_TABLE_WIDTH = 100
_ANSI = {"same": "90", "down": "34", "up": "31", "level": "1", "node": "", "heading": "90"}
_PLAIN = str.maketrans("─│╭╮╰╯├┤┬┴┼▸▾▴\u00d7→", "-|+++++++++>v^x>")
_KINDS = {
    "fusion": "fusion",
    "single": "single input",
    "down": "downsample",
    "up": "upsample",
    "same": "same level",
}
_SIGNS = {"down": "▴", "up": "▾", "same": ""}


def write(drawn: Diagram, *, width: int | None = None, colour: bool = False) -> str:
    """Lines of text, at most ``width`` characters wide (None: as wide as the diagram). ``colour``: with ANSI colours.

    Whatever the direction of the diagram, sweeps go to the right: text has more room there.
    A diagram that is too wide, or in which lines could be taken for one another, is written as a table.
    """
    letters = sheet(drawn, width) if len(drawn.plan.spots) <= _MOST_NODES else None
    body = [*_table(drawn, width or _TABLE_WIDTH)] if letters is None else [*_rows(letters, colour), *_notes(drawn)]
    title = [*map(writable, drawn.title), ""] if drawn.title else []
    legend = [line for note in _told(drawn) for line in wrap(note, width or _TABLE_WIDTH, subsequent_indent="  ")]
    return "\n".join([*title, *body, *(["", *legend] if legend else []), ""])


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


def _notes(drawn: Diagram) -> Iterator[str]:
    """What the lines do not say."""
    notes = [*_counts(drawn), *_hidden_outputs(drawn), *_weights(drawn)]
    yield from ["", *notes] if notes else []


def _told(drawn: Diagram) -> Iterator[str]:
    """What nodes and edges do: the usual, then the rest with where it is."""
    if drawn.look.legend_at == "none":
        return
    told, spots = drawn.plan.told, drawn.plan.spots
    usual = [f"{_KINDS[kind]}: {told.usual[kind]}" for kind in _KINDS if kind in told.usual]
    yield from ["; ".join(usual)] if usual else []
    for words in dict.fromkeys(spot.fusion for spot in spots.values() if spot.fusion):
        yield f"{words}: {', '.join(_shortly(drawn, {name for name in spots if spots[name].fusion == words}))}"
    for words, letter in told.capitals.items():
        yield from _edges(drawn, words, [link for link in drawn.plan.links if link.mark == letter])
    yield from _edges(drawn, f"1{TIMES}1 conv", [link for link in drawn.plan.links if link.projected])


def _shortly(drawn: Diagram, names: Collection[str]) -> Iterator[str]:
    """Nodes as they are written; those that have the name of another one that is not meant, in full."""
    spots = drawn.plan.spots
    doubtful = {_called(drawn, name) for name in spots if name not in names}
    written = (_called(drawn, name) for name in spots if name in names)
    yield from dict.fromkeys(word for word in written if word not in doubtful)
    yield from (name for name in spots if name in names and _called(drawn, name) in doubtful)


def _edges(drawn: Diagram, words: str, links: Collection[Link]) -> Iterator[str]:
    ends = dict.fromkeys(f"{_called(drawn, link.source)}▸{_called(drawn, link.target)}" for link in links)
    if ends:
        yield f"{words}: {', '.join(ends)}"


def _counts(drawn: Diagram) -> Iterator[str]:
    for link in drawn.links:
        if link.count > 1:
            yield f"{_called(drawn, link.target)} reads {_called(drawn, link.source)} {link.count} times"


def _weights(drawn: Diagram) -> Iterator[str]:
    weighted = [(link, weight) for link in drawn.links if (weight := drawn.weight(link))]
    for target in dict.fromkeys(link.target for link, _ in weighted):
        own = [(link.source, weight) for link, weight in weighted if link.target == target]
        runs = own[0][1].runs
        means = f", means of {runs} runs" if runs > 1 else ""
        yield f"{target} weights{means}: {', '.join(f'{source} {weight}' for source, weight in own)}"


def _hidden_outputs(drawn: Diagram) -> Iterator[str]:
    named = listed(drawn)
    for name in drawn.plan.spots:
        if name in drawn.plan.outputs and name not in named:
            yield f"{_called(drawn, name)} is the output {', '.join(drawn.plan.outputs[name])}"


def _called(drawn: Diagram, name: str) -> str:
    return drawn.label(drawn.plan.spots[name]) or name


def _table(drawn: Diagram, width: int) -> Iterator[str]:
    """Every node with what it reads, the highest level first."""
    spots = drawn.plan.spots
    widest = max(len("node"), *map(len, spots))
    yield f"{'level':7}{'node':{widest}}  reads"
    for level in sorted({spot.level for spot in spots.values()}, reverse=True):
        row = sorted((name for name in spots if spots[name].level == level), key=drawn.columns.__getitem__)
        for place, name in enumerate(row):
            start = f"{f'P{level}' if place == 0 else '':7}{name:{widest}}  "
            yield from _entry(drawn, spots[name], start, width)
    yield from ("", f"{_SIGNS['up']} from a coarser level, {_SIGNS['down']} from a finer one")
    if weights := drawn.learnt.edges.values():
        means = ", the mean of the runs where a cell stands for several"
        yield f"in brackets: learned weight{means if any(weight.runs > 1 for weight in weights) else ''}"


def _entry(drawn: Diagram, spot: Spot, start: str, width: int) -> Iterator[str]:
    reads = [_read(link, drawn.weight(link)) for link in drawn.links if link.target == spot.name]
    text = ", ".join(reads) or ("(input)" if spot.kind == "input" else "")
    if spot.name in drawn.plan.outputs:
        text += f" = output {', '.join(drawn.plan.outputs[spot.name])}"
    lines = wrap(text, max(20, width - len(start)), break_long_words=False) or [""]
    yield f"{start}{lines[0]}".rstrip()
    yield from (" " * len(start) + line for line in lines[1:])


def _read(link: Link, weight: Weight | None) -> str:
    times = f" {link.count}x" if link.count > 1 else ""
    return f"{_SIGNS[link.direction]}{link.source}{times}{f' ({weight})' if weight else ''}"
