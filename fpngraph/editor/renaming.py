"""Another name for a node, a family, a parameter, a stage or a preset, in a file and in those that use it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from lsprotocol import types

from fpngraph.editor.documents import Document, Documents
from fpngraph.editor.names import Occurrence
from fpngraph.editor.navigation import name_at
from fpngraph.editor.spreading import Spread
from fpngraph.errors import Refusal, Span
from fpngraph.language.grammar.reference import is_name


def renamed_at(document: Document, position: types.Position) -> types.PrepareRenamePlaceholder | None:
    """The name that a rename at a position is about; None where there is none that can be changed."""
    name = name_at(document, position)
    if name is None or not _all(document, name):
        return None
    return types.PrepareRenamePlaceholder(document.now.lines.range(name.span), name.text)


def rename(
    documents: Documents, document: Document, position: types.Position, new: str, *, folders: Iterable[Path] = ()
) -> types.WorkspaceEdit:
    """The edit that gives the name at a position another text, in the files that use this one too.

    Those are looked for among the open ones, in ``folders``, and in the folder of the document. Raises Refusal where
    that is no name, where there is one already, and where a graph would be another one.
    """
    name = name_at(document, position)
    if name is None or not _all(document, name):
        raise Refusal("there is no name here that can be changed")
    if document.problems and document.graph is None:
        raise Refusal("the file has errors: what a name means is known once it has none")
    _check_text(document, name, new)
    spread = Spread(documents, folders, new)
    spread.change(document, [it.span for it in _all(document, name)], name.text)
    if name.kind in ("parameter", "preset") and not name.home:
        spread.follow(document, name.kind, name.text)
    return types.WorkspaceEdit(
        {
            each.uri: [types.TextEdit(each.now.lines.range(span), new) for span in sorted(spans, key=_order)]
            for each, spans in spread.places.items()
            if spans
        }
    )


def _order(span: Span) -> tuple[int, int]:
    return span.line, span.column


def _all(document: Document, name: Occurrence) -> list[Occurrence]:
    """Every place of a name; none where the file does not declare it."""
    found = [it for it in document.names if it.symbol == name.symbol]
    return found if any(it.declares for it in found) else []


def _check_text(document: Document, name: Occurrence, new: str) -> None:
    if name.kind == "preset":
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", new):
            raise Refusal(f"{new!r} is no name of a preset: write letters, digits, '_', '-' and '.'")
    elif not is_name(new):
        raise Refusal(f"{new!r} is no name: write letters, digits and '_', no digit first")
    if name.kind == "family" and new[-1].isdigit():
        raise Refusal(f"{new!r} ends in a digit, which would be an index: the name of a family does not")
    if name.kind == "node" and new[-1].isdigit():
        raise Refusal(f"{new!r} ends in a digit, which would be an index: this name has none")
    if any(it.text == new and _kind(it) == _kind(name) and it.home == name.home for it in document.names):
        raise Refusal(f"the file has the name {new!r} already")


def _kind(name: Occurrence) -> str:
    return "node" if name.kind == "family" else name.kind
