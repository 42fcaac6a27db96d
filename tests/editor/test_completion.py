"""What the language server offers while a file is typed, most of it half written."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from fpngraph.library import named, shipped
from fpngraph.ops import operators
from tests.editor.session import CURSOR, Editor, written

HEAD = """\
fpngraph: 1
name: typed
params: {width: 64, min: 3, table: {3: 4}, act: relu}
presets: {small: {width: 8}}
inputs: C(min..5)
"""
NODE = f"{HEAD}nodes:\n  P(3..5): {{inputs: [C(l)], "
PARAMS = ["$width", "$min", "$table", "$act"]
SEEN = ["C(l)", "C3", "C4", "C5"]
NODES = [*SEEN, "P(l)", "P3", "P4", "P5"]
NODE_KEYS = ["channels", "fusion", "resample", "op", "norm", "act", "padding", "init", "inputs", "level"]
STAGE = f"{HEAD}stages:\n  neck: {{use: bifpn, "


@pytest.mark.parametrize(
    ("marked", "labels"),
    [
        pytest.param(f"{HEAD}¦", ["description", "source", "defaults", "nodes", "stages", "outputs"], id="section"),
        pytest.param(
            f"{HEAD}def¦\nnodes: {{P3: {{inputs: [C3]}}}}\n",
            ["description", "source", "defaults", "stages", "outputs"],
            id="half a section",
        ),
        pytest.param(f"{HEAD}nodes:\n  P3: {{¦", NODE_KEYS, id="key of a node in brackets"),
        pytest.param(
            f"{HEAD}nodes:\n  P3:\n    inputs: [C3]\n    le¦\n  P4: {{inputs: [C4]}}\noutputs: P(3..4)\n",
            [key for key in NODE_KEYS if key != "inputs"],
            id="key of a node on its own line",
        ),
        pytest.param(
            f"{HEAD}nodes:\n  P3:\n    ¦\n    inputs: [C3]\n    fusion: sum\noutputs: P3\n",
            [key for key in NODE_KEYS if key not in ("inputs", "fusion")],
            id="key of a node above its others",
        ),
        pytest.param(
            f"{HEAD}nodes:\n  P3:\n    inp¦uts: [C3]\n    fusion: sum\noutputs: P3\n",
            [key for key in NODE_KEYS if key != "fusion"],
            id="key that is there",
        ),
        pytest.param(f"{HEAD}nodes:\n  P(3..5): {{inputs: [¦", [*NODES, *PARAMS], id="input"),
        pytest.param(f"{HEAD}nodes:\n  P(3..5): {{inputs: [C(l), C¦]}}\n", [*NODES, *PARAMS], id="second input"),
        pytest.param(f"{HEAD}nodes:\n  P(3..5):\n    inputs:\n    - ¦\n", [*NODES, *PARAMS], id="input in a block"),
        pytest.param(f"{HEAD}nodes:\n  P(3..5): {{inputs: [{{from: ¦", [*NODES, *PARAMS], id="input of an edge"),
        pytest.param(f"{HEAD}nodes:\n  P(3..5): {{inputs: [C(l) | ¦", [*NODES, "none", *PARAMS], id="fallback"),
        pytest.param(f"{HEAD}nodes:\n  P(3..5): {{inputs: [C(¦", ["l", "width", "min"], id="index"),
        pytest.param(f"{HEAD}nodes:\n  P(m¦", ["l", "width", "min"], id="index of a declaration"),
        pytest.param(f"{NODE}channels: ¦", PARAMS, id="number"),
        pytest.param(f"{NODE}channels: $¦", PARAMS, id="parameter"),
        pytest.param(f"{NODE}channels: $(2 * ¦", ["l", "width", "min", "table(l)"], id="expression"),
        pytest.param(f"{NODE}op: [{{conv: {{kernel: 3, ¦", ["channels", "dilation", "bias", "groups"], id="setting"),
        pytest.param(f"{NODE}op: [{{conv: {{bias: ¦", ["true", "false", "auto", *PARAMS], id="value of a setting"),
        pytest.param(f"{NODE}padding: ¦", ["symmetric", "same", *PARAMS], id="word"),
        pytest.param(
            f"{HEAD}defaults:\n  resample:\n    project:\n      ¦\n",
            ["when", "norm", "bias", "channels"],
            id="settings in settings",
        ),
        pytest.param(
            f"{HEAD}nodes:\n  P3: {{inputs: [C3]}}\n  P4\noutputs: [¦\n",
            [*SEEN, "P3", "P4", "P(l)", *PARAMS],
            id="output",
        ),
        pytest.param(
            "fpngraph: 1\nparams: {width: 64, act: relu}\npresets:\n  large: {¦",
            ["width", "act"],
            id="parameter of a preset",
        ),
        pytest.param(
            f"{STAGE}preset: ¦", [f"d{number}" for number in range(8)] + ["d7x", *PARAMS], id="preset of a used graph"
        ),
        pytest.param(f"{STAGE}inputs: {{¦", ["P3", "P4", "P5"], id="input of a used graph"),
        pytest.param(f"{STAGE}inputs: {{P3: ¦", [*SEEN, *PARAMS], id="what it is"),
        pytest.param(
            f"{STAGE}outputs: P(3..7)}}\n  heads:\n    nodes:\n      H3: {{inputs: [P¦]}}\n",
            [*SEEN, "H(l)", "H3", "P3", "P4", "P5", "P6", "P7", *PARAMS],
            id="output of a used graph",
        ),
        pytest.param(f"{HEAD}# {CURSOR}", [], id="comment"),
        pytest.param(f"{NODE}op: [conv]¦", [], id="behind a bracket that is closed"),
    ],
)
def test_what_may_stand_at_a_place_is_offered(marked: str, labels: list[str], editor: Editor) -> None:
    offered = [item.label for item in editor.complete(marked)]

    assert sorted(offered) == sorted(labels)


def test_names_in_scope_come_before_parameters(editor: Editor) -> None:
    offered = [item.label for item in editor.complete(f"{HEAD}nodes:\n  P(3..5): {{inputs: [¦")]

    assert offered == [*NODES, *PARAMS]


def test_names_of_stages_behind_are_not_in_scope(editor: Editor) -> None:
    behind = "  last: {nodes: {late3: {inputs: [C3]}}}"
    marked = f"{HEAD}stages:\n  first: {{nodes: {{early3: {{inputs: [¦]}}}}}}\n{behind}\n"

    offered = [item.label for item in editor.complete(marked)]

    assert "early3" in offered
    assert "late3" not in offered


def test_every_operator_is_offered_where_it_may_stand(editor: Editor) -> None:
    places = {"op: [": ("layer", "norm", "act"), "fusion: ": ("fusion",), "init: ": ("init",), "act: ": ("act",)}
    for written_before, kinds in places.items():
        offered = {item.label for item in editor.complete(f"{NODE}{written_before}¦")}

        wanted = {operator.name for operator in operators() if operator.kind in kinds}
        assert {f"{{{name}: ...}}" for name in wanted} <= offered
        alone = {name for name in offered if name in wanted}
        assert len(alone) > len(wanted) / 2 or kinds == ("layer", "norm", "act")


def test_a_list_of_one_is_offered_before_its_bracket(editor: Editor) -> None:
    before = {item.label for item in editor.complete(f"{NODE}op: ¦")}
    within = {item.label for item in editor.complete(f"{NODE}op: [¦")}

    assert {"[conv]", "[act]", "none"} <= before
    assert "conv" in within
    assert not any(label.startswith("[") for label in within)


def test_what_means_something_says_what(editor: Editor) -> None:
    items = {item.label: item for item in editor.complete(f"{NODE}fusion: ¦")}

    assert items["sum"].detail == "The sum of the maps, as in arXiv:1612.03144 Sec. 3."
    assert items["$width"].detail == "parameter, by default 64"


def test_a_choice_takes_the_place_of_what_is_written_of_it(editor: Editor) -> None:
    marked = f"{NODE}channels: $wi¦"

    item = next(item for item in editor.complete(marked) if item.label == "$width")

    assert isinstance(item.text_edit, types.TextEdit)
    assert written(marked.replace(CURSOR, ""), [item.text_edit]) == f"{NODE}channels: $width"


def test_graphs_that_have_names_and_files_beside_are_offered_for_use(editor: Editor, folder: Path) -> None:
    (folder / "beside.yaml").touch()
    uri = (folder / "typed.yaml").as_uri()

    offered = [item.label for item in editor.complete(f"{HEAD}stages:\n  neck: {{use: ¦", uri)]

    assert {*named(), "beside.yaml"} <= set(offered)
    editor.close(uri)


def test_a_file_that_is_no_graph_yet_is_offered_its_first_line(editor: Editor) -> None:
    uri = "untitled:empty.yaml"
    editor.open(uri, "")

    items = editor.ask("textDocument/completion", types.CompletionParams(**editor.at(uri, CURSOR)))

    assert [item.text_edit.new_text for item in items] == ["fpngraph: 1"]
    editor.close(uri)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_place_of_a_shipped_graph_can_be_asked_about(name: str, editor: Editor) -> None:
    text = shipped()[name].read_text(encoding="utf-8")
    uri = f"untitled:{name}"
    places = range(0, len(text), max(1, len(text) // 5))

    for place in places:
        editor.complete(f"{text[:place]}{CURSOR}{text[place:]}", uri)
        editor.complete(f"{text[:place]}{CURSOR}", uri)

    assert editor.shown == []
    editor.close(uri)
