"""A half-written file as a tree: lines that are no YAML yet are closed or left out, all others keep their places."""

from __future__ import annotations

import re

from fpngraph.errors import GraphError
from fpngraph.language.yaml.source import read
from fpngraph.language.yaml.value import Value

_TRIES = 12  # lines that are mended in one file
_LONGEST = 200_000  # characters; a longer file waits until it is YAML again
_CLOSING = {"[": "]", "{": "}"}
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"|(?:^|(?<=\s))#.*")
_WORD = re.compile(r"\s*[A-Za-z_][\w().+*-]*\s*")


def tree_of(text: str, file: str) -> tuple[Value | None, str]:
    """The values of a text as far as they can be read, and the text that they were read from, line for line."""
    lines = re.split("\r\n|[\n\r]", text.removeprefix("\ufeff"))
    mended: set[int] = set()
    for _ in range(_TRIES if len(text) < _LONGEST else 1):
        try:
            return read("\n".join(lines), file), "\n".join(lines)
        except GraphError as error:
            places = [problem.line for problem in error.problems if problem.line]
        if not places:
            break
        for place in places:
            _mend(lines, min(place, len(lines)) - 1, mended)
    return None, "\n".join(lines)


def _mend(lines: list[str], place: int, mended: set[int]) -> None:
    """Close what the line at ``place``, or the nearest before it, leaves open; else leave out the line."""
    for number in range(place, max(place - 3, -1), -1):
        if number not in mended and (closing := _left_open(lines[number])):
            lines[number] = f"{lines[number].rstrip().rstrip(',|')} {closing}"
            mended.add(number)
            return
    if place not in mended and _WORD.fullmatch(lines[place]):
        lines[place] = f"{lines[place].rstrip()}:"
    else:
        lines[place] = ""
    mended.add(place)


def _left_open(line: str) -> str:
    """What closes the brackets and the quote that a line leaves open."""
    bare = _QUOTED.sub("", line)
    quote = next((sign for sign in "\"'" if re.search(rf"(?:^|[\s\[{{,:]){sign}[^{sign}]*$", bare)), "")
    if quote:
        bare = bare[: bare.rindex(quote)]
    stack: list[str] = []
    for character in bare:
        if character in _CLOSING:
            stack.append(_CLOSING[character])
        elif stack and character == stack[-1]:
            stack.pop()
    return quote + "".join(reversed(stack))
