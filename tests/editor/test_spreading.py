"""A name that other files know a graph by: it changes in them too, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fpngraph.library import load
from tests.editor.session import CURSOR, Editor, written

USED = """\
fpngraph: 1
name: used
params: {width: 64}
presets: {small: {width: 8}}
inputs: C(3..5)
defaults: {channels: $width}
nodes:
  T(3..5): {inputs: [C(l), T(l+1) | none]}
  N(3..5): {inputs: [T(l), N(l-1) | none]}
outputs: N(3..5)
"""
USER = """\
fpngraph: 1
name: user
inputs: P(3..5)
defaults: {channels: 8}
stages:
  # width, small, C, N
  pan: {use: used.yaml, preset: small, params: {width: 16}, inputs: {C(3..5): P(l)}, outputs: {N(3..5): N(l)}}
  more: {nodes: {M(3..5): {inputs: [N(l)]}}}
outputs: {N(3..5): M(l)}
"""
PLAIN = """\
fpngraph: 1
name: plain
inputs: C(3..5)
stages: {pan: {use: used.yaml}}
outputs: [N3, N(4..5)]
"""
OVER = """\
fpngraph: 1
name: over
inputs: C(3..5)
stages: {it: {use: plain.yaml, outputs: {P(3..5): N(l)}}}
outputs: P(3..5)
"""


@pytest.fixture
def files(editor: Editor, folder: Path) -> Iterator[dict[str, Path]]:
    """The files by their names, with those that are open in the editor closed at the end."""
    texts = {"used.yaml": USED, "user.yaml": USER, "plain.yaml": PLAIN, "over.yaml": OVER}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    yield {name: folder / name for name in texts}
    for name in texts:
        (folder / name).unlink()


def renamed(editor: Editor, path: Path, inside: str, new: str) -> dict[str, str]:
    """The files that a rename changes, by their names, as they are then; they are saved so."""
    uri = path.as_uri()
    text = path.read_text(encoding="utf-8")
    editor.open(uri, text)
    try:
        place = editor.at(uri, text.replace(inside.replace(CURSOR, ""), inside, 1))
        changes = editor.ask("textDocument/rename", types.RenameParams(new_name=new, **place)).changes
    finally:
        editor.close(uri)
    found = {}
    for each, edits in changes.items():
        file = Path(each.removeprefix("file://"))
        found[file.name] = written(file.read_text(encoding="utf-8"), edits)
    for name, text in found.items():
        next(path.parent.rglob(name)).write_text(text, encoding="utf-8")
    return found


@pytest.mark.parametrize(
    ("inside", "new", "in_user", "in_plain"),
    [
        pytest.param("wid¦th: 64", "channels", {"{width: 16": "{channels: 16"}, {}, id="parameter"),
        pytest.param("sma¦ll: {", "tiny", {"preset: small": "preset: tiny"}, {}, id="preset"),
        pytest.param("T¦(3..5)", "td", {}, {}, id="of itself alone"),
        pytest.param(
            "  N¦(3..5)",
            "out",
            {"{N(3..5): N(l)}": "{N(3..5): out(l)}"},
            {"N3, N(4": "out3, out(4"},
            id="output",
        ),
    ],
)
def test_a_name_changes_in_the_files_that_use_it(
    inside: str,
    new: str,
    *,
    in_user: dict[str, str],
    in_plain: dict[str, str],
    editor: Editor,
    files: dict[str, Path],
) -> None:
    wanted = {"user.yaml": (USER, in_user), "plain.yaml": (PLAIN, in_plain)}
    costs = [len(load(path).nodes) for path in files.values()]

    found = renamed(editor, files["used.yaml"], inside, new)

    for name, (text, changed) in wanted.items():
        after = text
        for old, becomes in changed.items():
            assert after.count(old) == 1
            after = after.replace(old, becomes)
        assert found.get(name, text) == after
    assert found["used.yaml"] != USED
    assert [len(load(path).nodes) for path in files.values()] == costs


def test_outputs_that_are_handed_on_change_in_the_files_behind_too(editor: Editor, files: dict[str, Path]) -> None:
    found = renamed(editor, files["used.yaml"], "  N¦(3..5)", "out")

    assert found["over.yaml"] == OVER.replace("N(l)", "out(l)")


@pytest.mark.parametrize(
    ("inside", "plain", "reason"),
    [
        pytest.param(
            "C¦(3..5)",
            PLAIN,
            "would have an error then: the graph that is used takes 'X3'",
            id="an input of the same name",
        ),
        pytest.param(
            "  N¦(3..5)",
            PLAIN.replace("}}\n", "}, more: {nodes: {N(3..5): {inputs: [N(l)], channels: 8}}}}\n"),
            "has 'N' of its own too: say with 'outputs' of stage 'pan' what comes from there",
            id="a name that is given twice",
        ),
        pytest.param(
            "wid¦th: 64",
            PLAIN.replace("used.yaml", "used.yaml, params: {width: 8}, ouputs: N3"),
            "uses this file and has errors: unknown key 'ouputs'",
            id="errors in a file that uses it",
        ),
    ],
)
def test_a_file_that_would_be_another_graph_is_the_reason_to_refuse(
    inside: str, plain: str, reason: str, editor: Editor, files: dict[str, Path]
) -> None:
    files["plain.yaml"].write_text(plain, encoding="utf-8")

    with pytest.raises(JsonRpcException) as refused:
        renamed(editor, files["used.yaml"], inside, "X")

    assert "plain.yaml" in refused.value.message
    assert reason in refused.value.message
