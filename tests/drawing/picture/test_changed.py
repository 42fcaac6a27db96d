"""The picture of what changed from one graph to another."""

from __future__ import annotations

import pytest

import fpngraph
from fpngraph.analysis.changes import changes
from fpngraph.drawing.picture.changed import draw_changes
from fpngraph.drawing.picture.scene import Circle, Group, Path, Rect, Scene, Text

GRAPH = """\
fpngraph: 1
name: small
inputs: C(3..5)
defaults: {channels: 8}
nodes:
  td(3..5): {inputs: [C(l), td(l+1) | none]}
  out(3..5): {inputs: [td(l), out(l-1) | none, C(l)]}
outputs: out(3..5)
"""
MORE = GRAPH.replace("  out(", "  skip4: {inputs: [C4, C5]}\n  out(").replace(
    "[td(l), out(l-1) | none, C(l)]", "[td(l), skip4]"
)


def drawn(before: str, after: str) -> Scene:
    return draw_changes(changes(fpngraph.loads(before), fpngraph.loads(after)))


def nodes(scene: Scene) -> dict[str, Group]:
    return {group.data["node"]: group for group in scene.groups if group.mark == "node"}


def edges(scene: Scene) -> dict[tuple[str, str], Path]:
    """The lines of edges, and of the arrows to outputs, by their ends."""
    lines = [group.shapes[0] for group in scene.groups if group.mark == "link"]
    return {
        (line.data["from"], line.data.get("to") or line.data["output"]): line
        for line in lines
        if isinstance(line, Path)
    }


def test_both_graphs_are_in_the_picture_whichever_was_first() -> None:
    there, back = drawn(GRAPH, MORE), drawn(MORE, GRAPH)

    assert set(nodes(there)) == set(nodes(back)) == {*fpngraph.loads(MORE).nodes, "C3", "C4", "C5"}
    assert set(edges(there)) == set(edges(back))
    assert (nodes(there)["skip4"].data["change"], nodes(back)["skip4"].data["change"]) == ("new", "gone")


def test_what_is_equal_is_not_marked() -> None:
    scene = drawn(GRAPH, MORE)

    assert "change" not in nodes(scene)["td4"].data
    assert edges(scene)["C3", "td3"].data.get("change") is None
    assert edges(scene)["out3", "out3"].data.get("change") is None


def test_edges_and_nodes_have_the_colour_of_their_mark_and_what_is_gone_is_dotted() -> None:
    scene = drawn(GRAPH, MORE)

    new, gone = edges(scene)["skip4", "out3"], edges(scene)["C3", "out3"]
    assert (new.paint.line, new.data["change"]) == ("new", "new")
    assert (gone.paint.line, gone.data["change"]) == ("gone", "gone")
    assert 0 < max(gone.paint.dashes[::2]) < 4
    body = nodes(drawn(MORE, GRAPH))["skip4"].shapes[0]
    assert isinstance(body, Circle | Rect)
    assert body.paint.line == "gone"
    assert body.paint.dashes


def test_a_line_keeps_its_gaps() -> None:
    plain = fpngraph.loads(MORE)._repr_svg_()
    scene = drawn(GRAPH, MORE)

    assert "stroke-dasharray" in plain
    for line in edges(scene).values():
        assert len(line.paint.dashes) % 2 == 0
        assert all(length >= 0 for length in line.paint.dashes)


def test_a_sign_stands_where_no_edge_ends() -> None:
    for scene in (drawn(GRAPH, MORE), drawn(MORE, GRAPH)):
        tips = [group.shapes[1].points[0] for group in scene.groups if group.mark == "link"]  # type: ignore[union-attr]
        signs = [group.shapes[-2] for group in nodes(scene).values() if "change" in group.data]
        assert signs
        for sign in signs:
            assert isinstance(sign, Circle)
            assert all((sign.x - x) ** 2 + (sign.y - y) ** 2 > 36 for x, y in tips)


def test_the_legend_has_the_signs_that_are_there() -> None:
    def legend(scene: Scene) -> list[str]:
        *_, last = (group for group in scene.groups if group.mark == "legend")
        return [shape.text for shape in last.shapes if isinstance(shape, Text)]

    assert legend(drawn(GRAPH, MORE)) == ["+", "new", "\N{MINUS SIGN}", "gone", "~", "changed"]
    assert legend(drawn(GRAPH, GRAPH.replace("channels: 8", "channels: 4"))) == ["~", "changed"]
    assert "new" not in legend(drawn(GRAPH, GRAPH))


def test_everything_is_on_the_page() -> None:
    scene = drawn(GRAPH, MORE)

    for group in scene.groups:
        left, top, right, bottom = group.box()
        assert scene.box[0] <= left <= right <= scene.box[2]
        assert scene.box[1] <= top <= bottom <= scene.box[3]


def test_runs_that_come_and_go_stand_as_their_stage_has_them() -> None:
    scene = draw_changes(changes(fpngraph.load("bifpn", repeats=3), fpngraph.load("bifpn", repeats=2)))

    cells = [group.data["run"] for group in scene.groups if group.mark == "cell"]
    assert cells == ["0", "1", "2"]
    assert {name for name, group in nodes(scene).items() if "change" in group.data} == {
        name for name in nodes(scene) if name.startswith("bifpn.2.")
    }


@pytest.mark.parametrize("names", [("fpn", "panet"), ("bifpn", "nas_fpn"), ("panet", "fpn")])
def test_any_two_graphs_can_be_drawn_or_say_why_not(names: tuple[str, str]) -> None:
    one, other = map(fpngraph.load, names)

    scene = draw_changes(changes(one, other))

    assert {*one.nodes, *other.nodes} <= set(nodes(scene))


def test_a_cycle_of_both_is_refused_with_its_nodes() -> None:
    head = "fpngraph: 1\nname: x\ninputs: C3\noutputs: {a: a3, b: b3}\nnodes:\n"
    one = f"{head}  a3: {{inputs: [C3]}}\n  b3: {{inputs: [C3, a3]}}\n"
    other = f"{head}  a3: {{inputs: [C3, b3]}}\n  b3: {{inputs: [C3]}}\n"

    with pytest.raises(ValueError, match=r"both graphs in one picture would have a cycle: '(a3|b3)' reads '(a3|b3)'"):
        drawn(one, other)


@pytest.mark.parametrize("names", [("fpn", "bifpn"), ("bifpn", "fpn")], ids="-".join)
def test_a_name_of_an_input_of_one_and_a_node_of_the_other_has_no_picture(names: tuple[str, str]) -> None:
    one, other = map(fpngraph.load, names)

    with pytest.raises(ValueError) as caught:
        draw_changes(changes(one, other))

    assert str(caught.value) == (
        "'P3' is an input of one graph and a node of the other, and one picture has a name once\n"
        "  hint: draw each by itself"
    )


def test_an_edge_that_one_of_two_readings_leaves_is_not_gone() -> None:
    twice = GRAPH.replace(
        "[td(l), out(l-1) | none, C(l)]", "[td(l), out(l-1) | none, C(l), {from: C(l), project: always}]"
    )

    marked = {ends for ends, line in edges(drawn(twice, GRAPH)).items() if "change" in line.data}

    assert marked == set()
