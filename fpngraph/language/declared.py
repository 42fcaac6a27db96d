"""What a file declares: what may be called how, and whether all that it refers to is there."""

from __future__ import annotations

import keyword
from collections.abc import Iterable

from fpngraph.errors import Replacement, Span, nearest, renamed
from fpngraph.language.grammar.reference import Name
from fpngraph.language.limits import MAX_LEVEL
from fpngraph.language.members import Key, text_of
from fpngraph.language.problems import Problems
from fpngraph.reserved import RESERVED

_NOTHING = frozenset({"null", "nil", "none", "nothing"})  # in other notations
WORDS = frozenset({"none", "l", "ratio"})


class Declared:
    """The families and names that a file declares, beside those that it refers to."""

    def __init__(self) -> None:
        self._known: set[tuple[str, bool]] = set()
        self._used: list[tuple[Name, Span]] = []
        self._complete = True

    def add(self, family: str, *, indexed: bool) -> None:
        """Something that the file can refer to from now on."""
        self._known.add((family, indexed))

    def use(self, names: Iterable[tuple[Name, Span]]) -> None:
        """Names that the file refers to, each with its place."""
        self._used += names

    def incomplete(self) -> None:
        """Something is declared in a way that cannot be read: it is not known which names there are."""
        self._complete = False

    def report_unknown(self, problems: Problems) -> None:
        """A problem for every reference to a family or name that is declared nowhere in the file."""
        if not self._complete:
            return
        known = sorted({family for family, _ in self._known})
        for name, span in self._used:
            indexed = name.index is not None
            if (name.family, indexed) in self._known:
                continue
            hint = nearest(name.family, known)
            family_span = span.part(0, len(name.family)) if span.written == name.text else span
            replacement = renamed(family_span, name.family, known)
            if (name.family, not indexed) in self._known:
                hint = f"{name.family!r} is declared {'without' if indexed else 'with'} an index"
                replacement = None
            if name.family.lower() in _NOTHING:
                hint = "write 'none' at the end for what may be missing"
                replacement = Replacement(family_span, "none") if family_span.written == name.family else None
            what = "family" if indexed else "name"
            problems.once(
                "unknown-name", f"{what} {name.family!r} is declared nowhere in the file", span, hint, replacement
            )


def check_name(key: Key, span: Span, problems: Problems) -> None:
    """A problem where a node, input, output or stage may not be called so."""
    text = text_of(key)
    if text.startswith("_"):
        message = f"the name {text!r} begins with '_', which is reserved"
        problems.once("reserved-name", message, span, "begin it with a letter")
    elif key[0] in WORDS or text in RESERVED or keyword.iskeyword(text):
        hint = f"choose another name, such as {text + '_'!r}" if key[1] is None else "choose another family"
        problems.once("reserved-name", f"the name {text!r} is reserved", span, hint)
    elif key[1] is not None and key[1] < 0:
        message = f"the index of {text!r} is negative"
        problems.once("index-out-of-range", message, span, "a declared index is 0 or more")


def level_of(key: Key, explicit: int | None, span: Span, hint: str, problems: Problems) -> int | None:
    """The level of what ``key`` declares; None, and a problem, where it has none. ``hint`` says how to give one."""
    level = key[1] if explicit is None else explicit
    if level is None:
        problems.once("missing-level", f"{text_of(key)!r} has no index, so it needs a level", span, hint)
    elif level > MAX_LEVEL:
        message = f"the level of {text_of(key)!r} is {level}, but must be at most {MAX_LEVEL}"
        problems.once("index-out-of-range", message, span, hint)
    return level if level is not None and 0 <= level <= MAX_LEVEL else None
