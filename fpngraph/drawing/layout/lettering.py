"""How wide text is where no font is at hand, and how names are made to fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import fsum, sqrt

# Advance widths in parts of the font size, of the widest font of the list (DejaVu Sans), so that nothing is clipped.
_NARROW = dict.fromkeys("ijl.,:;'|!()[]/ ·-", 0.36) | dict.fromkeys("frtI", 0.42)
_WIDE = dict.fromkeys("mwMW@%", 0.98) | dict.fromkeys("GOQDHNU÷×", 0.8)
_WIDTHS = _NARROW | _WIDE
_OTHER = 0.635
_BOLD = 1.1
_REAL = 0.92  # of the widest
_SIZES, _SMALL = (12.0, 11.0, 10.0), (10.0,)  # of a name in a node, in one line and in more
_MOST_LINES = 5
_MOST_BREAKS = 8  # of a name that are tried
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML has no way to write these


@dataclass(frozen=True, slots=True)
class Lettering:
    """How a name is written."""

    lines: tuple[str, ...]
    size: float
    whole: bool
    """Whether nothing of it was cut."""


def writable(text: str) -> str:
    """A text without what no file can hold, or a terminal would obey: a name may have any character."""
    return _UNWRITABLE.sub("\ufffd", text)


def width(text: str, size: float, weight: int = 400) -> float:
    """Pixels that a line of text takes at most."""
    total = fsum(_WIDTHS.get(letter, _OTHER if letter < "\u2e80" else 1.0) for letter in text)  # alike in any Python
    return total * size * (_BOLD if weight > 500 else 1.0)


def room_for(text: str, size: float, weight: int) -> float:
    """Pixels that a line of text takes in the fonts that are likely to be there."""
    return width(text, size, weight) * _REAL


def fitted(name: str, room: float, sizes: tuple[float, ...], weight: int, *, lines: int = 2) -> Lettering:
    """A name in as few lines and as large as fits into ``room`` px, cut if it does not fit."""
    return _whole(name, [(count, size) for count in range(1, lines + 1) for size in sizes], weight, lambda _: room) or (
        _cut(name, room, sizes[-1], weight)
    )


def in_circle(name: str, radius: float, weight: int) -> Lettering:
    """A name in as few lines and as large as fits into a circle, cut if it does not fit."""

    def room(off: float) -> float:
        """The width of the circle so far off its middle."""
        return 2 * sqrt(max(0.0, radius**2 - off**2))

    ways = [(1, size) for size in _SIZES] + [(count, size) for count in range(2, _MOST_LINES + 1) for size in _SMALL]
    return _whole(name, ways, weight, room) or _cut(name, 2 * radius, _SIZES[-1], weight)


def _whole(
    name: str, ways: Sequence[tuple[int, float]], weight: int, room: Callable[[float], float]
) -> Lettering | None:
    """The first of several numbers of lines and sizes of letters in which a name fits."""
    for count, size in ways:
        half = (count - 1) / 2
        # of one line, the corners of its letters may come near the border
        offs = [abs(number - half) * size + (0.35 * size if count > 1 else 0.0) for number in range(count)]
        for parts in _parts(name, count):
            if all(room_for(part, size, weight) <= room(off) for part, off in zip(parts, offs, strict=True)):
                return Lettering(parts, size, whole=True)
    return None


def _cut(name: str, room: float, size: float, weight: int) -> Lettering:
    tail = name[len(name.rstrip("0123456789")) :][-3:]
    kept = len(name) - len(tail) - 1
    while kept > 1 and room_for(name[:kept] + "…" + tail, size, weight) > room:
        kept -= 1
    return Lettering((name[:kept] + "…" + tail,), size, whole=False)


def _parts(name: str, lines: int) -> list[tuple[str, ...]]:
    """The name broken between words in every way, that with the shortest longest line first."""
    breaks = [place for place in range(1, len(name)) if _ends_word(name[place - 1], name[place])][:_MOST_BREAKS]
    ways = (
        tuple(name[a:b] for a, b in pairwise((0, *places, len(name)))) for places in combinations(breaks, lines - 1)
    )
    return sorted(ways, key=lambda parts: max(map(len, parts)))


def _ends_word(letter: str, following: str) -> bool:
    """Whether a name can be broken between two letters: ``a_b``, ``a.b``, ``aB``."""
    return letter in "_." or (letter.islower() and following.isupper())
