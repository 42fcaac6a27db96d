"""What a keystroke costs, and that no text that somebody may type on the way ends the server."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import PositionCodec

from fpngraph.editor.completion import completions
from fpngraph.editor.diagnostics import diagnostics
from fpngraph.editor.documents import Documents
from fpngraph.editor.figures import Assumed
from fpngraph.editor.fixes import actions
from fpngraph.editor.hover import hover
from fpngraph.editor.navigation import definitions, references
from fpngraph.editor.renaming import renamed_at
from fpngraph.editor.symbols import symbols
from fpngraph.library import shipped
from tests.editor.session import CURSOR, Editor
from tests.language.bad_files import BAD

URI = "untitled:Untitled-1"
LONGEST_S = 0.1


def long(nodes: int) -> str:
    """A file with a line for each of so many nodes."""
    names = [f"{first}{second}" for first in "abcd" for second in "abcdefghijklmnopqrstuvwxyz"]
    lines = [
        f"  {name}3: {{inputs: [C3, {{from: {before}3, project: always}}], op: [conv, norm, act]}}"
        for before, name in pairwise(["C", *names[:nodes]])
    ]
    last = lines[-1].split(":")[0].strip()
    head = "fpngraph: 1\nname: long\nparams: {width: 64}\ninputs: C(3..5)\ndefaults: {channels: $width}\n"
    return f"{head}nodes:\n" + "\n".join(lines) + f"\noutputs: [{last}]\n"


def everything(documents: Documents, text: str, line: int, column: int) -> None:
    """All that an editor may ask after a keystroke."""
    document = documents.say(URI, None, text, is_graph=True)
    place = types.Position(line, column)
    documents.check(document)
    diagnostics(document)
    completions(documents, document, place)
    hover(documents, document, place, Assumed())
    definitions(documents, document, place)
    references(document, place, declarations=True)
    renamed_at(document, place)
    symbols(document)
    context = types.CodeActionContext([])
    actions(document, types.CodeActionParams(types.TextDocumentIdentifier(URI), types.Range(place, place), context))


@pytest.mark.parametrize("end", ["", "\nbroken: ["], ids=["whole", "half written"])
def test_what_a_keystroke_asks_for_in_a_file_of_100_nodes_is_answered_in_a_tenth_of_a_second(end: str) -> None:
    text, documents = long(100), Documents(PositionCodec())
    everything(documents, text, 50, 20)  # the schema is made once
    costs = []

    for number in range(5):
        start = time.process_time()
        document = documents.say(URI, None, f"{text}# {'x' * number}{end}", is_graph=True)
        documents.check(document)
        diagnostics(document)
        completions(documents, document, types.Position(50, len(text.splitlines()[50].partition("[C3, ")[0]) + 3))
        costs.append(time.process_time() - start)

    assert min(costs) < LONGEST_S


PIECES = (
    *("{", "}", "[", "]", ":", ": ", "\n", "\n  ", "- ", "P(", "l+1", ")", "$", "$(", "|", "'", '"', "#", "&a ", "*a"),
    *("<<: ", "use", "nodes:", "\t", "\u2028", "\x00", "\ufeff", "\u00e9", "\N{BRAIN}"),
)


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(shipped())),
    place=st.floats(0, 1),
    length=st.integers(0, 40),
    pieces=st.lists(st.sampled_from(PIECES), max_size=4),
)
def test_no_text_that_is_typed_on_the_way_is_too_much(name: str, place: float, length: int, pieces: list[str]) -> None:
    text = shipped()[name].read_text(encoding="utf-8")
    start = int(place * len(text))
    typed = f"{text[:start]}{''.join(pieces)}{text[start + length :]}"
    before = f"{text[:start]}{''.join(pieces)}".replace("\r", "\n").split("\n")

    everything(Documents(PositionCodec()), typed, len(before) - 1, len(before[-1]))


@pytest.mark.parametrize(("name", "text"), BAD, ids=[name for name, _ in BAD])
def test_of_a_bad_file_anything_can_be_asked_too(name: str, text: str) -> None:
    lines = text.split("\n")

    for line in range(0, len(lines), max(1, len(lines) // 4)):
        everything(Documents(PositionCodec()), text, line, min(30, len(lines[line]) // 2))


def test_a_graph_that_is_typed_character_by_character_ends_well(editor: Editor, folder: Path) -> None:
    head = "fpngraph: 1\nname: typed\ninputs: C(3..5)\n"
    text = f"{head}nodes:\n  P(3..5): {{inputs: [C(l)], channels: 64}}\noutputs: P(3..5)\n"
    uri = (folder / "typed.yaml").as_uri()
    editor.open(uri, "", "fpngraph")

    for length in range(1, len(text)):
        editor.change(uri, text[:length])
        if length % 7 == 0:
            editor.ask("textDocument/completion", types.CompletionParams(**editor.at(uri, f"{text[:length]}{CURSOR}")))

    assert editor.type(uri, text) == []
    assert editor.shown == []
