"""docs/necks.md has what the graphs say, what follows from them, and what was measured, of every graph."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from fpngraph.library import shipped
from fpngraph.weights.tables import shipped_tables
from tests.oracles.test_oracles_doc import versions
from tools import necks_doc
from tools.necks_doc import DIFFERENCES, PAGE, REMARKS, SOURCES, TIMES, WIDTHS, Difference, Time, merge, read, results

ROOT = Path(__file__).parents[1]
TEXT = PAGE.read_text(encoding="utf-8")
FOUND = read(Difference, DIFFERENCES)


def rows(what: str) -> dict[str, list[str]]:
    """The cells of the rows of a table of the page, by the name of the graph."""
    lines = TEXT.split(necks_doc.MARK.format(what))[1].split(necks_doc.END)[0].splitlines()[2:]
    cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    return {row[0].split("`")[1]: row for row in cells}


NECKS, MEASURED = rows("the necks"), rows("what was measured")


def test_the_page_is_what_the_files_and_the_measurements_say() -> None:
    assert necks_doc.page() == TEXT, "'make necks' writes it anew"


def test_every_graph_has_a_row() -> None:
    assert list(NECKS) == list(MEASURED) == sorted(shipped())


def test_a_row_has_the_lines_and_the_parameters_of_its_graph() -> None:
    lateral, smooth = 256 * (256 + 512 + 1024 + 2048) + 4 * 256, 4 * (256 * 256 * 9 + 256)
    lines = re.findall(r"^ *[^ #\n]", (ROOT / "graphs" / "fpn.yaml").read_text(), re.M)

    assert NECKS["fpn"][2:4] == ["[picture](gallery/fpn.svg)", f"{lateral + smooth:,}"]
    assert MEASURED["fpn"][1] == str(len(lines))


def test_what_to_begin_with_is_a_graph_that_there_is() -> None:
    table = TEXT.partition("| For | Begin with |\n")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", table)

    assert len(named) > 10
    assert set(named) <= set(shipped())


def test_every_source_of_weights_is_beside_its_graph() -> None:
    sources = {name for row in NECKS.values() for name in re.findall(r"`([^`]+)`", row[-1])}

    assert sources == {table.source for table in shipped_tables()} | {"efficientdet.load_effdet"}


def test_what_is_said_by_hand_is_of_graphs_that_there_are() -> None:
    measured = {one.graph for one in [*FOUND, *read(Time, TIMES)]}
    sourced = {name for names in SOURCES.values() for name in names}

    assert {*WIDTHS, *REMARKS, *measured, *sourced} - set(shipped()) == set()


@pytest.mark.parametrize("test", sorted({one.test.partition("[")[0] for one in FOUND}))
def test_what_was_measured_was_by_a_test_that_is_still_there(test: str) -> None:
    module, _, name = test.rpartition(".")
    tree = ast.parse((ROOT / "tests" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))

    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_was_measured_was_with_the_versions_that_are_installed() -> None:
    fixed = versions()

    measured = {one.reference.replace("_", "-"): one.version for one in [*FOUND, *read(Time, TIMES)] if one.reference}
    assert {name: version for name, version in measured.items() if fixed.get(name, version) != version} == {}


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)

    assert [link for link in links if not (PAGE.parent / link).exists()] == []


def test_results_of_a_part_of_the_tests_update_no_more_than_that(tmp_path: Path) -> None:
    written, stored = tmp_path / "results.xml", tmp_path / "differences.csv"
    written.write_text(
        '<testsuites><testsuite><testcase classname="tests.oracles.test_shipped" name="test_it[a]"><properties>'
        '<property name="difference" value="[&quot;FPN&quot;, &quot;mmdet&quot;, &quot;3.3.0&quot;, 1.04e-15, null]"/>'
        '<property name="difference" value="[&quot;of nobody&quot;, null, null, 1.0, 1.0]"/>'
        '</properties></testcase><testcase classname="tests.test_other" name="test_that"/></testsuite></testsuites>'
    )
    stored.write_text("graph,reference,version,test,eval,training\nfpn,mmdet,3,a,1,1\nfpn,mmdet,3,b,2,2\n")

    merge(Difference, stored, results(written))
    merge(Difference, stored, [Difference("fpn", "mmdet", "4", "a", "3", "3")])

    assert stored.read_text() == (
        "graph,reference,version,test,eval,training\n"
        "fpn,mmdet,4,a,3,3\n"
        "fpn,mmdet,3,b,2,2\n"
        "fpn,mmdet,3.3.0,oracles.test_shipped.test_it[a],1.0e-15,\n"
    )
