"""What is wrong with a graph, and where: problems with their place, and the error that carries them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from fpngraph.codes import Code, Severity

_WIDEST_LINE = 120
_LONGEST_TEXT = 1000  # of a message, and of a hint
_LONGEST_NAME = 40  # of which the likeness to another is worked out, which takes its square
_COMPARED = 200  # names with which one is compared
_LIKELIEST = 10  # of these that are compared closely
_ALIKE = 0.6  # of two equal names it is 1
_A_SLIP = 0.75  # 'widht' for 'width' has 0.8
_LISTED = 500  # characters of the names that a hint lists
_FEW = 15  # names that are listed beside a likely one
UNSEEN = "\x85\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff"
"""What looks like a space or like nothing, but is neither to YAML; for a set of a regular expression."""
_UNSEEN = re.compile(f"[{UNSEEN}]")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a graph file. Lines and columns count from 1; ``end`` is the column after it."""

    file: str
    line: int
    column: int
    end: int
    text: str
    used_by: str | None = field(default=None, compare=False)
    """Which stage of which other file uses this one, where one does."""

    def part(self, start: int, stop: int) -> Span:
        """The stretch from character ``start`` to ``stop`` of this one."""
        return replace(self, column=self.column + start, end=self.column + stop)

    @property
    def written(self) -> str:
        """What stands there."""
        return self.text[self.column - 1 : self.end - 1]

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
    return " " if character.isspace() else "\ufffd"


@dataclass(frozen=True, slots=True)
class Replacement:
    """A way out that can be written as it stands: ``text`` in place of what is at ``span``."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or, as a warning, odd): what was found and required, where, and a way out."""

    code: Code
    message: str
    span: Span | None = None
    hint: str | None = None
    severity: Severity = "error"
    replacement: Replacement | None = field(default=None, compare=False)
    """What the hint says, where it is one text in place of another."""

    @property
    def file(self) -> str | None:
        return self.span.file if self.span else None

    @property
    def line(self) -> int | None:
        return self.span.line if self.span else None

    @property
    def column(self) -> int | None:
        return self.span.column if self.span else None

    @property
    def place(self) -> tuple[bool, str, int, int]:
        """What problems are sorted by: the file itself first, then those that it uses."""
        used = self.span is not None and self.span.used_by is not None
        return used, (self.file or "") if used else "", self.line or 0, self.column or 0

    def __str__(self) -> str:
        said = f"{'warning: ' if self.severity == 'warning' else ''}{_cut(self.message)} [{self.code}]"
        lines = [said]
        if self.span:
            lines = [f"{self.file}:{self.line}:{self.column}: {said}", self.span.marked()]
        if self.span and self.span.used_by:
            lines.append(f"  used by {_cut(self.span.used_by)}")
        if self.hint:
            lines.append(f"  hint: {_cut(self.hint)}")
        if self.span and (found := _UNSEEN.search(self.span.text, self.span.column - 1, self.span.end - 1)):
            lines.append(f"  hint: here is U+{ord(found[0]):04X}, {_name(found[0])}, which is no space to a graph file")
        return "\n".join(lines)


def _name(character: str) -> str:
    """What Unicode calls it."""
    from unicodedata import name  # only a mistake needs it

    called = name(character, "NEXT LINE").lower()
    return f"{'an' if called[0] in 'aeiou' else 'a'} {called}"


def _cut(text: str) -> str:
    """A text with names of the file in it, which may be as long as the file."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."


class Refusal(Exception):
    """Something cannot be done as it was asked, and the message says why. The command line tells it, and ends."""


class GraphError(ValueError):
    """A graph cannot be used as asked. ``problems`` has every problem found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def nearest(found: str, known: Iterable[str]) -> str:
    """A hint for a name that is not known: the one it may have meant, and those there are if that helps."""
    known = [str(name) for name in known]
    if not known:
        return "there are none"
    close = likely(found, known)
    if close and len(known) > _FEW:
        return f"did you mean {close!r}?"
    shown = list(islice(_within(known, _LISTED), 30))
    listed = ", ".join([*shown, "..."] if len(shown) < len(known) else shown)
    return f"did you mean {close!r}? There are: {listed}" if close else f"there are: {listed}"


def renamed(span: Span, found: str, known: Iterable[str]) -> Replacement | None:
    """A name that ``found`` is a slip of in its place, where these are the characters at ``span``."""
    meant = slip(found, known)
    return Replacement(span, meant) if meant and span.written == found else None


def slip(found: str, known: Iterable[str]) -> str | None:
    """The known name that differs from ``found`` in a letter or two, or in capitals: who wrote it meant that."""
    from difflib import SequenceMatcher  # only a mistake needs it

    close = likely(found, known)
    if close is None or close.casefold() == found.casefold():
        return close
    if found in close.split("_") or _is_another(found, close):  # 'down' of 'a_down' is a word of its own
        return None
    return close if SequenceMatcher(a=close, b=found).ratio() >= _A_SLIP else None


def _is_another(found: str, known: str) -> bool:
    """Whether letters around a known name make another, as in 'dwconv', 'in_channels' and 'c3x', but not 'topp'."""
    before, found_in_it, after = found.partition(known)
    return bool(found_in_it) and (before, after) not in {("", "s"), ("", known[-1]), (known[0], "")}


def likely(found: str, known: Iterable[str]) -> str | None:
    """The known name that ``found`` may have meant: with other capitals, one that has it as a word, or one like it."""
    names = [str(name) for name in islice(known, _COMPARED)]
    same = (name for name in names if name.casefold() == found.casefold())
    as_a_word = [name for name in names if found in name.split("_")]
    return next(same, None) or _most_alike(found, names) or (as_a_word[0] if len(as_a_word) == 1 else None)


def _within(names: Iterable[str], characters: int) -> Iterator[str]:
    """The first names, as far as they have so many characters together."""
    for name in names:
        characters -= len(name) + len(", ")
        if characters < 0:
            return
        yield name


def _most_alike(found: str, known: Iterable[str]) -> str | None:
    """The known name that is most like ``found``, if there is one that it may have meant."""
    from difflib import SequenceMatcher, get_close_matches  # only a mistake needs it

    matcher = SequenceMatcher(b=found[:_LONGEST_NAME])
    likely: list[tuple[float, str]] = []
    for name in known:
        matcher.set_seq1(name)
        if len(name) <= _LONGEST_NAME and matcher.real_quick_ratio() >= _ALIKE:
            likely.append((matcher.quick_ratio(), name))
    likely.sort(key=lambda one: -one[0])
    names = [name for _, name in likely[:_LIKELIEST]]
    return next(iter(get_close_matches(found[:_LONGEST_NAME], names, n=1, cutoff=_ALIKE)), None)


def listed(items: Iterable[object]) -> str:
    """What a message lists."""
    return ", ".join(map(str, items))


def first_line(error: BaseException) -> str:
    """What another library's error says, in a line; its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
