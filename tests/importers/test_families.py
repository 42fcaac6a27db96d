"""Nodes that differ by their level alone become one entry of a family."""

from __future__ import annotations

from typing import Any

import pytest

from fpngraph.importers.families import families


def node(*sources: str, **more: Any) -> dict[str, Any]:
    return {"inputs": [{"from": source} for source in sources], **more}


def test_members_that_are_alike_are_one_entry_with_a_fallback_for_the_last() -> None:
    nodes = {"T4": node("C5", "C4"), "T3": node("T4", "C3")}

    found = families(nodes, ["C3", "C4", "C5", "T3", "T4"])

    assert found == {"T(3..4)": node("T(l+1) | C(l+1)", "C(l)")}


def test_a_fallback_stands_after_what_hides_it() -> None:
    nodes = {"N4": node("T3", "T4"), "N5": node("N4", "C5")}

    found = families(nodes, ["C3", "C4", "C5", "T3", "T4", "N4", "N5"])

    assert found == {"N(4..5)": node("N(l-1) | T(l-1)", "T(l) | C(l)")}


def test_without_an_order_of_fallbacks_that_fits_both_nodes_stay_two() -> None:
    nodes = {"N4": node("A4"), "N5": node("B5")}

    assert families(nodes, ["A4", "A5", "B4", "B5", "N4", "N5"]) == nodes


@pytest.mark.parametrize(
    "other",
    [node("C5", op=["conv"]), node("C5", "C5"), {"inputs": [{"from": "C5", "down": "max_pool"}]}],
    ids=["another op", "one more input", "another edge"],
)
def test_what_differs_by_more_than_the_level_stays_apart(other: dict[str, Any]) -> None:
    nodes = {"N4": node("C4"), "N5": other}

    assert families(nodes, ["C4", "C5", "N4", "N5"]) == nodes


def test_channels_that_differ_are_a_mapping_by_level() -> None:
    nodes = {"R5": node("C5", channels=32), "T4": node("R5"), "R4": node("C4", channels=16)}

    found = families(nodes, ["C4", "C5", "R4", "R5", "T4"])

    assert found == {"R(4..5)": node("C(l)", channels={4: 16, 5: 32}), "T4": node("R5")}


def test_a_run_ends_where_a_member_is_missing_or_unlike() -> None:
    nodes = {f"N{level}": node(f"C{level}") for level in (3, 4, 6)} | {"N7": node("C7", op="none")}

    found = families(nodes, [f"C{level}" for level in range(3, 8)])

    assert list(found) == ["N(3..4)", "N6", "N7"]


def test_names_without_an_index_stay_as_they_are() -> None:
    nodes = {"top": node("C5"), "pool": node("top")}

    assert families(nodes, ["C5", "top", "pool"]) == nodes
