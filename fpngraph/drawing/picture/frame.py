"""What stands around the nodes and edges: levels, headings, cells, title and legend."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.geometry import Box, Curve, Point, Track, distance, union
from fpngraph.drawing.layout.grid import Place
from fpngraph.drawing.layout.lettering import fitted, width
from fpngraph.drawing.layout.plan import Cell, Plan
from fpngraph.drawing.picture.diagram import Diagram
from fpngraph.drawing.picture.marks import DASH, LINE, NOTCH, REPEATED, arrowhead
from fpngraph.drawing.picture.scene import Circle, Group, Paint, Path, Polygon, Rect, Shape, Text
from fpngraph.drawing.picture.theme import TIMES

_HEADING_SIZES = (12.0, 10.5)
_HEADING_GAP = 10.0  # between a heading and the border of its cell
_HEADING_ROOM = 150.0  # beside a cell
_BADGE = 24.0  # from the baseline of a heading to that of the badge below it
_GUIDE = 26.0  # from the first nodes to where the lines of the levels begin
_SHORTEST_GUIDE = 4.0
_WIDEST_SIGN = 28.0
_LABEL_LINE = 13.5
LETTER_RADIUS = 6.5
"""Of the letter on a node that says its fusion."""


def around(drawn: Diagram, links: Box) -> Iterator[Group]:
    """Cells, levels and the heading of the inputs. ``links``: what edges take with all that is on them."""
    cells = list(drawn.cells())
    lefts = sorted(box[0] for _, box, _ in cells)
    cell = _upright_cell if drawn.grid.flow == "up" else partial(_cell, lefts=lefts)
    body = [
        Group("heading", (_borderless(drawn, number, (box[0] + box[2]) / 2, box[2] - box[0]),))
        if one.repeated
        else Group("cell", tuple(cell(drawn, one, box)), _data(one))
        for number, (one, box, _) in enumerate(cells, start=1)
    ]
    body.append(Group("heading", (_inputs_heading(drawn),)))
    yield from body
    yield from _levels(drawn, union([links, *(group.box() for group in body)]))


def _data(cell: Cell) -> dict[str, str]:
    data = {"stage": cell.stage or ""}
    data |= {} if cell.run is None else {"run": str(cell.run)}
    return data | ({"runs": str(cell.runs)} if cell.runs > 1 else {})


def _cell(drawn: Diagram, cell: Cell, box: Box, lefts: Sequence[float]) -> Iterator[Shape]:
    """With its heading above, which reaches to the next cell where no badge is in its way; ``lefts`` are of all."""
    left, top, right, _ = box
    following = bisect_right(lefts, left)
    behind = lefts[following] - _HEADING_GAP if following < len(lefts) else max(right, drawn.extent[2])
    stop = right - _badge_width(cell) if cell.runs > 1 else behind
    yield from _cards(cell, box)
    baseline = top - _HEADING_GAP - _raised(drawn.plan)
    heading = fitted(drawn.heading(cell), stop - left - 4.0, _HEADING_SIZES, 600, lines=1)
    if drawn.heading(cell):
        yield Text(left + 4.0, baseline, heading.lines[0], heading.size, "muted", 600)
    yield from _badge(cell, right + 2 * metrics.CARD_STEP, baseline)


def _borderless(drawn: Diagram, number: int, x: float, room: float) -> Text:
    """The heading of a cell that has no border: of the inputs, or of nodes that are repeated from a row above."""
    is_first = any(spot.cell == number and spot.kind == "input" for spot in drawn.plan.spots.values())
    words = "inputs" if is_first else drawn.heading(drawn.plan.cells[number]) or "repeated"
    heading = fitted(words, room, _HEADING_SIZES, 600, lines=1)
    baseline = drawn.extent[1] - metrics.ROW_PAD - _HEADING_GAP - _raised(drawn.plan)
    return Text(x, baseline, heading.lines[0], heading.size, "muted", 600, "middle")


def _upright_cell(drawn: Diagram, cell: Cell, box: Box) -> Iterator[Shape]:
    """With its heading on the left: cells lie on each other."""
    left, top, _, bottom = box
    yield from _cards(cell, box)
    heading = fitted(drawn.heading(cell), _HEADING_ROOM, _HEADING_SIZES, 600)
    lines, size = heading.lines, heading.size
    high = size * len(lines) + (_BADGE if cell.runs > 1 else 0.0)
    right, baseline = left - _HEADING_GAP, (top + bottom - high) / 2 + size * 0.86
    for number, line in enumerate(lines if drawn.heading(cell) else ()):
        yield Text(right, baseline + number * size, line, size, "muted", 600, "end")
    yield from _badge(cell, right, baseline + (len(lines) - 1) * size + _BADGE)


def _inputs_heading(drawn: Diagram) -> Text:
    """In line with the headings of the cells."""
    size, first = _HEADING_SIZES[0], drawn.grid.sweeps[0]
    if drawn.grid.flow == "up":
        right = drawn.extent[0] - metrics.ROW_PAD - _HEADING_GAP
        return Text(right, first + size * 0.36, "inputs", size, "muted", 600, "end")
    return _borderless(drawn, 0, first, _HEADING_ROOM)


def _raised(plan: Plan) -> float:
    """How much higher all headings stand where there are cards behind a cell."""
    return 2 * metrics.CARD_STEP if any(cell.runs > 1 and not cell.repeated for cell in plan.cells) else 0.0


def _cards(cell: Cell, box: Box) -> Iterator[Rect]:
    """The border of a cell, and two more behind it where it stands for several runs."""
    left, top, right, bottom = box
    for card in [2, 1] if cell.runs > 1 else []:
        shift = card * metrics.CARD_STEP
        yield Rect(left + shift, top - shift, right - left, bottom - top, 14.0, Paint("card", "cell_line", 1.2))
    yield Rect(left, top, right - left, bottom - top, 14.0, Paint("cell", "cell_line", 1.2))


def _badge_width(cell: Cell) -> float:
    return width(f"{TIMES}{cell.runs}", 12.0, 700) + 16.0 if cell.runs > 1 else 0.0


def _badge(cell: Cell, right: float, baseline: float) -> Iterator[Shape]:
    """How many runs a cell stands for, where it is more than one."""
    wide = _badge_width(cell)
    if wide:
        yield Rect(right - wide, baseline - 14.5, wide, 20.0, 10.0, Paint("ink"))
        yield Text(right - wide / 2, baseline - 0.2, f"{TIMES}{cell.runs}", 12.0, "on_ink", 700, "middle")


def _levels(drawn: Diagram, body: Box) -> Iterator[Group]:
    """The line of every level from before the first nodes to the end of all, and its label where it begins."""
    grid, known = drawn.grid, _channels(drawn)
    off = grid.radius + _GUIDE
    for level, at in zip(grid.levels, grid.lines, strict=True):
        about = [f"{known[level]}ch"] if level in known else []
        about.append(f"/{1 << level}")
        if grid.flow == "up":
            x, bottom = at, max(grid.sweeps[0] + off, drawn.extent[3] + metrics.CELL_PAD)
            start, end = (x, bottom), (x, body[1])
            names = [Text(x, bottom + 16.0, f"P{level}", 15.0, f"text.{level}", 700, "middle")]
            for number, text in enumerate(about, start=1):
                names.append(Text(x, bottom + 16.0 + _LABEL_LINE * number, text, 10.5, "muted", 400, "middle"))
        else:
            left, y = grid.sweeps[0] - off, at
            start, end = (left, y), (body[2], y)
            names = [Text(left - 14.0, y + 1.0, f"P{level}", 15.0, f"text.{level}", 700, "end")]
            names.append(Text(left - 14.0, y + 14.5, " ".join(about), 10.5, "muted", 400, "end"))
        parts = tuple(_guide(drawn, level, start, end))
        yield Group("row", (*parts, *names), {"level": str(level)})


def _guide(drawn: Diagram, level: int, start: Point, end: Point) -> Iterator[Path]:
    """The line of a level before its first node and behind its last: between two nodes it would look like an edge."""
    across = drawn.grid.flow == "up"
    places = [drawn.grid.places[name] for name, spot in drawn.plan.spots.items() if spot.level == level]
    one, other = (sorted(places, key=lambda place: -place.y if across else place.x)[at] for at in (0, -1))
    off = drawn.grid.radius + 4.0
    stops = ((start, _before(one, -off, across)), (_before(other, off, across), end))
    for first, last in stops:
        if distance(first, last) > _SHORTEST_GUIDE and (last[1] < first[1] if across else last[0] > first[0]):
            yield Path(Curve(((first, last),)), Paint(line="guide", line_width=1.0, dashes=(2.0, 4.0)))


def _before(place: Place, off: float, across: bool) -> Point:
    return (place.x, place.y - off) if across else (place.x + off, place.y)


def _channels(drawn: Diagram) -> dict[int, int]:
    """Those of the maps that the first cell has, by level; none where they are unknown."""
    if drawn.lowered is None:
        return {}
    first = [drawn.lowered.feature(name) for name, spot in drawn.plan.spots.items() if spot.cell == 0]
    return {feature.level: feature.channels for feature in reversed(first)}


def title(lines: Sequence[str], left: float, bottom: float) -> Iterator[Group]:
    """The name of the graph and what it costs, above everything else."""
    if lines:
        name, *below = lines
        texts = [Text(left, bottom - 20.0 * len(below), name, 18.0, "ink", 700)]
        yield Group("title", (*texts, *(Text(left, bottom, line, 11.5, "muted") for line in below)))


def legend(entries: Sequence[tuple[str, str]], left: float, top: float, room: float) -> Group:
    """Signs with their meaning, in as many lines as the room asks for: one for each where it is 0.

    An entry is a sign's name and its text.
    """
    shapes: list[Shape] = []
    x, y = left, top
    for sign, text in entries:
        drawn, taken = _sign(sign, x, y)
        lines = _broken(text, room - taken - 8.0) if room else [text]
        wide = taken + 8.0 + max(width(line, 11.5) for line in lines)
        if x > left and x + wide > left + room:
            x, y = left, y + 24.0
            drawn, _ = _sign(sign, x, y)
        taken = taken if room else _WIDEST_SIGN
        shapes += drawn
        shapes += [Text(x + taken + 7.0, y + 4.0 + row * 14.0, line, 11.5, "muted") for row, line in enumerate(lines)]
        y += 14.0 * (len(lines) - 1)  # what has several lines fills the room, so the next sign begins below
        x += wide + 14.0 if len(lines) == 1 else room
    return Group("legend", tuple(shapes))


def _broken(text: str, room: float) -> list[str]:
    """A text in lines that fit, broken between words."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(longer, 11.5) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _sign(sign: str, x: float, y: float) -> tuple[list[Shape], float]:
    """A sign at a place, and how wide it is."""
    ring = Paint("swatch", "ring", LINE)
    match sign:
        case "down" | "up" | "same":
            return _arrow(sign, x, y), 28.0
        case "input":
            return [Rect(x, y - 7.5, 15.0, 15.0, 4.0, ring)], 15.0
        case "fusion":
            return [Circle(x + 8.0, y, 8.0, ring)], 16.0
        case "single" | "repeated":
            border = Paint("ground", "ring", LINE) if sign == "single" else Paint("ground", "ring", 1.2, REPEATED)
            return [Circle(x + 8.0, y, 8.0, border)], 16.0
        case "output":
            return [Circle(x + 8.0, y, 8.0, ring), Circle(x + 8.0, y, 4.8, Paint(None, "ring", 1.2))], 16.0
        case "projection":
            line = Path(Curve((((x, y), (x + 20.0, y)),)), Paint(line="same", line_width=LINE))
            return [line, Rect(x + 6.0, y - 4.0, 8.0, 8.0, 1.5, Paint("ground", "same", 1.5))], 20.0
        case "weight":
            wedge = ((x, y - 0.4), (x + 24.0, y - 2.25), (x + 24.0, y + 2.25), (x, y + 0.4))
            return [Polygon(wedge, Paint("same"))], 24.0
        case _:
            return [_letter(sign, x, y)], 2 * LETTER_RADIUS


def _letter(sign: str, x: float, y: float) -> Shape:
    """A letter or a count on an edge, or a letter on a node."""
    if sign.isupper() or sign[0].isdigit():
        return Text(x + LETTER_RADIUS, y + 4.0, sign, 10.5, "ink", 700, "middle")
    return lettered(sign, x + LETTER_RADIUS, y)


def lettered(letter: str, x: float, y: float) -> Group:
    """A letter in a small circle."""
    ring = Circle(x, y, LETTER_RADIUS, Paint("ground", "ring", 1.0))
    return Group("letter", (ring, Text(x, y + 3.2, letter, 9.0, "ink", 700, "middle")))


def _arrow(direction: str, x: float, y: float) -> list[Shape]:
    whole = Curve((((x, y), (x + 28.0, y)),))
    line = Curve((((x, y), (x + 28.0 - NOTCH, y)),))
    dashes = DASH if direction == "up" else ()
    head = arrowhead(Track(whole))
    return [Path(line, Paint(line=direction, line_width=LINE, dashes=dashes)), Polygon(head, Paint(direction))]
