"""Changes that mend a problem, where its hint says exactly what to write."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fpngraph.errors import GraphError
from fpngraph.language.fixing import fixes, replaced
from fpngraph.library import loads
from tests.editor.session import CURSOR, Editor, written
from tests.language.bad_files import BAD

GRAPH = """\
fpngraph: 1
name: mended
inputs: C(3..5)
nodes:
  merged(3..5): {inputs: [C(l), megred(l+1) | none], channels: 64, fuson: sum}
outputs: merged(3..5)
"""
URI = "untitled:Untitled-1"


def found(text: str) -> GraphError:
    with pytest.raises(GraphError) as caught:
        loads(text)
    return caught.value


def made(action: types.CodeAction, text: str) -> str:
    """A text with a change made."""
    assert action.edit is not None
    assert action.edit.changes is not None
    return written(text, list(action.edit.changes[URI]))


def test_a_misspelt_key_is_mended_where_it_stands(editor: Editor) -> None:
    text = GRAPH.replace("megred", "merged")

    (action,) = editor.actions(text.replace("fuson", f"fu{CURSOR}son"))

    assert action.title == "Write 'fusion' in place of 'fuson'"
    assert action.kind == types.CodeActionKind.QuickFix
    assert [it.code for it in action.diagnostics or ()] == ["unknown-key"]
    assert made(action, text) == text.replace("fuson", "fusion")


def test_on_other_lines_nothing_is_offered(editor: Editor) -> None:
    assert editor.actions(f"{CURSOR}{GRAPH}") == []
    assert editor.actions(GRAPH.replace("fuson: sum", "").replace("megred", f"{CURSOR}merged")) == []


def test_all_problems_can_be_mended_at_once(editor: Editor) -> None:
    text = GRAPH.replace("64,", "64, paddin: same,")

    (action,) = editor.actions(f"{CURSOR}{text}", types.CodeActionKind.SourceFixAll)

    assert made(action, text) == GRAPH.replace("64,", "64, padding: same,").replace("fuson", "fusion").replace(
        "megred", "merged"
    )


def test_of_every_bad_file_the_changes_are_those_that_check_makes(editor: Editor) -> None:
    offered = 0
    for name, text in BAD:
        wanted = fixes(found(text).problems, "<text>")
        if len(text) > 10_000 or not wanted:
            continue
        actions = editor.actions(f"{CURSOR}{text}", types.CodeActionKind.SourceFixAll)

        assert len(actions) == 1, name
        assert made(actions[0], text) == replaced(text, wanted), name
        offered += 1
    assert offered > 10
