"""Says in the language's own words why a text is not YAML, the same for both of PyYAML's parsers."""

from __future__ import annotations

import re
from typing import Any

import yaml

from fpngraph.errors import UNSEEN, Problem, Replacement, Span
from fpngraph.language.yaml.composer import Source

_SPACES = "indent with spaces"
_QUOTE = "put text that starts with such a sign in quotes"
_COLON = "check the indentation, and put text that contains ': ' in quotes"
_AMONG_SIGNS = re.compile(rf"(?:^|(?<=[\s:,\[\]{{}}?-]))[{UNSEEN}]|[{UNSEEN}](?=\s*$)")
_UNSEEN = re.compile(f"[{UNSEEN}]")
_JOINED = "a key and its value are joined by ': '"
_GLUED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*:(?=\S)")
_KEY = re.compile(r" *[^ :]+(?:\([^)]*\))?")
_NO_COLON = re.compile(r" *[A-Za-z_][^:#'\"\[{]*")
_LINES_BEFORE = 50  # in which what an error is due to is looked for
_REASONS: tuple[tuple[str, str, str | None], ...] = (
    ("mapping values are not allowed", "':' is not allowed here", _COLON),
    ("entries are not allowed", "'-' is not allowed here", "an item of a list starts on a line of its own"),
    (
        "expected ',' or ']'",
        "expected ',' or ']' in the list that starts {context}",
        "one of them is missing before here",
    ),
    (
        "expected ',' or '}'",
        "expected ',' or '}}' in the mapping that starts {context}",
        "one of them is missing before here",
    ),
    ("expected key", "{found} does not continue the mapping that starts {context}", "check indentation and quotes"),
    ("expected '-'", "{found} does not continue the list that starts {context}", "check indentation and quotes"),
    ("node content", "expected a value, found {found}", None),
    ("unexpected end of stream", "a quote is never closed", None),
    ("unexpected document", "a quote is not closed before the end of the document", None),
    ("unknown escape", "an unknown escape in double quotes", "write '\\\\' for a backslash, or use single quotes"),
    ("expected alphabetic or numeric", "expected a name after '&' or '*'", _QUOTE),
    ("escape code", "an escape in double quotes that stands for no character", None),
    ("expected comment", "expected the end of the line after '|' or '>'", _QUOTE),
    ("expected chomping", "expected the end of the line after '|' or '>'", _QUOTE),
    ("tab character", "a tab where indentation is expected", _SPACES),
    ("undefined tag handle", "a tag is not allowed, a graph file is data", "leave the tag out"),
    ("document start", "expected the end of the file or a line '---'", None),
    ("incompatible", "a version of YAML other than 1", None),
)


def syntax_problem(error: yaml.YAMLError, source: Source) -> Problem:
    """The problem that ``error`` of PyYAML stands for."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem("yaml-syntax", f"{source.file}: not valid YAML: {error}")
    context, problem = error.context_mark, error.problem or ""
    mark = error.problem_mark or context
    unseen = _unseen(mark, source)
    if unseen:
        return Problem(
            "yaml-syntax",
            f"not valid YAML: the character U+{ord(unseen.text[unseen.column - 1]):04X} among spaces",
            unseen,
        )
    if "cannot start any token" in problem:
        return _stray(source.character(mark))
    if context is not None and _is_unclosed(problem, mark, source):
        opening = source.character(context)
        return Problem("yaml-syntax", f"not valid YAML: {opening.text[context.column]!r} is never closed", opening)
    if about_a_key := _about_a_key(problem, mark, context, source):
        return about_a_key
    span = _end(mark, source) if source.is_end(mark) else source.character(mark)
    found = span.written
    words = {
        "found": "the end of the file" if source.is_end(mark) else repr(found) if found else "the end of the line",
        "context": f"on line {context.line + 1}" if context else "here",
    }
    for part, reason, hint in _REASONS:
        if part in _canonical(problem, error.context or ""):
            return Problem(
                "yaml-tag" if part == "undefined tag handle" else "yaml-syntax",
                f"not valid YAML: {reason.format(**words)}",
                span,
                hint,
            )
    return Problem("yaml-syntax", f"not valid YAML: {problem}", span)


def _about_a_key(problem: str, mark: Any, context: Any, source: Source) -> Problem | None:
    """The problem of a key without ``:``, or without the space after it."""
    if "mapping values are not allowed" in problem and (above := _without_colon(mark, source)):
        return Problem("yaml-syntax", "not valid YAML: a line without ':' above a key", above, _JOINED)
    if context is None or "find expected ':'" not in problem:
        return None
    span = source.rest(context)
    glued = _GLUED.match(span.written)
    if glued is None:
        return Problem("yaml-syntax", "not valid YAML: expected ':' after this key", span, _JOINED)
    better = Replacement(span.part(glued.end(), glued.end()), " ")
    message = "not valid YAML: expected a space after the ':' of this key"
    return Problem("yaml-syntax", message, span, "write the space", replacement=better)


def _without_colon(mark: Any, source: Source) -> Span | None:
    """The line above the key at a mark, where it is a key whose ``:`` is forgotten."""
    lines = source.lines[max(mark.line - _LINES_BEFORE, 0) : mark.line + 1]
    if not lines or not _KEY.fullmatch(lines[-1][: mark.column]):
        return None
    number = next((place for place in range(len(lines) - 2, -1, -1) if lines[place].strip()), None)
    if number is None or not _NO_COLON.fullmatch(lines[number]):
        return None
    text = lines[number]
    line = max(mark.line - _LINES_BEFORE, 0) + number + 1
    return source.place(line, len(text) - len(text.lstrip()) + 1, len(text.rstrip()) + 1, text)


def _unseen(mark: Any, source: Source) -> Span | None:
    """The nearest character before a mark that looks like a space, which may be why the lines after it do not fit."""
    for line in range(min(mark.line, len(source.lines) - 1), max(mark.line - _LINES_BEFORE, -1), -1):
        text = source.lines[line]
        start = len(text) - len(text.lstrip(" "))
        found = _UNSEEN.match(text, start) or (line == mark.line and _AMONG_SIGNS.search(text))
        if found and (line < mark.line or found.start() <= mark.column):
            column = found.start() + 1
            return source.place(line + 1, column, column + 1, text)
    return None


def _end(mark: Any, source: Source) -> Span:
    """The place behind the last character of the file, which blank lines may follow."""
    numbers = range(min(mark.line, len(source.lines) - 1), -1, -1)
    line = next((number for number in numbers if source.lines[number].strip()), 0)
    text = source.lines[line]
    column = len(text.rstrip()) + 1
    return source.place(line + 1, column, column, text)


def _canonical(problem: str, context: str) -> str:
    """The wording of the C parser for what the other one says with the name of a token."""
    if "<block end>" in problem:
        return "expected '-'" if "collection" in context else "expected key"
    return problem.replace("<document start>", "document start")


def _is_unclosed(problem: str, mark: Any, source: Source) -> bool:
    return source.is_end(mark) and ("expected ','" in problem or "end of stream" in problem)


def _stray(span: Span) -> Problem:
    character = span.text[span.column - 1]
    if character == "\t":
        return Problem("yaml-syntax", "not valid YAML: a tab where indentation is expected", span, _SPACES)
    return Problem(
        "yaml-syntax", f"not valid YAML: a value cannot start with {character!r}", span, "put the text in quotes"
    )
