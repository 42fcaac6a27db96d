"""What the page shows of a text: the picture or the problems, and the presets and parameters to choose from."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpngraph.drawing.files import WRITERS
from fpngraph.drawing.formats.extras import MissingExtra
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.editor.mending import tree_of
from fpngraph.errors import GraphError, Problem
from fpngraph.language.yaml.source import read
from fpngraph.language.yaml.value import Value
from fpngraph.language.yaml.writing import flow
from fpngraph.library import loads

TEXT = "<text>"
_WIDEST = 200  # characters of a parameter
_KEYWORDS = ("preset", "folder")  # of loads: no graph has a parameter with such a name


@dataclass(frozen=True, slots=True)
class Asked:
    """A text, and what somebody chose for it, as typed."""

    text: str
    folder: Path
    """Where its file is, links resolved."""
    preset: str | None
    params: Mapping[str, str]
    """Of each parameter that is set, the value as YAML."""
    in_channels: tuple[int, ...] | None
    image_size: tuple[int, int] | None

    def diagram(self) -> tuple[Diagram, tuple[Problem, ...]]:
        """What is drawn, and the warnings. Raises GraphError."""
        params = {name: _value(name, text) for name, text in self.params.items() if text.strip()}
        if wrong := next((name for name in params if name in _KEYWORDS), None):
            raise GraphError([Problem("unknown-param", f"there is no parameter {wrong!r}")])
        graph = loads(self.text, preset=self.preset or None, folder=self.folder, **params)
        size = self.image_size if self.in_channels else None
        return diagram(graph, Look(), in_channels=self.in_channels, image_size=size), graph.warnings


def _value(name: str, text: str) -> Any:
    """A value that was typed for a parameter. Raises GraphError where it is no YAML."""
    try:
        entries = read(f"value: {text}", "<parameters>").entries
    except GraphError as error:
        problem = error.problems[0]
        raise GraphError([Problem(problem.code, f"parameter {name!r}: {problem.message}")]) from None
    if set(entries) != {"value"}:
        raise GraphError([Problem("param-type", f"parameter {name!r}: {text!r} is more than one value")])
    return entries["value"].plain()


def exported(asked: Asked, ending: str) -> bytes:
    """A picture as a file of a format. Raises GraphError, and ValueError where the format cannot hold it."""
    drawn, _ = asked.diagram()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return WRITERS[ending](drawn, 2.0)
    except MissingExtra as error:
        raise ValueError(str(error)) from None


def choices(text: str) -> dict[str, Any]:
    """The presets and parameters of a text, as far as it can be read."""
    tree, _ = tree_of(text, TEXT)
    return {
        "presets": list(map(str, _of(tree, "presets"))),
        "params": {name: flow(it.plain())[:_WIDEST] for name, it in _of(tree, "params").items()},
    }


def _of(tree: Value | None, section: str) -> Mapping[str, Value]:
    entries = tree.entries if tree else {}
    return {str(name): value for name, value in entries[section].entries.items()} if section in entries else {}


def row(problem: Problem) -> dict[str, Any]:
    """A problem as the page has it; ``line`` is None for one that is not in the text itself."""
    span = problem.span if problem.file == TEXT else None
    where = "" if problem.span is None or span else f"{problem.file}:{problem.line}:{problem.column}: "
    return {
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end": span.end if span else None,
        "severity": problem.severity,
        "code": problem.code,
        "message": f"{where}{problem.message}",
        "hint": problem.hint,
        "better": _better(problem),
    }


def _better(problem: Problem) -> dict[str, Any] | None:
    """What the hint has in place of what is there, where it says exactly that."""
    found = problem.replacement
    if found is None or found.span.file != TEXT:
        return None
    return {"line": found.span.line, "column": found.span.column, "end": found.span.end, "text": found.text}
