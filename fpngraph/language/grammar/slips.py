"""What a text that is no reference was probably meant as: habits of other notations, and how they are written here."""

from __future__ import annotations

import re
from typing import NamedTuple

_FAMILY = "(?P<family>[A-Za-z_][A-Za-z0-9_]*?)"
_INDEX = "(?:[0-9]+|[A-Za-z_][A-Za-z0-9_]*)"
_TO = r"\s*(?:\.{2,}|[-:~\u2013\u2026])\s*"  # once: of 'min-max-1' nobody knows which '-' it is
_RANGE = re.compile(
    rf"\s*{_FAMILY}\s*(?:"
    rf"[\[({{]\s*(?P<first>{_INDEX})(?:{_TO}|(?:\s*,\s*{_INDEX})*\s*,\s*)(?P<last>{_INDEX})\s*[\])}}]"
    rf"|(?P<from>[0-9]+){_TO}(?:(?P=family)\(?)?(?P<to>[0-9]+)\)?"
    r")\s*"
)
_LONGEST = 60  # characters of a text that a hint writes anew


class Meant(NamedTuple):
    """A hint, and the text that can stand in place of the whole one where it is certain."""

    hint: str
    better: str | None = None


def meant(text: str) -> Meant | None:
    """What a text that is no reference may have meant; None where nobody can guess.

    >>> meant("P(3-5)")
    Meant(hint="a range is written 'P(3..5)'", better='P(3..5)')
    """
    found = _RANGE.fullmatch(text) if len(text) <= _LONGEST else None
    if found:
        first, last = found["first"] or found["from"], found["last"] or found["to"]
        written = f"{found['family']}({first}..{last})"
        if written == text.strip():  # what is wrong with it is something else
            return None
        if ":" in text:  # the last one of a slice is not in it
            return Meant(f"a range is written {written!r}, and {last} is in it")
        return Meant(f"a range is written {written!r}", None if _leaves_out(text[found.end("family") :]) else written)
    items = listed(text)
    if len(items) > 1:
        return Meant(f"several are a list: '[{', '.join(items)}]'" if len(text) <= _LONGEST else "several are a list")
    return None


def listed(text: str) -> list[str]:
    """The parts of a text between the commas, or the ``+``, that stand outside of all brackets."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and character in ",+":
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def _leaves_out(indices: str) -> bool:
    """Whether indices are a list that may be no range: ``(3, 5)`` has no 4, and of names nobody knows."""
    each = re.findall("[A-Za-z0-9_]+", indices)
    numbers = [int(it) for it in each if it.isdigit()]
    every = list(range(numbers[0], numbers[0] + len(each))) if numbers else None
    return "," in indices and numbers != every
