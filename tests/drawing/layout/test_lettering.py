from __future__ import annotations

import pytest

from fpngraph import loads
from fpngraph.drawing import draw
from fpngraph.drawing.layout.lettering import fitted, in_circle
from fpngraph.drawing.picture.scene import Circle, Group, Rect, Text

LONG = """
fpngraph: 1
name: long names
inputs: backbone_feature_map(3..5)
defaults: {channels: 64, fusion: sum}
stages:
  lateral:
    nodes:
      top_down_intermediate_feature(3..5):
        inputs: [backbone_feature_map(l), top_down_intermediate_feature(l+1) | none]
  pan:
    use:
      fpngraph: 1
      name: pan
      inputs: C(3..5)
      defaults: {channels: 64, fusion: sum}
      stages:
        cell:
          nodes:
            td(3..5): {inputs: [C(l), td(l+1) | none]}
          outputs: {P(3..5): td(l)}
      outputs: P(3..5)
    inputs: {C(3..5): top_down_intermediate_feature(l)}
outputs: P(3..5)
"""


@pytest.mark.parametrize(
    ("name", "radius", "lines", "size"),
    [
        ("P3", 15, ("P3",), 12.0),
        ("top_down4", 21, ("top_", "down4"), 10.0),
        ("pan.cell.0.td6", 25, ("pan.cell.", "0.td6"), 10.0),
        ("backbone_feature_map5", 34, ("backbone_", "feature_", "map5"), 10.0),
        ("LocalisationAwareFusion4", 40, ("Localisation", "AwareFusion4"), 10.0),
        ("bottom_up_refined_output_feature5", 34, ("bottom_", "up_refined_", "output_", "feature5"), 10.0),
    ],
)
def test_a_name_is_broken_behind_underscores_and_dots_and_before_capitals(
    name: str, radius: float, lines: tuple[str, ...], size: float
) -> None:
    found = in_circle(name, radius, 600)

    assert (found.lines, found.size, found.whole) == (lines, size, True)


def test_a_name_that_cannot_be_broken_is_cut_before_its_number() -> None:
    found = in_circle("intermediatefeaturemap12", 20, 600)

    assert found.lines == ("int…12",)
    assert not found.whole


def test_a_heading_has_no_more_lines_than_are_asked_for() -> None:
    assert fitted("top_down", 40.0, (12.0,), 600, lines=1).lines == ("top_…",)
    assert fitted("top_down", 40.0, (12.0,), 600).lines == ("top_", "down")


def test_no_long_name_is_cut_where_nodes_can_be_larger() -> None:
    nodes = [group for group in draw(loads(LONG)).groups if group.mark == "node"]

    found = {str(group.data["node"]): "".join(_lines(group)) for group in nodes}
    assert found["lateral.top_down_intermediate_feature4"] == "top_down_intermediate_feature4"
    assert found["pan.cell.td4"] == "td4"
    assert not any("…" in shown for shown in found.values())


def _lines(group: Group) -> list[str]:
    return [shape.text for shape in group.shapes if isinstance(shape, Text)]


def test_names_stay_within_their_nodes() -> None:
    for group in draw(loads(LONG)).groups:
        if group.mark == "node":
            outline = group.shapes[0]
            assert isinstance(outline, Circle | Rect)
            left, top, right, bottom = outline.box()
            for text in (shape for shape in group.shapes if isinstance(shape, Text)):
                box = text.box()
                assert left < box[0] + 3
                assert box[2] - 3 < right
                assert top < box[1] + 3
                assert box[3] - 3 < bottom
