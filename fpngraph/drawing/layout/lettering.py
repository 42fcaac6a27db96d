"""How wide text is where no font is at hand, and how names are made to fit."""

from __future__ import annotations

from itertools import pairwise

# Advance widths in parts of the font size, of the widest font of the list (DejaVu Sans), so that nothing is clipped.
_NARROW = dict.fromkeys("ijl.,:;'|!()[]/ ·-", 0.36) | dict.fromkeys("frtI", 0.42)
_WIDE = dict.fromkeys("mwMW@%", 0.98) | dict.fromkeys("GOQDHNU÷\N{MULTIPLICATION SIGN}", 0.8)
_WIDTHS = _NARROW | _WIDE
_OTHER = 0.635
_BOLD = 1.1
_REAL = 0.92  # of the widest


def width(text: str, size: float, weight: int = 400) -> float:
    """Pixels that a line of text takes at most."""
    total = sum(_WIDTHS.get(letter, _OTHER if letter < "\u2e80" else 1.0) for letter in text)
    return total * size * (_BOLD if weight > 500 else 1.0)


def room_for(text: str, size: float, weight: int) -> float:
    """Pixels that a line of text takes in the fonts that are likely to be there."""
    return width(text, size, weight) * _REAL


def fitted(name: str, room: float, sizes: tuple[float, ...], weight: int) -> tuple[tuple[str, ...], float]:
    """A name in one line or two and in the largest of the sizes that fits into ``room`` px, cut if none does."""
    for lines in (1, 2):
        for size in sizes if lines == 1 else sizes[-1:]:
            for parts in _parts(name, lines):
                if all(room_for(part, size, weight) <= room - 5.0 * (lines - 1) for part in parts):
                    return parts, size
    tail = name[len(name.rstrip("0123456789")) :][-3:]
    kept = len(name) - len(tail) - 1
    while kept > 1 and room_for(name[:kept] + "…" + tail, sizes[-1], weight) > room:
        kept -= 1
    return (name[:kept] + "…" + tail,), sizes[-1]


def _parts(name: str, lines: int) -> list[tuple[str, ...]]:
    if lines == 1:
        return [(name,)]
    breaks = [place + 1 for place, letter in enumerate(name[:-1]) if letter == "_"]
    middle = len(name) / 2
    ordered = sorted(breaks, key=lambda place: abs(place - middle))
    return [tuple(name[a:b] for a, b in pairwise((0, place, len(name)))) for place in ordered]
