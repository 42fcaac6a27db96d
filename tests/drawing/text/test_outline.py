from __future__ import annotations

import fpngraph
from fpngraph.drawing import draw
from fpngraph.drawing.text.outline import outline

LONG = """\
fpngraph: 1
name: long
inputs: P(3..4)
defaults: {channels: 8}
stages:
  cell:
    repeat: 4
    nodes:
      a_name_too_long_for_a_circle_: {level: 3, inputs: [P3, P4, P4]}
    outputs: {P3: a_name_too_long_for_a_circle_}
outputs: {P3: P3, again: P3}
"""


def test_a_label_that_was_cut_is_whole_again() -> None:
    labels = [knot.label for knot in outline(draw(fpngraph.loads(LONG))).knots]

    assert labels == ["P3", "P4", "a_name_too_long_for_a_circle_"]


def test_an_outline_has_all_that_the_graph_says() -> None:
    found = outline(draw(fpngraph.loads(LONG), labels="ids"))

    assert found.title == ("long",)
    assert [knot.label for knot in found.knots] == ["0", "1", "2"]
    assert found.knots[2].outputs == ("P3", "again")
    assert [(tie.source, tie.target, tie.kind, tie.count) for tie in found.ties] == [
        ("P3", "cell.0.a_name_too_long_for_a_circle_", "same", 1),
        ("P4", "cell.0.a_name_too_long_for_a_circle_", "up", 2),
    ]
    assert [(stub.source, stub.target) for stub in found.stubs] == [
        ("cell.0.a_name_too_long_for_a_circle_", "P3"),
        ("cell.0.a_name_too_long_for_a_circle_", "again"),
    ]
    assert [(frame.heading, frame.knots) for frame in found.frames] == [
        ("cell \u00d74", ("cell.0.a_name_too_long_for_a_circle_",)),
    ]
