"""The text of a graph file with what the hints of problems say in place of what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fpngraph.errors import Problem, Replacement
from fpngraph.language.yaml.composer import line_starts


def fixes(problems: Iterable[Problem], file: str) -> tuple[Replacement, ...]:
    """What can be replaced in ``file``, in its order. Of two that overlap the first one stays."""
    found = {it.replacement for it in problems if it.replacement and it.replacement.span.file == file}
    return tuple(_apart(sorted(found, key=lambda it: (it.span.line, it.span.column, it.span.end, it.text))))


def _apart(replacements: Iterable[Replacement]) -> Iterator[Replacement]:
    end = (0, 0)
    for it in replacements:
        if (it.span.line, it.span.column) >= end:
            yield it
            end = (it.span.line, max(it.span.end, it.span.column + 1))


def replaced(text: str, replacements: Iterable[Replacement]) -> str:
    """``text`` with replacements that do not overlap; every other character of it stays.

    A new line ends as the first one does.
    """
    starts = line_starts(text)
    end = "\r\n" if text[: starts[1] if len(starts) > 1 else 0].endswith("\r\n") else "\n"
    for it in sorted(replacements, key=lambda it: (it.span.line, it.span.column), reverse=True):
        start = starts[it.span.line - 1]
        text = text[: start + it.span.column - 1] + it.text.replace("\n", end) + text[start + it.span.end - 1 :]
    return text
