from __future__ import annotations

from itertools import islice

import pytest

from fpngraph import Graph, load, loads
from fpngraph.drawing import draw
from fpngraph.drawing.formats.svg import write
from fpngraph.drawing.layout.telling import letters, telling
from fpngraph.library import shipped
from tests.drawing.accepted import texts
from tests.drawing.graphs import MIXED
from tests.drawing.reading import Picture
from tests.drawing.told import assert_texts_beside_nodes_are_clear, assert_texts_on_edges_are_clear, ink

OPS = """
fpngraph: 1
name: ops
inputs: C(3..5)
defaults: {channels: 64, fusion: sum, op: [{conv: {kernel: 3}}, act], act: relu}
nodes:
  a5: {inputs: [C5], op: none}
  a4: {inputs: [C4, a5]}
  a3: {inputs: [C3, {from: a4, up: bilinear}], fusion: max}
  b4: {inputs: [a4, a3, {from: a5, up: bilinear}]}
  b5: {inputs: [{from: a4, down: [act, strided_conv]}]}
  b6: {inputs: [b5]}
outputs: [b4, b5, b6]
"""


def legend(graph: Graph, **look: object) -> list[str]:
    return [text.text for text in texts(draw(graph, **look), "legend")]  # type: ignore[arg-type]


def test_the_usual_is_in_the_legend_and_the_rest_at_nodes_and_edges() -> None:
    graph = loads(OPS)

    told = telling(graph, ops=True)
    arrow = " \N{RIGHTWARDS ARROW} "
    assert told.usual == {
        "fusion": f"sum{arrow}conv{arrow}relu",
        "single": f"conv{arrow}relu",
        "up": "bilinear",
        "down": "max_pool",
    }
    assert told.nodes == {"a5": "as it is", "a3": f"max{arrow}conv{arrow}relu"}
    assert told.edges == {("a5", "a4"): "nearest", ("a4", "b5"): f"relu{arrow}strided_conv"}
    found = legend(graph, labels="ops")
    assert [word for word in found if "(" in word] == [
        "downsample (max_pool)",
        "upsample (bilinear)",
        f"fusion (sum{arrow}conv{arrow}relu)",
        f"single input (conv{arrow}relu)",
    ]
    assert [(found[found.index(letter) + 1]) for letter in ("A", "B")] == ["nearest", f"relu{arrow}strided_conv"]
    assert {text.text for text in texts(draw(graph, labels="ops"), "labels")} >= {"A", "B"}


def test_without_ops_only_fusions_are_told() -> None:
    told = telling(loads(OPS), ops=False)

    assert (told.usual, told.nodes, told.edges) == ({"fusion": "sum"}, {"a3": "max"}, {})
    assert "downsample" in legend(loads(OPS))


@pytest.mark.parametrize("name", ["mixed", *shipped()])
def test_what_is_told_lies_on_nothing(name: str) -> None:
    scene = draw(loads(MIXED) if name == "mixed" else load(name), labels="ops")

    picture = Picture(write(scene))
    left, top, right, bottom = scene.box
    boxes = [ink(text) for text in texts(scene, "legend", "badges", "labels")]
    assert all(left < box[0] and top < box[1] and box[2] < right and box[3] < bottom for box in boxes)
    assert_texts_beside_nodes_are_clear(scene, picture)
    assert_texts_on_edges_are_clear(scene, picture)


def test_letters_do_not_end() -> None:
    assert list(islice(letters("xy"), 7)) == ["x", "y", "xx", "xy", "yx", "yy", "xxx"]
