"""Stages that are other graphs: what they see, what they are called, where files are found, and what is refused."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.language.explicit import dump
from fpngraph.language.fixing import fixes, replaced
from fpngraph.library import describe, load, loads
from tests.language.loading import graph, refused, sources, warned
from tests.language.strategies import graphs

INNER = """\
fpngraph: 1
name: inner
params: {width: 8, act: relu}
presets: {wide: {width: 16}}
inputs: C(3..4)
defaults: {channels: $width, act: $act, op: [act]}
nodes:
  T(3..4): {inputs: [C(l), T(l+1) | none]}
  spare4: {inputs: [C4]}
outputs: {N(3..4): T(l), raw: C4}
"""
CELLS = """\
fpngraph: 1
name: cells
inputs: P3
stages:
  first: {nodes: {a3: {inputs: [P3]}}, outputs: {P3: a3}}
  cell: {repeat: 2, nodes: {b3: {inputs: [P3]}}, outputs: {P3: b3}}
outputs: P3
"""
MAIN = "fpngraph: 1\nname: main\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files to use, as the current one."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "inner.yaml").write_text(INNER, encoding="utf-8")
    (tmp_path / "parts" / "cells.yaml").write_text(CELLS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(body: str, **asked: Any) -> Graph:
    """The graph of a file in the current folder."""
    Path("main.yaml").write_text(MAIN + body, encoding="utf-8")
    return load("main.yaml", **asked)


def said(body: str, **asked: Any) -> str:
    """What is said about a file in the current folder."""
    with pytest.raises(GraphError) as caught:
        made(body, **asked)
    return str(caught.value)


def widths(found: Graph) -> dict[str, int | None]:
    return {name: node.channels for name, node in found.nodes.items()}


@pytest.mark.usefixtures("folder")
class TestMeaning:
    def test_its_nodes_have_the_stage_in_front_and_read_what_its_inputs_are(self) -> None:
        found = made(
            "inputs: P(3..4)\nstages:\n"
            "  pan: {use: parts/inner.yaml, inputs: {C(3..4): P(l)}}\n"
            "  out: {nodes: {O(3..4): {inputs: [N(l), P(l)]}}}\n"
            "outputs: [O(3..4), raw]\n"
        )

        assert sources(found) == {
            "pan.T4": ["P4"],
            "pan.T3": ["P3", "pan.T4"],
            "out.O3": ["pan.T3", "P3"],
            "out.O4": ["pan.T4", "P4"],
        }
        assert found.outputs == {"O3": "out.O3", "O4": "out.O4", "raw": "P4"}

    def test_stages_of_it_and_runs_of_both_are_in_the_names(self) -> None:
        found = made("inputs: P3\nstages:\n  s: {use: parts/cells.yaml, repeat: 2, outputs: {P3: P3}}\noutputs: P3\n")

        assert sources(found) == {
            "s.0.first.a3": ["P3"],
            "s.0.cell.0.b3": ["s.0.first.a3"],
            "s.0.cell.1.b3": ["s.0.cell.0.b3"],
            "s.1.first.a3": ["s.0.cell.1.b3"],
            "s.1.cell.0.b3": ["s.1.first.a3"],
            "s.1.cell.1.b3": ["s.1.cell.0.b3"],
        }
        node = found.nodes["s.1.cell.0.b3"]
        assert (node.stage, node.run, node.member) == ("s.1.cell", 0, "b3")

    def test_a_node_of_no_stage_is_of_a_run_of_the_stage_that_uses_it(self) -> None:
        found = made(
            "inputs: C(3..4)\nstages:\n  s: {use: parts/inner.yaml, repeat: 2, outputs: {C3: N3}}\noutputs: C3\n"
        )

        node = found.nodes["s.1.T3"]
        assert (node.stage, node.run, node.member) == ("s", 1, "T3")

    def test_graphs_within_graphs_are_relative_to_their_own_file(self) -> None:
        Path("parts/outer.yaml").write_text(
            "{fpngraph: 1, name: o, inputs: P3, stages: {deep: {use: ./cells.yaml}}, outputs: {Q3: P3}}"
        )

        found = made("inputs: P3\nstages:\n  s: {use: parts/outer.yaml}\noutputs: Q3\n")

        assert list(found.nodes) == ["s.deep.first.a3", "s.deep.cell.0.b3", "s.deep.cell.1.b3"]

    def test_its_parameters_are_ours_its_preset_or_its_own(self) -> None:
        body = "params: {size: wide, w: 4}\ninputs: C(3..4)\nstages:\n  s: {use: parts/inner.yaml%s}\noutputs: N3\n"

        assert set(widths(made(body % "")).values()) == {8}
        assert set(widths(made(body % ", preset: wide")).values()) == {16}
        assert set(widths(made(body % ", preset: $size")).values()) == {16}
        assert set(widths(made(body % ", preset: wide, params: {width: $(w + 1)}")).values()) == {5}
        assert set(widths(made(body % ", params: {width: $w}", w=6)).values()) == {6}

    def test_it_sees_only_its_inputs_and_none_of_our_defaults(self) -> None:
        found = made(
            "inputs: C(3..4)\ndefaults: {channels: 99, fusion: max, padding: same}\n"
            "stages:\n  s: {use: parts/inner.yaml}\n  t: {nodes: {x4: {inputs: [N4]}}}\noutputs: [N3, x4]\n"
        )

        assert widths(found) == {"s.T4": 8, "s.T3": 8, "t.x4": 99}
        assert [node.padding for node in found.nodes.values()] == ["symmetric", "symmetric", "same"]

    def test_outputs_bind_as_those_of_a_stage_do(self) -> None:
        found = made(
            "inputs: C(3..4)\nstages:\n"
            "  s: {use: parts/inner.yaml, outputs: {X(3..5): N(l) | none, Y3: X3 | C3, N3: C3}}\n"
            "  t: {nodes: {x3: {inputs: [N3, X3, Y3, N4 | X4, X5 | C4]}}}\noutputs: x3\n"
        )

        assert sources(found)["t.x3"] == ["C3", "s.T3", "C3", "s.T4", "C4"]

    def test_inputs_are_looked_up_anew_in_each_run(self) -> None:
        found = made(
            "inputs: [C(3..4), D4]\nstages:\n"
            "  s: {use: parts/inner.yaml, repeat: 2, inputs: {C4: E4 | D4}, outputs: {C3: N3, E4: N4}}\noutputs: C3\n"
        )

        assert sources(found) == {
            "s.0.T4": ["D4"],
            "s.0.T3": ["C3", "s.0.T4"],
            "s.1.T4": ["s.0.T4"],
            "s.1.T3": ["s.0.T3", "s.1.T4"],
        }

    def test_a_graph_is_found_by_its_name_and_can_stand_in_the_file(self) -> None:
        by_name = made("inputs: P(3..5)\nstages:\n  s: {use: bifpn, preset: d1, params: {repeats: 1}}\noutputs: P7\n")
        in_place = loads(
            {
                "fpngraph": 1,
                "name": "t",
                "params": {"w": 4},
                "inputs": "C(3..4)",
                "stages": {
                    "s": {
                        "use": {
                            "fpngraph": 1,
                            "name": "in place",
                            "params": {"w": 5},
                            "inputs": "C(3..4)",
                            "nodes": {"a(3..4)": {"inputs": ["C(l)"], "channels": "$(w * l)"}},
                            "outputs": "a(3..4)",
                        },
                        "params": {"w": "$(w + 2)"},
                    }
                },
                "outputs": "a(3..4)",
            }
        )

        assert "s.bifpn.0.out7" in by_name.nodes
        assert widths(in_place) == {"s.a3": 18, "s.a4": 24}

    def test_what_a_file_says_of_itself_is_its_own(self) -> None:
        Path("main.yaml").write_text(
            MAIN + "params: {w: 4}\ninputs: C(3..4)\nstages:\n  s: {use: parts/inner.yaml}\noutputs: [N3, raw]\n"
        )

        found = describe("main.yaml")

        assert (found.name, found.params, found.outputs) == ("main", {"w": 4}, {"N3": 3, "raw": 4})


def nested(data: dict[str, Any], *, repeat: bool) -> dict[str, Any]:
    """A file with a random graph as a stage, which binds all that it gives, and then runs on what it gave."""
    inner = loads(data)
    levels = {name: entry.level for name, entry in inner.inputs.items()}
    at = levels | {name: node.level for name, node in inner.nodes.items()}
    outputs = {f"{name}_": name for name in inner.outputs}
    outputs |= {entry: name for entry, level in levels.items() for name, it in inner.outputs.items() if at[it] == level}
    stage = {"use": data, "outputs": outputs} | ({"repeat": 2} if repeat else {})
    then = {"nodes": {"x": {"inputs": sorted(outputs), "level": 3, "channels": 4}}}
    return {
        "fpngraph": 1,
        "name": "outer",
        "inputs": levels,
        "stages": {"s": stage, "t": then},
        "outputs": ["x"],
    }


@pytest.mark.parametrize("repeat", [False, True])
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=graphs())
def test_any_graph_can_be_used_and_is_written_in_place(data: dict[str, Any], *, repeat: bool) -> None:
    found = loads(nested(data, repeat=repeat))

    text = dump(found)
    again = loads(text)
    assert again == found
    assert loads(dump(again)) == found


class TestText:
    def test_nodes_that_a_program_changed_are_written_as_they_are(self) -> None:
        found = loads(
            {
                "fpngraph": 1,
                "name": "t",
                "inputs": "P3",
                "stages": {
                    "s": {"use": "fpn", "params": {"min": 3, "backbone_max": 3, "max": 3}, "inputs": {"C3": "P3"}}
                },
                "outputs": "P3",
            }
        )
        changed = dataclasses.replace(found.nodes["s.P3"], channels=4)

        other = dataclasses.replace(found, nodes={**found.nodes, "s.P3": changed})

        assert loads(dump(other)) == other != found

    def test_a_node_that_differs_between_runs_is_refused(self, folder: Path) -> None:
        found = made("inputs: P3\nstages:\n  s: {use: parts/cells.yaml, repeat: 2, outputs: {P3: P3}}\noutputs: P3\n")
        changed = dataclasses.replace(found.nodes["s.1.cell.0.b3"], channels=4)

        with pytest.raises(ValueError) as caught:
            dump(dataclasses.replace(found, nodes={**found.nodes, changed.name: changed}))

        assert str(caught.value) == (
            "graph 'main' cannot be written: node 's.1.cell.0.b3' is not that of the graph which its stage uses"
        )

    def test_what_nobody_needs_of_it_is_not_written(self, folder: Path) -> None:
        found = made(
            "inputs: [C(3..4), D4]\nstages:\n"
            "  s: {use: parts/inner.yaml, outputs: {N4: N4, Q4: raw}}\n"
            "  t: {use: parts/inner.yaml, inputs: {C4: D4}, outputs: {M3: raw | N3, raw: C3}}\noutputs: [N4, raw]\n"
        )

        text = dump(found)

        assert loads(text) == found
        assert list(found.nodes) == ["s.T4"]
        assert "T3" not in text

    def test_an_input_that_nothing_of_it_reads_is_not_written(self, folder: Path) -> None:
        Path("half.yaml").write_text(
            "{fpngraph: 1, name: half, inputs: P(3..4), nodes: {a3: {inputs: [P3]}}, outputs: a3}"
        )
        found = made(
            "inputs: P(3..4)\nstages:\n  one: {nodes: {x4: {inputs: [P4]}}}\n"
            "  s: {use: ./half.yaml, inputs: {P4: x4}}\noutputs: a3\n"
        )

        assert list(found.nodes) == ["s.a3"]
        assert loads(dump(found)) == found


ERRORS = [
    pytest.param(
        "s: {use: parts/inner.yaml, nodes: {a3: {inputs: [C3]}}, defaults: {act: relu}}",
        "main.yaml:5:30: a stage with 'use' has no 'nodes' [nodes-or-use]\n"
        "  hint: 'use' takes the place of nodes: put them into a stage of their own\n"
        "main.yaml:5:59: a stage with 'use' has no 'defaults' [nodes-or-use]\n"
        "  hint: 'use' takes the place of nodes: put them into a stage of their own",
        id="nodes beside it",
    ),
    pytest.param(
        "s: {nodes: {a3: {inputs: [C3]}}, inputs: {C3: C3}}",
        "main.yaml:5:36: a stage without 'use' has no 'inputs' [nodes-or-use]\n"
        "  hint: 'inputs' is for the graph that a stage uses",
        id="inputs without it",
    ),
    pytest.param(
        "s: {use: [inner]}",
        "main.yaml:5:12: 'use' is a list, but must be the name of a graph, the path of a file, or a graph "
        "[wrong-value]",
        id="a list",
    ),
    pytest.param(
        "s: {use: bifpm}",
        "main.yaml:5:12: there is no graph named 'bifpm' [unknown-graph]\n"
        "  hint: did you mean 'bifpn'? (a path has a separator or an ending)",
        id="no such name",
    ),
    pytest.param(
        "s: {use: parts/iner.yaml}",
        "main.yaml:5:12: cannot read 'parts/iner.yaml': No such file or directory [unreadable-file]\n"
        "  hint: did you mean 'parts/inner.yaml'?",
        id="no such file",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, repeat: 2}",
        "main.yaml:5:30: a stage with 'repeat' needs 'outputs', a mapping that rebinds the names that its "
        "nodes read [repeat-without-outputs]\n"
        "  hint: such as 'outputs: {P(3..7): out(l)}'",
        id="repeat without outputs",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, preset: wid}",
        "main.yaml:5:38: there is no preset 'wid' [unknown-preset]\n  hint: did you mean 'wide'? There are: wide",
        id="no such preset",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, params: {widht: 3}}",
        "main.yaml:5:39: there is no parameter 'widht' [unknown-param]\n"
        "  hint: did you mean 'width'? There are: width, act",
        id="no such parameter",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, params: {width: a}}",
        "main.yaml:5:46: parameter 'width' is 'a', but must be an integer, like its default [param-type]\n"
        "  hint: the parameters are width: 8, act: 'relu'",
        id="a parameter of another type",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, params: {width: 0}}",
        "parts/inner.yaml:6:22: 'channels' is 0 (from '$width'), but must be a positive integer, or a mapping of level "
        "to number [wrong-value]\n"
        "  used by stage 's' (main.yaml:5)",
        id="what a parameter means",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, inputs: {C(3..5): C(l) | C4}}",
        "main.yaml:5:48: the graph that is used has no input 'C5' [unknown-input]\n  hint: there are: C3, C4",
        id="no such input",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, inputs: {C3: C3 | none}}",
        "main.yaml:5:43: an input of a graph that is used cannot be 'none' [used-input]\n  hint: leave '| none' out",
        id="none",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, inputs: [C3]}",
        "main.yaml:5:38: 'inputs' of a graph that is used is a mapping of its inputs to references [wrong-value]\n"
        "  hint: such as 'inputs: {C(3..5): P(l)}'",
        id="inputs of a list",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, inputs: {C3: C4}}",
        "main.yaml:5:43: 'C4' is at level 4, but stands for 'C3', at level 3 [used-input]",
        id="another level",
    ),
    pytest.param(
        "s: {use: parts/cells.yaml}",
        "main.yaml:5:12: the graph that is used takes 'P3', which does not exist here [unresolved-reference]\n"
        "  hint: say what it is: 'inputs: {P3: ...}'",
        id="an input that is not there",
    ),
    pytest.param(
        "s: {use: parts/cells.yaml, inputs: {P3: C9}}",
        "main.yaml:5:43: input 'P3' of the graph that is used reads 'C9', which does not exist [unresolved-reference]\n"
        "  hint: family 'C' has 3..4 here",
        id="an input that does not exist",
    ),
    pytest.param(
        "s: {use: parts/inner.yaml, outputs: {N3: T3}}",
        "main.yaml:5:44: family 'T' is declared nowhere in the file [unknown-name]\n  hint: there are: C, N, raw",
        id="a node of it",
    ),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("stage", "expected"), ERRORS)
def test_what_is_wrong_is_said_with_its_place(stage: str, expected: str) -> None:
    text = said(f"inputs: C(3..4)\nstages:\n  {stage}\noutputs: C3\n")

    lines = [line for line in text.splitlines() if not line.startswith(("  5 |", "  6 |", "    |"))]
    assert "\n".join(lines) == expected


@pytest.mark.usefixtures("folder")
class TestPlaces:
    def test_a_mismatch_of_channels_in_a_used_graph_names_both_places(self) -> None:
        Path("parts/odd.yaml").write_text(
            "fpngraph: 1\nname: odd\ninputs: C3\nnodes:\n"
            "  a3: {inputs: [C3], channels: 4}\n  b3: {inputs: [{from: a3, project: never}], channels: 8}\n"
            "outputs: b3\n"
        )
        Path("parts/via.yaml").write_text(
            "fpngraph: 1\nname: via\ninputs: C3\nstages:\n  deep: {use: ./odd.yaml}\noutputs: b3\n"
        )

        assert said("inputs: C3\nstages:\n  s: {use: parts/via.yaml}\noutputs: b3\n") == (
            "parts/odd.yaml:6:24: node 's.deep.b3': the edge from 's.deep.a3' brings 4 channels, but 'sum' needs 8, "
            "the node's channels [channels-unequal]\n"
            "  6 |   b3: {inputs: [{from: a3, project: never}], channels: 8}\n"
            "    |                        ^^\n"
            "  used by stage 'deep' (parts/via.yaml:5), used by stage 's' (main.yaml:5)\n"
            "  hint: write 'project: auto', so that a 1x1 convolution makes them equal, or fuse with 'concat'"
        )

    def test_all_that_is_wrong_in_two_files_is_said_the_own_file_first(self) -> None:
        Path("parts/bad.yaml").write_text("fpngraph: 1\nnam: x\ninputs: C3\nnodes: {a3: {inputs: [C3]}}\noutputs: a3\n")

        lines = said(
            "inputs: C(3..4)\nstages:\n  s: {use: parts/bad.yaml}\n  t: {nodes: {b3: {inputs: [C3], fusion: add}}}\n"
            "outputs: b3\n"
        ).splitlines()

        assert [line for line in lines if ".yaml:" in line] == [
            "main.yaml:6:42: 'fusion' is 'add', but must be the name of a fusion, or {name: {settings}} "
            "[unknown-operator]",
            "parts/bad.yaml:2:1: unknown key 'nam' [unknown-key]",
            "  used by stage 's' (main.yaml:5)",
        ]

    def test_a_file_that_is_no_yaml_says_who_uses_it(self) -> None:
        Path("parts/bad.yaml").write_bytes(b"fpngraph: 1\nname: \xff\n")

        assert said("inputs: C3\nstages:\n  s: {use: parts/bad.yaml}\noutputs: b3\n").splitlines()[::3] == [
            "parts/bad.yaml:2:7: not UTF-8: the byte 0xff (invalid start byte) [not-utf8]",
            "  used by stage 's' (main.yaml:5)",
        ]

    def test_its_warnings_show_once_however_often_it_is_used(self) -> None:
        found = made(
            "inputs: C(3..4)\nstages:\n  s: {use: parts/inner.yaml}\n"
            "  t: {use: parts/inner.yaml, repeat: 2, outputs: {N3: N3}}\noutputs: N3\n"
        )

        assert [(warning.file, warning.line, warning.message) for warning in found.warnings] == [
            ("main.yaml", 5, "nodes 's.T4', 's.T3' are left out, since no output depends on them"),
            ("main.yaml", 6, "nodes 't.0.T4', 't.0.T3' are left out, since no output depends on them"),
            ("parts/inner.yaml", 9, "node 'spare4' is left out, since no output depends on it"),
        ]

    def test_what_is_odd_in_it_is_said_once_too(self) -> None:
        Path("odd.yaml").write_text(
            "fpngraph: 1\nname: odd\ninputs: P3\ndefaults: {channels: 8}\nnodes:\n"
            "  a3: {inputs: [P3], fusion: softmax}\n  b3: {inputs: [a3, a3]}\noutputs: b3\n"
        )

        found = made("inputs: P3\nstages: {s: {use: ./odd.yaml}}\noutputs: b3\n")

        assert [(warning.file, warning.message) for warning in found.warnings] == [
            ("odd.yaml", "node 'a3' has one input, but its fusion 'softmax' learns a weight for it"),
            ("odd.yaml", "node 'b3' reads 'a3' twice"),
        ]

    def test_defaults_that_do_not_reach_a_parameter_are_warned_about(self) -> None:
        body = (
            "params: {a: silu}\ninputs: C(3..4)\ndefaults: {act: %s, norm: group_norm}\nstages:\n"
            "  s: {use: parts/inner.yaml%s}\noutputs: N3\n"
        )

        def odd(found: Graph) -> list[tuple[int | None, str, str | None]]:
            return [(it.line, it.message, it.hint) for it in found.warnings if it.file == "main.yaml"]

        assert odd(made(body % ("$a", ""))) == [
            (
                7,
                "'defaults' do not reach the parameter 'act' of the graph that is used, which nobody sets",
                "write 'params: {act: ...}' to have there what 'defaults' say",
            )
        ]
        assert odd(made(body % ("silu", ", params: {act: relu6}"))) == []
        assert odd(made(body % ("relu", ""))) == []


@pytest.mark.usefixtures("folder")
class TestFiles:
    @pytest.mark.parametrize(
        "path", ["../outside.yaml", "parts/../../outside.yaml", "link.yaml", "linked/outside.yaml"]
    )
    def test_no_path_leads_out_of_the_folder(self, path: str, folder: Path) -> None:
        away = folder / "home"
        away.mkdir()
        (folder / "outside.yaml").write_text(CELLS)
        (away / "link.yaml").symlink_to(folder / "outside.yaml")
        (away / "linked").symlink_to(folder)
        (away / "parts").mkdir()
        (away / "main.yaml").write_text(MAIN + f"inputs: P3\nstages: {{s: {{use: {path}}}}}\noutputs: P3\n")

        with pytest.raises(GraphError) as caught:
            load(away / "main.yaml")

        [problem] = caught.value.problems
        assert problem.message == f"{path!r} leads out of the folder of the graph"
        assert problem.hint == (
            "files that are used lie in the folder of the file that is loaded, or in the one of '--graphs'"
        )
        assert list(load(away / "main.yaml", folder=folder).nodes) == ["s.first.a3", "s.cell.0.b3", "s.cell.1.b3"]

    def test_an_absolute_path_is_refused_even_inside(self, folder: Path) -> None:
        path = folder / "parts" / "inner.yaml"

        assert said(f"inputs: C(3..4)\nstages:\n  s: {{use: {path}}}\noutputs: N3\n").splitlines()[::3] == [
            f"main.yaml:5:12: '{path}' is an absolute path [use-path]",
            "  hint: a path is relative to the file that says it",
        ]

    def test_a_file_in_a_folder_may_use_one_beside_it_and_above_it_in_the_folder_of_the_first(
        self, folder: Path
    ) -> None:
        (folder / "top.yaml").write_text(CELLS)
        (folder / "parts" / "up.yaml").write_text(
            "{fpngraph: 1, name: up, inputs: P3, stages: {u: {use: ../top.yaml}}, outputs: P3}"
        )

        found = made("inputs: P3\nstages: {s: {use: parts/up.yaml}}\noutputs: P3\n")

        assert next(iter(found.nodes)) == "s.u.first.a3"
        with pytest.raises(GraphError, match=r"^parts/up\.yaml:1:\d+: '\.\./top\.yaml' leads out of the folder"):
            load("parts/up.yaml")

    def test_links_to_files_inside_are_followed(self, folder: Path) -> None:
        (folder / "alias.yaml").symlink_to("parts/cells.yaml")

        assert len(made("inputs: P3\nstages: {s: {use: ./alias.yaml}}\noutputs: P3\n").nodes) == 3

    def test_a_text_uses_files_of_the_folder_that_it_is_given(self, folder: Path) -> None:
        text = MAIN + "inputs: P3\nstages:\n  s: {use: parts/cells.yaml}\noutputs: P3\n"

        assert len(loads(text, folder=folder).nodes) == 3
        assert len(loads(text, folder="parts/..").nodes) == 3
        with pytest.raises(GraphError) as caught:
            loads(text)
        assert str(caught.value) == (
            "<text>:5:12: nobody says which folder 'parts/cells.yaml' is relative to [use-path]\n"
            "  5 |   s: {use: parts/cells.yaml}\n    |            ^^^^^^^^^^^^^^^^\n"
            "  hint: load the file that says it, or pass 'folder' to fpngraph.loads"
        )

    @pytest.mark.parametrize("path", ["parts", "x\\0y.yaml", "./" + "x" * 5000 + ".yaml", "./.", "parts/inner.yaml/x"])
    def test_what_is_no_file_is_refused(self, path: str) -> None:
        text = said(f'inputs: P3\nstages:\n  s: {{use: "{path}"}}\noutputs: P3\n')

        assert text.startswith("main.yaml:5:1")

    def test_a_file_that_uses_itself_shows_the_chain(self, folder: Path) -> None:
        one = "fpngraph: 1\nname: x\ninputs: P3\nstages:\n  a: {use: parts/two.yaml}\noutputs: P3\n"
        (folder / "one.yaml").write_text(one)
        (folder / "parts" / "two.yaml").write_text(
            one.replace("parts/two.yaml", "../one.yaml").replace("  a:", "\n  b:")
        )

        assert said("inputs: P3\nstages:\n  s: {use: ./one.yaml}\noutputs: P3\n") == (
            "parts/two.yaml:6:12: a graph that uses itself: one.yaml (stage 'a', line 5) uses parts/two.yaml "
            "(stage 'b', line 6) uses one.yaml [use-cycle]\n"
            "  6 |   b: {use: ../one.yaml}\n"
            "    |            ^^^^^^^^^^^\n"
            "  used by stage 'a' (one.yaml:5), used by stage 's' (main.yaml:5)\n"
            "  hint: leave out one of these stages"
        )

    def test_a_file_that_names_itself_is_a_cycle_too(self) -> None:
        assert said("inputs: P3\nstages:\n  s: {use: ./main.yaml}\noutputs: P3\n").splitlines()[0] == (
            "main.yaml:5:12: a graph that uses itself: main.yaml (stage 's', line 5) uses main.yaml [use-cycle]"
        )


def deep(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"fpngraph": 1, "name": "x", "inputs": "P3", "nodes": {"a3": {"inputs": ["P3"]}}}
    for _ in range(levels):
        inner = {"fpngraph": 1, "name": "x", "inputs": "P3", "stages": {"s": {"use": inner | {"outputs": "a3"}}}}
    return inner | {"outputs": "a3"}


def many(uses: int, nodes: int, repeat: int = 1) -> dict[str, Any]:
    """A graph that uses one of many nodes, of which an output needs one."""
    used = {"fpngraph": 1, "name": "x", "inputs": "P3", "nodes": {f"a(0..{nodes - 1})": {"inputs": ["P3"], "level": 3}}}
    used |= {"outputs": f"a(0..{nodes - 1})"}
    stage = {"use": used, "repeat": repeat, "outputs": {"P3": "a0"}}
    return {
        "fpngraph": 1,
        "name": "x",
        "inputs": "P3",
        "stages": {f"s{n}": stage for n in range(uses)},
        "outputs": "P3",
    }


LIMITS = [
    pytest.param(deep(5), "graphs use each other deeper than 4 levels", id="depth"),
    pytest.param(deep(8), "graphs use each other deeper than 4 levels", id="more depth"),
    pytest.param(many(101, 1), "the graph uses more than 100 other graphs, which is the limit", id="uses"),
    pytest.param(many(3, 4000), "the graph has more than 10000 nodes, which is the limit", id="nodes"),
    pytest.param(
        many(1, 100, 101), "stage 's0' makes 10100 nodes with 10201 inputs and outputs", id="nodes of all runs"
    ),
]


@pytest.mark.parametrize(("data", "expected"), LIMITS)
def test_limits_count_all_graphs_together(data: dict[str, Any], expected: str) -> None:
    start = time.process_time()

    with pytest.raises(GraphError) as caught:
        loads(data)

    assert caught.value.problems[0].message == expected
    assert time.process_time() - start < 5


def test_four_levels_are_read() -> None:
    assert list(loads(deep(4)).nodes) == ["s.s.s.s.a3"]


def test_large_files_count_together(folder: Path) -> None:
    large = CELLS + "#" + "x" * 1_500_000 + "\n"
    for number in range(3):
        Path(f"parts/large{number}.yaml").write_text(large)

    stages = "".join(f"  s{n}: {{use: parts/large{n}.yaml}}\n" for n in range(3))

    assert "the files that are used have more than 4194304 bytes together" in said(
        f"inputs: P3\nstages:\n{stages}outputs: P3\n"
    )


def test_no_file_outside_is_read_for_a_graph_in_place_or_a_shipped_one() -> None:
    inner = "{fpngraph: 1, name: x, inputs: P3, stages: {t: {use: ./secret.yaml}}, outputs: P3}"

    text = refused(f"inputs: P3\nstages:\n  s: {{use: {inner}}}\noutputs: P3\n")

    assert text.splitlines()[0].endswith("nobody says which folder './secret.yaml' is relative to [use-path]")


def test_a_name_in_scope_is_not_hidden_by_a_used_graph_that_gives_another() -> None:
    inner = "{fpngraph: 1, name: x, inputs: P3, nodes: {a3: {inputs: [P3]}}, outputs: {P3: a3}}"

    found = graph(
        f"inputs: P3\nstages:\n  s: {{use: {inner}}}\n  t: {{use: {inner}, outputs: {{Q3: P3}}}}\noutputs: [P3, Q3]\n"
    )

    assert sources(found) == {"s.a3": ["P3"], "t.a3": ["s.a3"]}
    assert found.outputs == {"P3": "s.a3", "Q3": "t.a3"}
    assert warned(found) == []


def test_a_path_that_may_be_meant_is_told_as_it_is_written_there(folder: Path) -> None:
    text = f"{MAIN}inputs: C(3..4)\nstages: {{s: {{use: iner.yaml}}}}\noutputs: C3\n"
    (folder / "parts" / "main.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(GraphError) as caught:
        load("parts/main.yaml")

    (problem,) = caught.value.problems
    assert problem.hint == "did you mean 'inner.yaml'?"
    assert replaced(text, fixes([problem], "parts/main.yaml")) == text.replace("iner", "inner")


def test_a_folder_has_no_near_path(folder: Path) -> None:
    (folder / "dir.yaml").mkdir()

    assert said("inputs: C3\nstages: {s: {use: dir.yaml}}\noutputs: C3\n").count("hint") == 0
