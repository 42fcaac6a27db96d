"""Large graphs are drawn in a time that grows with what there is to draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fpngraph import load, loads
from fpngraph.drawing.layout import routes, ways
from fpngraph.drawing.layout.wishes import wishes
from fpngraph.drawing.picture import marks
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.drawing.text import mermaid
from tests.growth import assert_linear, written_out


def drawn(nodes: int) -> Diagram:
    return diagram(loads(written_out(nodes)))


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[tuple[Any, ...]]:
    """What a function is called with from now on."""
    calls: list[tuple[Any, ...]] = []
    function = getattr(owner, name)

    def recorded(*given: Any) -> Any:
        calls.append(given)
        return function(*given)

    monkeypatch.setattr(owner, name, recorded)
    return calls


def test_columns_and_places_grow_with_the_nodes() -> None:
    def made(nodes: int) -> Callable[[], object]:
        fresh = drawn(nodes)
        return lambda: fresh.grid

    assert_linear(made, 50)


def test_which_edges_run_straight_is_found_in_a_time_that_grows_with_the_edges() -> None:
    def made(nodes: int) -> Callable[[], object]:
        fresh = drawn(nodes)
        grid = fresh.grid
        return lambda: list(wishes(fresh.plan, grid))

    assert_linear(made, 50)


def test_a_picture_grows_with_its_cells() -> None:
    def made(runs: int) -> Callable[[], object]:
        fresh = diagram(load("bifpn", repeats=runs), Look(expand=True))
        return lambda: assembled(fresh)

    assert_linear(made, 8)


def test_ways_of_very_many_edges_are_not_compared_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    monkeypatch.setattr(ways, "between", lambda one, other: compared.append((one, other)) or 0.0)
    monkeypatch.setattr(routes, "_EFFORTS", routes._EFFORTS[-1:])

    assert drawn(60).routes
    assert compared == []


def test_nodes_are_asked_only_about_ways_that_may_still_be_the_cheapest(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = counted(monkeypatch, routes, "stroke")
    asked = counted(monkeypatch, routes.Nodes, "against")
    monkeypatch.setattr(routes, "_EFFORTS", routes._EFFORTS[-1:])

    assert drawn(60).routes
    assert 0 < len(asked) < 0.5 * len(tried)


def test_whether_a_line_bends_at_a_crossing_is_worked_out_once_for_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch, marks, "_turn")

    assert assembled(drawn(60))
    parts = [(key, number) for _, key, number in asked]
    assert len(parts) == len(set(parts)) > 0


def test_mermaid_refuses_too_many_edges_before_anything_is_laid_out() -> None:
    fresh = drawn(300)

    with pytest.raises(mermaid.TooLargeToDraw):
        mermaid.write(fresh)

    assert {"columns", "grid", "routes"}.isdisjoint(vars(fresh))
