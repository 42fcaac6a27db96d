"""What is wrong with a graph, and where: problems with their place, and the error that carries them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_WIDEST_LINE = 120


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a graph file. Lines and columns count from 1; ``end`` is the column after it."""

    file: str
    line: int
    column: int
    end: int
    text: str

    def part(self, start: int, stop: int) -> Span:
        """The stretch from character ``start`` to ``stop`` of this one."""
        return Span(self.file, self.line, self.column + start, self.column + stop, self.text)

    def marked(self) -> str:
        """The source line with carets under the stretch, cut to a readable width around it."""
        first = max(0, self.column - 1 - _WIDEST_LINE // 2) if len(self.text) > _WIDEST_LINE else 0
        line = "".join(map(_printable, self.text[first : first + _WIDEST_LINE]))
        start = self.column - 1 - first
        carets = "^" * max(1, min(self.end - self.column, _WIDEST_LINE - start))
        number = str(self.line)
        return f"  {number} | {line}\n  {' ' * len(number)} | {' ' * start}{carets}"


def _printable(character: str) -> str:
    """One character for one, so that carets stay in place and no file can control a terminal."""
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or, as a warning, odd): what was found and required, where, and a way out."""

    message: str
    span: Span | None = None
    hint: str | None = None

    @property
    def file(self) -> str | None:
        return self.span.file if self.span else None

    @property
    def line(self) -> int | None:
        return self.span.line if self.span else None

    @property
    def column(self) -> int | None:
        return self.span.column if self.span else None

    def __str__(self) -> str:
        lines = [self.message]
        if self.span:
            lines = [f"{self.file}:{self.line}:{self.column}: {self.message}", self.span.marked()]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class GraphError(ValueError):
    """A graph cannot be used as asked. ``problems`` has every problem found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def nearest(found: str, known: Iterable[str]) -> str:
    """A hint for a name that is not known: the one it may have meant, and those there are."""
    from difflib import get_close_matches  # only a mistake needs it

    known = [str(name) for name in known]
    if not known:
        return "there are none"
    listed = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    close = get_close_matches(found[:100], known[:1000], n=1)
    return f"did you mean {close[0]!r}? There are: {listed}" if close else f"there are: {listed}"
