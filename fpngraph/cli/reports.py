"""What is wrong with graph files, for people and for programs: text, JSON, annotations of GitHub, SARIF."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fpngraph
from fpngraph.cli.checking import Checked
from fpngraph.cli.messages import told
from fpngraph.codes import MEANINGS
from fpngraph.errors import Problem, Replacement

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def _text(results: Sequence[Checked]) -> str:
    """The findings as people read them, and how many there are in each file."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(result: Checked) -> Iterator[str]:
    for problem in result.problems:
        text = told(problem, sys.stdout)
        named = problem.span or str(Path(result.name)) in problem.message
        yield text if named else f"{result.name}: {text}"
    yield from (told(problem, sys.stdout) for problem in result.warnings)
    counts = [_counted(len(result.problems), "problem")] if result.problems else ["ok"]
    if result.warnings:
        counts.append(_counted(len(result.warnings), "warning"))
    yield f"{result.name}: {', '.join(counts)}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _found(results: Sequence[Checked]) -> Iterator[tuple[str, Problem]]:
    """Every finding with its file."""
    for result in results:
        for problem in (*result.problems, *result.warnings):
            yield problem.file or result.name, problem


def _json(results: Sequence[Checked]) -> str:
    """A mapping for an editor per finding."""
    rows = [
        {
            "file": file,
            "line": problem.line,
            "column": problem.column,
            "end": problem.span.end if problem.span else None,
            "severity": problem.severity,
            "code": problem.code,
            "message": problem.message,
            "hint": problem.hint,
            "used_by": problem.span.used_by if problem.span else None,
            "replacement": _replacement(problem.replacement),
        }
        for file, problem in _found(results)
    ]
    return json.dumps(rows, indent=2)


def _replacement(replacement: Replacement | None) -> dict[str, Any] | None:
    """What to write, and in place of which characters of the file."""
    if replacement is None:
        return None
    span = replacement.span
    return {"line": span.line, "column": span.column, "end": span.end, "text": replacement.text}


def _github(results: Sequence[Checked]) -> str:
    """A workflow command per finding, which GitHub shows at its line."""
    lines = []
    for file, problem in _found(results):
        place: dict[str, str | int] = {"file": file, "title": f"fpngraph {problem.code}"}
        if problem.span:
            place |= {"line": problem.span.line, "col": problem.span.column, "endColumn": problem.span.end}
        said = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in place.items())
        lines.append(f"::{problem.severity} {said}::{_escaped(_sentence(problem))}")
    return "\n".join(lines)


def _escaped(text: str, also: str = "") -> str:
    """A text within a workflow command."""
    return "".join(f"%{ord(sign):02X}" if sign in f"%\r\n{also}" else sign for sign in text)


def _sentence(problem: Problem) -> str:
    used = f"\nused by {problem.span.used_by}" if problem.span and problem.span.used_by else ""
    return f"{problem.message}{used}{f'{chr(10)}hint: {problem.hint}' if problem.hint else ''}"


def _sarif(results: Sequence[Checked]) -> str:
    """One run in the Static Analysis Results Interchange Format 2.1.0 (OASIS)."""
    found = list(_found(results))
    codes = sorted({problem.code for _, problem in found})
    rules = [{"id": code, "shortDescription": {"text": MEANINGS[code]}} for code in codes]
    run = {
        "tool": {"driver": {"name": "fpngraph", "version": fpngraph.__version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(file, problem, codes.index(problem.code)) for file, problem in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(file: str, problem: Problem, rule: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if problem.span:
        span = problem.span
        place["region"] = {"startLine": span.line, "startColumn": span.column, "endColumn": span.end}
    result = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": _sentence(problem)},
        "locations": [{"physicalLocation": place}],
    }
    return result | ({"fixes": [_fix(problem.replacement, problem.hint)]} if problem.replacement else {})


def _fix(replacement: Replacement, hint: str | None) -> dict[str, Any]:
    span = replacement.span
    deleted = {"startLine": span.line, "startColumn": span.column, "endColumn": span.end}
    change = {
        "artifactLocation": _artifact(span.file),
        "replacements": [{"deletedRegion": deleted, "insertedContent": {"text": replacement.text}}],
    }
    return {"description": {"text": hint or f"write {replacement.text!r}"}, "artifactChanges": [change]}


def _artifact(file: str) -> dict[str, str]:
    path = Path(file)
    return {"uri": path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))}


FORMATS: Mapping[str, Callable[[Sequence[Checked]], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": _sarif,
}
"""By their names, what writes the findings of several files."""
