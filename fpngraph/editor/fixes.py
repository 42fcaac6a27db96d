"""Problems whose hint is a text in place of another, as changes that an editor makes when it is asked to."""

from __future__ import annotations

from lsprotocol import types

from fpngraph.editor.diagnostics import diagnostic
from fpngraph.editor.documents import Document
from fpngraph.errors import Replacement
from fpngraph.language.fixing import fixes

KINDS = [types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]


def actions(document: Document, params: types.CodeActionParams) -> list[types.CodeAction]:
    """A change for each problem on the lines that are asked about; one for all problems where that is asked for.

    A problem of a used graph is mended in its own file.
    """
    wanted = params.context.only or [types.CodeActionKind.QuickFix]
    found: list[types.CodeAction] = []
    if any(types.CodeActionKind.QuickFix.startswith(kind) for kind in wanted):
        found += [it for it in _each(document) if _touches(it, params.range)]
    every = fixes(document.problems, document.called)
    if every and any(types.CodeActionKind.SourceFixAll.startswith(kind) for kind in wanted):
        title = "Mend all problems of which the hint says how"
        edit = types.WorkspaceEdit({document.uri: [_edit(document, it) for it in every]})
        found.append(types.CodeAction(title, kind=types.CodeActionKind.SourceFixAll, edit=edit))
    return found


def _each(document: Document) -> list[types.CodeAction]:
    found = []
    for problem in document.problems:
        better = problem.replacement
        if better is None or better.span.file != document.called:
            continue
        old = better.span.written
        found.append(
            types.CodeAction(
                f"Write {better.text!r} in place of {old!r}" if better.text else f"Leave out {old!r}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[diagnostic(problem, document)],
                is_preferred=True,
                edit=types.WorkspaceEdit({document.uri: [_edit(document, better)]}),
            )
        )
    return found


def _edit(document: Document, better: Replacement) -> types.TextEdit:
    return types.TextEdit(document.now.lines.range(better.span), better.text)


def _touches(action: types.CodeAction, asked: types.Range) -> bool:
    """Whether a change mends a problem on the lines that are asked about."""
    return any(asked.start.line <= problem.range.start.line <= asked.end.line for problem in action.diagnostics or ())
