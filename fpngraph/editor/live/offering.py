"""What the page offers where the cursor is: all that the language server completes there."""

from __future__ import annotations

from pathlib import Path

from lsprotocol.types import Position, TextEdit
from pygls.workspace import PositionCodec

from fpngraph.editor.completion import completions
from fpngraph.editor.documents import Documents


def offered(path: Path, text: str, line: int, column: int) -> list[dict[str, object]]:
    """The words that can be written at a place of a file that says ``text``, the likeliest first.

    Line and column count from 0, columns units of UTF-16, as the page's editor does and the protocol. ``from`` is the
    column where what is typed of the word begins.
    """
    documents = Documents(PositionCodec())
    document = documents.say(path.as_uri(), path, text, is_graph=False)
    offers = []
    for item in sorted(completions(documents, document, Position(line, column)), key=lambda it: it.sort_text or ""):
        assert isinstance(item.text_edit, TextEdit)
        start = item.text_edit.range.start.character
        offers.append({"label": item.label, "about": item.detail or "", "text": item.text_edit.new_text, "from": start})
    return offers
