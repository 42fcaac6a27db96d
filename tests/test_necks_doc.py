"""docs/necks.md lists every graph and every source of weights."""

from __future__ import annotations

import re
from pathlib import Path

from fpngraph.library import shipped
from fpngraph.weights.tables import shipped_tables

PAGE = (Path(__file__).parents[1] / "docs" / "necks.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| `")]


def test_every_graph_has_a_row() -> None:
    assert [row[0].strip().strip("`") for row in ROWS] == sorted(shipped())


def test_every_source_of_weights_is_beside_its_graph() -> None:
    sources = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[4])} - {"efficientdet.load_effdet"}

    assert sources == {table.source for table in shipped_tables()}


def test_links_lead_to_pages() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)

    assert [link for link in links if not (Path(__file__).parents[1] / "docs" / link).is_file()] == []
