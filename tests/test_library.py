"""Graphs by name, by path, from text and from data."""

from __future__ import annotations

from pathlib import Path

import pytest

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.library import files_of, load, loads, path_of, shipped

TEXT = """\
fpngraph: 1
name: own
params: {top: 4}
inputs: P(3..4)
nodes: {a(3..top): {inputs: [P(l)]}}
outputs: a(3..top)
"""
FOLDER = Path(__file__).parents[1] / "graphs"
NAMES = ", ".join(sorted(path.stem for path in FOLDER.rglob("*.yaml") if path.parent.name != "weights"))


def refused(name: str | Path) -> str:
    with pytest.raises(GraphError) as caught:
        load(name)
    return str(caught.value)


def test_a_shipped_graph_loads_by_its_name() -> None:
    assert load("fpn").name == "FPN"
    assert load("fpn") == load(shipped()["fpn"]) == load(str(shipped()["fpn"]))


def test_a_path_has_a_separator_or_an_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.yaml").write_text(TEXT)
    (tmp_path / "own").write_text(TEXT)
    monkeypatch.chdir(tmp_path)

    graphs = [load("own.yaml"), load("./own.yaml"), load("./own"), load(Path("own")), load(tmp_path / "own.yaml")]

    assert {graph.name for graph in graphs} == {"own"}


def test_a_file_beside_does_not_hide_a_shipped_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fpn").write_text(TEXT)
    monkeypatch.chdir(tmp_path)

    assert load("fpn").name == "FPN"


def test_a_name_that_is_not_shipped_comes_with_those_that_are() -> None:
    assert refused("bifpm") == (
        "there is no graph named 'bifpm' [unknown-graph]\n"
        "  hint: did you mean 'bifpn'? (a path has a separator or an ending)"
    )


@pytest.mark.parametrize("name", ["", "BiFPN", "fpn ", "x" * 10_000])
def test_no_other_name_is_shipped(name: str) -> None:
    assert refused(name).startswith("there is no graph named '")


def test_a_path_that_leads_nowhere_says_so(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"

    assert refused(path) == f"cannot read {str(path)!r}: No such file or directory [unreadable-file]"


def test_problems_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(TEXT.replace("P(l)", "Q(l)"))

    assert refused(path).startswith(f"{path}:5:30: family 'Q' is declared nowhere in the file [unknown-name]")


def test_parameters_and_presets_go_with_any_way_in(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(TEXT + "presets: {small: {top: 3}}\n")

    assert list(load(path, preset="small").outputs) == ["a3"]
    assert list(load(path, top=3).outputs) == ["a3"]
    assert list(loads(path.read_text(), top=3).outputs) == ["a3"]
    assert list(load("fpn", channels=8, max=5).outputs) == ["P2", "P3", "P4", "P5"]


def test_a_parameter_can_have_the_name_of_an_argument() -> None:
    text = TEXT.replace("top", "source")

    assert list(loads(text, source=3).outputs) == ["a3"]


def test_data_loads_as_its_text_does() -> None:
    data = {
        "fpngraph": 1,
        "name": "own",
        "params": {"top": 4},
        "inputs": "P(3..4)",
        "nodes": {"a(3..top)": {"inputs": ("P(l)",)}},
        "outputs": "a(3..top)",
    }

    assert loads(data) == loads(TEXT)


def test_a_mistake_in_data_points_into_its_text() -> None:
    with pytest.raises(GraphError) as caught:
        loads({"fpngraph": 1, "name": "own", "inputs": "P3", "nodes": {"a3": {"inputs": ["P4"]}}, "outputs": "a3"})

    assert str(caught.value) == (
        "<text>:5:17: node 'a3' reads 'P4', which does not exist [unresolved-reference]\n"
        "  5 |   a3: {inputs: [P4]}\n"
        "    |                 ^^\n"
        "  hint: family 'P' has 3 here; write 'P4 | none'"
    )


def test_every_shipped_graph_has_its_file() -> None:
    assert ", ".join(shipped()) == NAMES
    assert {path_of(name) for name in shipped()} == set(shipped().values())


def test_a_description_has_what_can_be_chosen_and_what_comes_of_it() -> None:
    found = fpngraph.describe("bifpn", preset="d7x", channels=8)

    assert (found.name, found.source) == ("BiFPN", "https://arxiv.org/abs/1911.09070")
    assert (found.params["channels"], found.params["repeats"], found.params["fusion"]) == (8, 8, "sum")
    assert (next(iter(found.presets)), found.presets["d1"]) == ("d0", {"channels": 88, "repeats": 4})
    assert found.inputs == {"P3": 3, "P4": 4, "P5": 5}
    assert found.outputs == {f"P{level}": level for level in range(3, 9)}


def test_a_description_of_a_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(GraphError) as caught:
        fpngraph.describe("bifpn", preset="d9")

    assert "there is no preset 'd9' [unknown-preset]" in str(caught.value)


def test_the_files_of_a_graph_are_its_own_and_those_that_it_uses_even_where_one_is_missing(tmp_path: Path) -> None:
    used = "fpngraph: 1\nname: {}\ninputs: C3\nstages: {{s: {{use: {}}}}}\noutputs: C3\n"
    (tmp_path / "a.yaml").write_text(used.format("a", "b.yaml"))
    (tmp_path / "b.yaml").write_text(used.format("b", "gone.yaml"))

    found = files_of(tmp_path / "a.yaml")

    assert found == (tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "gone.yaml")
