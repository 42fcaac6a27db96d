"""Names beside points can all be read."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from fpngraph.training.naming import Point, place_names
from fpngraph.training.plots import trade_offs

CLOSE = {f"graph channels={number}": (4 + number / 100, 45 + number / 50) for number in range(8)}
EQUAL = dict.fromkeys(("one", "two", "three", "four"), (1.0, 1.0))


@pytest.mark.parametrize("points", [CLOSE, EQUAL, {"alone": (0.0, 0.0)}], ids=["close", "equal", "alone"])
def test_names_hide_neither_each_other_nor_a_point_and_stay_inside(points: dict[str, Point]) -> None:
    figure = Figure(figsize=(4.2, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.scatter(*zip(*points.values(), strict=True))
    axes.margins(0.2)
    figure.draw_without_rendering()

    place_names(axes, points)

    figure.draw_without_rendering()
    boxes = {it.get_text(): Text.get_window_extent(it) for it in axes.texts if isinstance(it, Annotation)}
    assert boxes.keys() == points.keys()
    assert not [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]
    places = axes.transData.transform(list(points.values()))
    assert not [name for name, box in boxes.items() if any(box.contains(*place) for place in places)]
    room = axes.get_window_extent()
    assert all(room.containsx(x) for box in boxes.values() for x in (box.x0, box.x1))


def test_a_cost_that_nobody_knows_leaves_a_point_out_of_its_panel_alone() -> None:
    picture = trade_offs({"a": 40.0, "b": 41.0}, {"parameters": {"a": 1.0, "b": 2.0}, "MACs": {"a": 1.0}}).decode()

    assert (picture.count("<!-- a -->"), picture.count("<!-- b -->")) == (2, 1)


def test_there_is_a_picture_without_a_point() -> None:
    assert trade_offs({}, {"parameters": {"a": 1.0}}).startswith(b"<?xml")
