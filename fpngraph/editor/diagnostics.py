"""The problems of a file as an editor marks them: those that ``fpngraph check`` has, at the same places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from fpngraph.editor.documents import Document
from fpngraph.editor.places import Lines
from fpngraph.errors import Problem, Span
from fpngraph.language.uses import Link
from fpngraph.language.yaml.value import Value

SOURCE = "fpngraph"
_SEVERITY = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}
_LEFT_OUT = frozenset({"unused-node", "unused-input"})


def diagnostics(document: Document) -> list[types.Diagnostic]:
    """One for each problem of a document. Those of a file that it uses stand at the stage that does."""
    return [diagnostic(problem, document) for problem in document.problems] if document.is_graph else []


def diagnostic(problem: Problem, document: Document) -> types.Diagnostic:
    """A problem with its hint as the second line of the message."""
    lines = document.now.lines
    span, message, related = problem.span, problem.message, None
    if span and span.used_by:
        message = f"{span.file}:{span.line}:{span.column}: {message}"
        related = [_elsewhere(span, problem.message, document)]
        span = next(_using(document.now.tree, span.used_by), None)
    return types.Diagnostic(
        lines.range(span),
        message if problem.hint is None else f"{message}\nhint: {problem.hint}",
        severity=_SEVERITY[problem.severity],
        code=problem.code,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if problem.code in _LEFT_OUT else None,
        related_information=related,
    )


def _elsewhere(span: Span, message: str, document: Document) -> types.DiagnosticRelatedInformation:
    """The place in a used file."""
    uri = from_fs_path(str(Path(span.file).absolute())) or document.uri
    place = Lines("\n" * (span.line - 1) + span.text, document.now.lines.codec).range(span)
    return types.DiagnosticRelatedInformation(types.Location(uri, place), message)


def _using(tree: Value | None, used_by: str) -> Iterator[Span]:
    """The names of the stages of this file through which a used graph came."""
    stages = tree.entries.get("stages") if tree else None
    for name, span in stages.key_spans.items() if stages else ():
        if used_by.endswith(Link(str(name), span, None).text):
            yield span
