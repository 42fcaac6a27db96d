"""The pieces that references and expressions are made of, and why a text of them cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fpngraph.codes import Code

_LONGEST = 40

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<integer>[0-9]+(?![0-9A-Za-z_]|\.(?!\.)))
    | (?P<number>[0-9][0-9A-Za-z_]*(?:\.(?!\.)[0-9A-Za-z_]*)?)
    | (?P<attribute>(?<=[A-Za-z0-9_)])\.[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\*\*|//|\.\.|[<>=!]=|.)
    )?""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(eq=False)
class Reason(Exception):
    """Why a text of the little grammar cannot be used; ``start`` and ``stop`` are offsets into that text.

    Without a ``code`` it is not written as it must be: whoever has it parsed knows what kind of text it is.
    ``better`` is what can be written there instead.
    """

    message: str
    start: int
    stop: int
    hint: str | None = None
    code: Code | None = None
    better: str | None = None

    def __str__(self) -> str:
        return self.message


def clipped(text: str) -> str:
    """``text`` in quotes, cut to a length that an error can have."""
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")


class Token(NamedTuple):
    """A piece of the text. ``kind`` is a group of the pattern above, the sign itself, or ``end``."""

    kind: str
    text: str
    start: int
    stop: int

    def said(self) -> str:
        """What an error calls it."""
        return "the end" if self.kind == "end" else clipped(self.text)


class Tokens:
    """The tokens of a text, one at a time, read only as far as they are asked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._rest = self._scan()
        self.before = Token("start", "", 0, 0)
        self.now = next(self._rest)

    def _scan(self) -> Iterator[Token]:
        place = 0
        while match := _TOKEN.match(self.text, place):
            if match.lastgroup is None:
                break
            start, place = match.span(match.lastgroup)
            piece = match[match.lastgroup]
            yield Token(piece if match.lastgroup == "sign" else match.lastgroup, piece, start, place)
        while True:
            yield Token("end", "", len(self.text), len(self.text))

    def take(self) -> Token:
        """The current token; the next one becomes current."""
        self.before, self.now = self.now, next(self._rest)
        return self.before
