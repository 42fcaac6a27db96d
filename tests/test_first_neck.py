"""docs/first_neck.ipynb: its cells run, show what their words say, and keep no outputs in git."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.notebook import Cell, executed, stripped

NOTEBOOK = Path(__file__).parents[1] / "docs" / "first_neck.ipynb"


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return [cell for cell in executed(NOTEBOOK) if cell.code]


def after(cells: list[Cell], code: str) -> Cell:
    """The one cell that has this code."""
    (found,) = (cell for cell in cells if code in cell.text)
    return found


def test_the_mistake_is_told_with_its_place_and_a_way_out(cells: list[Cell]) -> None:
    assert after(cells, "except").printed == (
        "<text>:7:43: node 'P3' reads 'P2', which does not exist [unresolved-reference]\n"
        "  7 |   P(3..5):  {inputs: [C(l), td(l) | none, P(l-1)]}\n"
        "    |                                           ^^^^^^\n"
        "  hint: family 'P' has 3..5 here; write 'P(l-1) | none'\n"
    )


def test_the_graph_is_shown_and_nothing_else(cells: list[Cell]) -> None:
    assert [cell.text for cell in cells if cell.picture] == ["graph"]
    (shown,) = (cell.picture for cell in cells if cell.picture)
    assert shown.startswith("<svg")


def test_the_neck_gives_what_was_drawn_and_the_fast_one_gives_the_same(cells: list[Cell]) -> None:
    assert after(cells, "fpngraph.build").printed == (
        "[(1, 64, 80, 80), (1, 64, 40, 40), (1, 64, 20, 20)]\n{'P3': 8, 'P4': 16, 'P5': 32}\n"
    )
    assert after(cells, "neck.code").printed.count("\n") > 5
    assert after(cells, "neck.fuse()").printed == "True\n"


def test_costs_of_the_nodes_are_those_of_the_graph(cells: list[Cell]) -> None:
    *nodes, total = (line.split() for line in after(cells, "fpngraph.cost").printed.splitlines())

    macs = [int(line[-2].replace(",", "")) for line in (*nodes, total)]
    assert len(nodes) == 5
    assert sum(macs[:-1]) == macs[-1]


def test_git_has_no_outputs() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")

    assert stripped(text) == text


def test_stripping_takes_out_what_an_editor_has_put_in() -> None:
    code = {"cell_type": "code", "id": "a", "metadata": {"tags": []}, "source": ["1"], "execution_count": 3}
    notebook = {"cells": [code | {"outputs": [{"data": {}}]}], "metadata": {"vscode": {}}, "nbformat": 4}

    (cell,) = json.loads(stripped(json.dumps(notebook)))["cells"]
    assert cell == {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": ["1"],
        "execution_count": None,
        "outputs": [],
    }


def test_a_cell_that_ends_with_a_value_prints_it(tmp_path: Path) -> None:
    source = {"cells": [{"cell_type": "code", "source": ["a = 3\n", "print(a)\n", "a + 1"]}]}
    (tmp_path / "a.ipynb").write_text(json.dumps(source))

    (cell,) = executed(tmp_path / "a.ipynb")

    assert cell.printed == "3\n4\n"
