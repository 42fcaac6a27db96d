"""A name that is given anew, wherever a file has it: the graph stays the same, or the rename is refused."""

from __future__ import annotations

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fpngraph.editor.names import Occurrence, occurrences
from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.source import read
from fpngraph.library import loads, shipped
from tests.editor.session import CURSOR, Editor

GRAPH = """\
fpngraph: 1
name: named \N{BRAIN}
params: {top: 5, path: P5 | none, table: {3: 8, 4: 16, 5: 32}}
presets: {small: {top: 4}}
inputs: C(3..5)
stages:
  first:
    nodes:
      P(3..top): {inputs: [C(l), 'P(l+1) | none'], channels: $(table(l))} # P is P
      all: {inputs: ["\\x50(3..top)", $path], level: 4, channels: 8}
  second:
    repeat: 2
    nodes: {Q(3..5): {inputs: [P(l), all], channels: 8}}
    outputs: {P(3..5): Q(l)}
outputs: {P(3..top): P(l), all: all}
"""
PLAIN = GRAPH.replace('"\\x50(3..top)"', "P(3..top)")


def marked(inside: str, text: str = PLAIN) -> str:
    assert text.count(inside.replace(CURSOR, "")) == 1
    return text.replace(inside.replace(CURSOR, ""), inside)


@pytest.mark.parametrize(
    ("inside", "name", "changed"),
    [
        pytest.param(
            "'P¦(l+1)",
            "merged",
            {
                "path: P5": "path: merged5",
                "      P(3..top)": "      merged(3..top)",
                "'P(l+1)": "'merged(l+1)",
                "[P(3..top), $": "[merged(3..top), $",
                "[P(l), all]": "[merged(l), all]",
                "outputs: {P(3..5)": "outputs: {merged(3..5)",
                ": P(l), all: all": ": merged(l), all: all",
            },
            id="family",
        ),
        pytest.param(
            "      ¦all:",
            "mix",
            {"      all:": "      mix:", "P(l), all]": "P(l), mix]", "all: all": "all: mix"},
            id="node",
        ),
        pytest.param(
            "{to¦p: 4}",
            "coarsest",
            {
                "{top: 5": "{coarsest: 5",
                "{top: 4": "{coarsest: 4",
                "      P(3..top)": "      P(3..coarsest)",
                "[P(3..top), $": "[P(3..coarsest), $",
                "{P(3..top)": "{P(3..coarsest)",
            },
            id="parameter",
        ),
        pytest.param("$pa¦th", "way", {"path: P5": "way: P5", "$path": "$way"}, id="parameter of a value"),
        pytest.param("$(tab¦le", "width", {"table: {": "width: {", "$(table": "$(width"}, id="table"),
        pytest.param("sec¦ond", "again", {"second": "again"}, id="stage"),
        pytest.param("sma¦ll", "tiny-1", {"small": "tiny-1"}, id="preset"),
    ],
)
def test_a_name_is_changed_wherever_it_stands(inside: str, name: str, changed: dict[str, str], editor: Editor) -> None:
    wanted = PLAIN
    for old, new in changed.items():
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)

    assert editor.rename(marked(inside), name) == wanted


@pytest.mark.parametrize(
    ("inside", "name", "reason"),
    [
        ("'P¦(l+1)", "P2", "'P2' ends in a digit, which would be an index: the name of a family does not"),
        ("'P¦(l+1)", "C", "the file has the name 'C' already"),
        ("'P¦(l+1)", "all", "the file has the name 'all' already"),
        ("'P¦(l+1)", "a-b", "'a-b' is no name: write letters, digits and '_', no digit first"),
        ("      ¦all:", "all2", "'all2' ends in a digit, which would be an index: this name has none"),
        ("      ¦all:", "train", "the file would have an error then: the name 'train' is reserved"),
        (
            "$pa¦th",
            "l",
            "the file would have an error then: no parameter can be called 'l': it is the index of a member",
        ),
        ("$pa¦th", "top", "the file has the name 'top' already"),
        ("sma¦ll", "a b", "'a b' is no name of a preset: write letters, digits, '_', '-' and '.'"),
        ("name: na¦med", "x", "there is no name here that can be changed"),
    ],
)
def test_a_name_that_cannot_be_is_refused(inside: str, name: str, reason: str, editor: Editor) -> None:
    with pytest.raises(JsonRpcException) as refused:
        editor.rename(marked(inside), name)

    assert refused.value.message == reason


def test_a_name_that_is_also_written_in_a_way_that_nobody_finds_is_refused(editor: Editor) -> None:
    with pytest.raises(JsonRpcException) as refused:
        editor.rename(marked("'P¦(l+1)", GRAPH), "merged")

    assert refused.value.message == "the file would have an error then: family 'P' is declared nowhere in the file"


def test_a_name_by_which_a_used_graph_takes_what_another_gives_is_refused(editor: Editor) -> None:
    text = """\
fpngraph: 1
name: chained
inputs: C(3..4)
defaults: {channels: 8}
stages:
  one:
    use: {fpngraph: 1, name: a, inputs: C(3..4), defaults: {channels: 8}, nodes: {P3: {inputs: [C3]}}, outputs: P3}
  mid:
    nodes: {x3: {inputs: [C3], op: [act]}}
    outputs: {¦Q3: x3}
  two:
    use: {fpngraph: 1, name: b, inputs: P3, defaults: {channels: 8}, nodes: {R3: {inputs: [P3]}}, outputs: R3}
outputs: [R3, Q3]
"""

    with pytest.raises(JsonRpcException) as refused:
        editor.rename(text, "P")

    assert refused.value.message == "the graph would be another one then: something reads this name by another way"


def test_nothing_is_renamed_in_a_file_with_errors(editor: Editor) -> None:
    with pytest.raises(JsonRpcException) as refused:
        editor.rename(f"{marked('$pa¦th')}more: 1\n", "way")

    assert refused.value.message == "the file has errors: what a name means is known once it has none"


def test_the_name_that_would_change_is_marked_first(editor: Editor) -> None:
    asked = types.PrepareRenameParams(**editor.show(marked("'P¦(l+1)")))

    found = editor.ask("textDocument/prepareRename", asked)

    assert found.placeholder == "P"
    assert found.range.end.character - found.range.start.character == 1


def alike(one: Graph, other: Graph) -> bool:
    """Whether they are the same but for names."""
    numbers = [{name: place for place, name in enumerate([*it.inputs, *it.nodes])} for it in (one, other)]
    reads = [
        [[number[edge.source] for edge in node.edges] for node in graph.nodes.values()]
        for graph, number in zip((one, other), numbers, strict=True)
    ]
    return reads[0] == reads[1] and [it.op for it in one.nodes.values()] == [it.op for it in other.nodes.values()]


def renamed_or_refused(editor: Editor, text: str) -> str | None:
    """The text with another name; None where a used graph would miss one."""
    try:
        return editor.rename(text, "renamed")
    except JsonRpcException as refused:
        if "the graph that is used takes" in refused.message:
            return None
        raise


def test_every_family_node_and_parameter_of_every_shipped_graph_can_have_another_name(editor: Editor) -> None:
    for name, path in shipped().items():
        text = path.read_text(encoding="utf-8")
        first: dict[object, Occurrence] = {}
        for it in occurrences(read(text, name)):
            if it.declares and it.kind in ("family", "node", "parameter"):
                first.setdefault(it.symbol, it)
        assert first, name
        for it in list(first.values())[:: max(1, len(first) // 4)]:
            lines = text.split("\n")
            line = lines[it.span.line - 1]
            lines[it.span.line - 1] = f"{line[: it.span.column - 1]}{CURSOR}{line[it.span.column - 1 :]}"

            renamed = renamed_or_refused(editor, "\n".join(lines))
            if renamed is None:  # a used graph reads it by the name that its own input has
                assert "use:" in text
                continue

            assert renamed != text
            assert alike(loads(text, folder=path.parent), loads(renamed, folder=path.parent))
