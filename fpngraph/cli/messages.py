"""What is wrong, as people read it: on standard error, in colours on a terminal that wants them."""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

from fpngraph.errors import GraphError, Problem

_BOLD, _RED, _YELLOW, _CYAN, _PLAIN = (f"\x1b[{number}m" for number in ("1", "1;31", "1;33", "36", "0"))
_CARETS = re.compile(r"( +\| *)(\^+)")
_HINT = re.compile(r"( *hint: )(.*)")
_WARNING = "warning: "
_OPTIONS = (
    (re.compile(r"\Ain_channels(?= (?:is|has|names|of) )"), "--in-channels"),
    (re.compile(r"\Acells(?= has )"), "--cell"),
    (re.compile(r"\b[a-z_]+=(?:[A-Z][a-z]+|'[a-z]+') \((--[a-z-]+(?: [a-z]+)?)\)"), r"\1"),
)
"""How a message says what an argument of Python is, and what it is on the command line."""


def as_typed(text: str) -> str:
    """A message with options of the command line in place of the arguments of Python that they set."""
    for argument, option in _OPTIONS:
        text = argument.sub(option, text)
    return text


def wants_colours(stream: TextIO) -> bool:
    """Whether it is a terminal that shows colours; NO_COLOR and FORCE_COLOR decide where they are set."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def complain(text: str, command: str) -> None:
    """Tell on standard error what is wrong, and which command says so; '' where none was asked for."""
    place = f"{f'fpngraph {command}'.strip()}: "
    print(painted(as_typed(text), place, sys.stderr), file=sys.stderr, flush=True)


def complain_of(error: GraphError, command: str) -> None:
    """Tell of every problem of a graph, and which command finds wrong what has no place in a file."""
    for problem in error.problems:
        if problem.span is None:
            complain(str(problem), command)
        else:
            print(told(problem, sys.stderr), file=sys.stderr, flush=True)


def told(problem: Problem, stream: TextIO) -> str:
    """A problem as ``stream`` shows it."""
    place = f"{problem.file}:{problem.line}:{problem.column}: " if problem.span else ""
    return painted(str(problem).removeprefix(place), place, stream)


def painted(text: str, place: str, stream: TextIO) -> str:
    """The place and the text behind it: an error is red and a warning yellow, carets are too, and hints stand back."""
    if not wants_colours(stream):
        return place + text
    colour = _YELLOW if text.startswith(_WARNING) else _RED
    first, *rest = text.split("\n")
    where = f"{_BOLD}{place}{_PLAIN}" if place else ""
    return "\n".join([f"{where}{colour}{first}{_PLAIN}", *(_line(line, colour) for line in rest)])


def _line(line: str, colour: str) -> str:
    if found := _CARETS.fullmatch(line):
        return f"{found[1]}{colour}{found[2]}{_PLAIN}"
    if found := _HINT.fullmatch(line):
        return f"{_CYAN}{found[1]}{_PLAIN}{found[2]}"
    return line
