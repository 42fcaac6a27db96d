from __future__ import annotations

from itertools import combinations

import pytest

from fpngraph import loads
from fpngraph.drawing import draw
from fpngraph.drawing.formats.svg import write
from fpngraph.drawing.layout.grid import Flow
from tests.drawing.graphs import ALL_TO_ALL
from tests.drawing.reading import Picture, meetings
from tests.drawing.told import assert_no_two_edges_end_as_one

OUTPUTS = """
fpngraph: 1
name: three outputs of one level
inputs: C(3..5)
defaults: {channels: 8, fusion: sum}
nodes:
  a(3..5): {inputs: [C(l), a(l+1) | none]}
  b(3..5): {inputs: [a(l), b(l-1) | none]}
  c4: {inputs: [b4, a4, C4]}
outputs: {early: a4, middle: b4, late: c4, top: b5}
"""


@pytest.mark.parametrize("direction", ["right", "up"])
def test_the_ways_to_the_outputs_of_a_level_do_not_cross(direction: Flow) -> None:
    picture = Picture(write(draw(loads(OUTPUTS), direction=direction)))

    crossings = [point for one, other in combinations(picture.stubs, 2) for point in meetings(one.points, other.points)]

    assert crossings == []


def test_columns_have_room_for_the_steep_edges_between_them() -> None:
    picture = Picture(write(draw(loads(ALL_TO_ALL))))

    (first, *_), (second, *_) = picture.columns()
    assert second.x - first.x > 96 + 34
    assert_no_two_edges_end_as_one(picture)
