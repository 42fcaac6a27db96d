"""Tables and lists as text that fits a terminal. What finds no room goes to a line below: nothing is ever cut."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

_GAP = "  "
_BELOW = " " * 4  # before what belongs to the row above
_PLAIN = str.maketrans({"─": "-", "×": "x"})  # where a terminal has no such signs
_HANGING = "  "  # before what goes on in another line


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``keep`` says how long its cells stay in their rows where there is little room: the least go first."""

    heading: str
    right: bool = False
    keep: int = 0


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], total: Sequence[str] = ()) -> None:
    """Print within the width of a terminal, and in full width to anything else."""
    for line in table(columns, rows, total, width=terminal_width()):
        print(line if _is_printable(line) else line.translate(_PLAIN))


def print_items(start: str, items: Iterable[str], *, between: str = ", ") -> None:
    """Print ``start`` and the items on as many lines as a terminal needs, with none of them broken."""
    print("\n".join(_folded(start, items, between, terminal_width())))


def print_text(text: str) -> None:
    """Print a sentence on as many lines as a terminal needs."""
    first, *words = text.split(" ")
    print_items(f"{first} ", words, between=" ")


def terminal_width() -> int | None:
    """Columns of the terminal that is printed to; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _is_printable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], total: Sequence[str] = (), *, width: int | None = None
) -> Iterator[str]:
    """The lines of a table, within ``width`` if no single name or number is wider.

    Columns that do not fit are left out of the rows; below each row are their cells, with their headings. The first
    column always stays. ``total`` is one more row, set apart.
    """
    every = [*rows, total] if total else rows
    widths = [
        max(_cells(row[place]) for row in [[c.heading for c in columns], *every]) for place in range(len(columns))
    ]
    kept = _kept(columns, widths, width)
    room = {place: widths[place] for place in kept}
    yield _row([column.heading for column in columns], columns, room)
    yield "─" * (sum(room.values()) + len(_GAP) * (len(room) - 1))
    for row in rows:
        yield from _entry(row, columns, room, width)
    if total:
        yield ""
        yield from _entry(total, columns, room, width)


def _kept(columns: Sequence[Column], widths: Sequence[int], width: int | None) -> list[int]:
    """The columns that stay in the rows, by place; of those to be kept equally long the widest goes first."""
    kept = list(range(len(columns)))
    while width is not None and len(kept) > 1 and sum(widths[place] + len(_GAP) for place in kept) - len(_GAP) > width:
        kept.remove(min(kept[1:], key=lambda place: (columns[place].keep, -widths[place])))
    return kept


def _entry(row: Sequence[str], columns: Sequence[Column], room: dict[int, int], width: int | None) -> Iterator[str]:
    """A row, and on as few lines as possible below it what has no column."""
    yield _row(row, columns, room)
    line = ""
    for place, column in enumerate(columns):
        if place in room or not row[place]:
            continue
        cell = f"{column.heading}: {row[place]}"
        if line and width is not None and _cells(f"{line}{_GAP}{cell}") > width:
            yield line
            line = ""
        line = f"{line}{_GAP}{cell}" if line else f"{_BELOW}{cell}"
        if width is not None and _cells(line) > width:
            *before, line = _folded(_BELOW, cell.split(", "), ", ", width)
            yield from before
    if line:
        yield line


def _row(row: Sequence[str], columns: Sequence[Column], room: dict[int, int]) -> str:
    cells = []
    for place, size in room.items():
        space = " " * (size - _cells(row[place]))
        cells.append(space + row[place] if columns[place].right else row[place] + space)
    return _GAP.join(cells).rstrip()


def _folded(start: str, items: Iterable[str], between: str, width: int | None) -> Iterator[str]:
    """``start`` and the items, in lines of ``width`` as far as no single item is wider; later lines are indented."""
    indent = " " * (len(start) - len(start.lstrip())) + _HANGING
    line, mark = start, ""
    for item in items:
        if mark and width is not None and _cells(f"{line}{mark}{item}".rstrip()) > width - len(between.rstrip()):
            yield f"{line}{mark}".rstrip()
            line, mark = indent, ""
        line, mark = f"{line}{mark}{item}", between
    yield line.rstrip()


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)
