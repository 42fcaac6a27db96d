"""From a name to its declaration and its uses; the outline of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from fpngraph.library import shipped
from tests.editor.session import CURSOR, Editor

GRAPH = """\
fpngraph: 1
name: found
params: {top: 5, path: P5 | none, table: {3: 8, 4: 16, 5: 32}}
presets: {small: {top: 4}}
inputs: C(3..5)
nodes:
  P(3..top): {inputs: [C(l), 'P(l+1) | none'], channels: $(table(l))}
  all: {inputs: [P(3..top), $path], level: 4, channels: 8}
outputs: {P(3..top): P(l), all: all}
"""
URI = "untitled:Untitled-1"


def marked(inside: str) -> str:
    """The graph with the cursor where ``inside`` has it."""
    assert GRAPH.count(inside.replace(CURSOR, "")) == 1
    return GRAPH.replace(inside.replace(CURSOR, ""), inside)


def words(text: str, places: list[types.Location]) -> list[str]:
    """Line and text of each place."""
    lines = text.splitlines()
    return [
        f"{it.range.start.line + 1} {lines[it.range.start.line][it.range.start.character : it.range.end.character]}"
        for it in places
    ]


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        pytest.param("[¦C(l)", ["5 C(3..5)"], id="input"),
        pytest.param("'P(l¦+1)", ["7 P(3..top)"], id="member of the same family"),
        pytest.param("[P(¦3..top), $", ["7 P(3..top)"], id="range"),
        pytest.param("P(3..to¦p), $", ["3 top"], id="parameter in an index"),
        pytest.param("{to¦p: 4}", ["3 top"], id="parameter in a preset"),
        pytest.param("$pa¦th", ["3 path"], id="parameter"),
        pytest.param("$(tab¦le", ["3 table"], id="table"),
        pytest.param("path: P¦5", ["7 P(3..top)"], id="reference in a parameter"),
        pytest.param("all: a¦ll}", ["8 all"], id="output"),
        pytest.param("name: fo¦und", [], id="no name"),
    ],
)
def test_a_name_leads_to_where_it_is_declared(inside: str, found: list[str], editor: Editor) -> None:
    assert words(GRAPH, editor.define(marked(inside))) == found


def test_of_a_name_that_is_bound_anew_the_nodes_are_found_that_it_stands_for(editor: Editor) -> None:
    text = shipped()["bifpn"].read_text(encoding="utf-8")
    asked = text.replace("{inputs: [P(l), td(l+1)", f"{{inputs: [{CURSOR}P(l), td(l+1)")

    found = words(text, editor.define(asked))

    assert [it.split(" ", 1)[1] for it in found] == [
        "P(backbone_max+1..max)",
        "P(min..backbone_max)",
        "out(min+1..max)",
        "td(min..max-1)",
    ]


def test_a_used_graph_has_what_a_stage_says_of_it(editor: Editor, folder: Path) -> None:
    (folder / "inner.yaml").write_text(GRAPH, encoding="utf-8")
    text = GRAPH.partition("nodes:")[0] + (
        "stages:\n  neck: {use: inner.yaml, preset: small, params: {top: 4}, inputs: {C(3..4): C(l), C5: C5}}\n"
        "outputs: {P4: P4}\n"
    )
    uri = (folder / "using.yaml").as_uri()
    wanted = {
        "use: in¦ner": "1 ",
        "preset: sm¦all": "4 small",
        "params: {t¦op: 4": "3 top",
        "inputs: {C¦(3..4)": "5 C(3..5)",
        "C(3..4): ¦C(l)": "5 C(3..5)",
    }

    for inside, place in wanted.items():
        found = editor.define(text.replace(inside.replace(CURSOR, ""), inside), uri)

        assert words(GRAPH, found) == [place]
        assert found[0].uri == (uri if inside.startswith("C(3..4)") else (folder / "inner.yaml").as_uri())
    editor.close(uri)


def references(editor: Editor, text: str, *, declarations: bool) -> list[str]:
    context = types.ReferenceContext(declarations)
    asked = types.ReferenceParams(context=context, **editor.show(text))
    return words(GRAPH, editor.ask("textDocument/references", asked))


def test_every_place_of_a_name_is_found(editor: Editor) -> None:
    uses = ["7 P(l+1)", "8 P(3..top)", "9 P(l)", "3 P5"]

    assert references(editor, marked("'P(l¦+1)"), declarations=True) == ["7 P(3..top)", *uses]
    assert references(editor, marked("'P(l¦+1)"), declarations=False) == uses
    assert references(editor, marked("{to¦p: 4}"), declarations=True) == [
        "3 top",
        "4 top",
        *["7 top", "8 top", "9 top"],
    ]


def test_every_place_of_the_name_at_the_cursor_is_marked(editor: Editor) -> None:
    asked = types.DocumentHighlightParams(**editor.show(marked("{to\u00a6p: 4}")))

    found = editor.ask("textDocument/documentHighlight", asked)

    assert [it.range.start.line for it in found] == [2, 3, 6, 7, 8]


def test_the_outline_has_sections_stages_and_nodes(editor: Editor) -> None:
    path = shipped()["bifpn"]
    editor.show(f"{CURSOR}{path.read_text(encoding='utf-8')}")

    asked = types.DocumentSymbolParams(types.TextDocumentIdentifier(URI))
    found = editor.ask("textDocument/documentSymbol", asked)

    assert [it.name for it in found] == ["params", "presets", "inputs", "defaults", "stages", "outputs"]
    stages = found[4].children
    assert [it.name for it in stages] == ["coarse", "bifpn"]
    assert [it.name for it in stages[1].children[0].children] == ["td(min..max-1)", "out(min+1..max)"]
    for outer in (found[4], *stages):
        assert outer.range.start == outer.selection_range.start
        assert outer.range.end.line >= outer.selection_range.end.line
