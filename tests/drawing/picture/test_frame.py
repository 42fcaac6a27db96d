from __future__ import annotations

import pytest

from fpngraph import load, loads
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.diagram import Look, diagram
from fpngraph.drawing.picture.scene import Path, texts


@pytest.mark.parametrize("expand", [True, False], ids=["every run", "runs drawn once"])
@pytest.mark.parametrize("direction", ["right", "up"])
def test_the_line_of_a_level_runs_from_before_its_first_node_behind_all_cells_but_not_between_nodes(
    direction: Flow, expand: bool
) -> None:
    drawn = diagram(load("bifpn"), Look(direction=direction, expand=expand))
    groups = assembled(drawn).groups

    axis = 0 if direction == "right" else 1
    nodes = {name: (place.x, place.y) for name, place in drawn.grid.places.items()}
    cells = [group.box() for group in groups if group.mark == "cell"]
    for row in (group for group in groups if group.mark == "row"):
        before, behind = (shape.curve for shape in row.shapes if isinstance(shape, Path))
        at = [nodes[name] for name, spot in drawn.plan.spots.items() if str(spot.level) == row.data["level"]]
        first, last = sorted((point[axis] for point in at), reverse=direction == "up")[:: len(at) - 1]
        assert {point[1 - axis] for point in at} == {before.start[1 - axis]} == {behind.end[1 - axis]}
        assert abs(before.start[axis] - nodes["P3"][axis]) == drawn.grid.radius + 26
        assert abs(before.end[axis] - first) == abs(behind.start[axis] - last) == drawn.grid.radius + 4
        end = behind.end
        assert end[0] >= max(box[2] for box in cells) if axis == 0 else end[1] <= min(box[1] for box in cells)


@pytest.mark.parametrize("direction", ["right", "up"])
@pytest.mark.parametrize(
    "title",
    [
        pytest.param(True, id="in the title alone"),
        pytest.param("Our neck", id="at the cell below another title"),
        pytest.param(False, id="at the cell without a title"),
    ],
)
def test_the_name_of_a_graph_without_stages_is_written_once(direction: Flow, title: bool | str) -> None:
    scene = assembled(diagram(load("fpn"), Look(direction=direction, title=title)))

    assert [text.text for text in texts(scene.groups)].count("FPN") == 1


def test_a_heading_is_as_long_as_there_is_room_to_the_next_and_no_longer() -> None:
    stages = "".join(
        f"  {name}: {{nodes: {{n4: {{inputs: [P4]}}}}, outputs: {{P4: n4}}}}\n"
        for name in ("top_down_pathway", "a_stage_whose_name_is_far_too_long", "last_refinement")
    )
    text = f"fpngraph: 1\nname: x\ninputs: P4\ndefaults: {{channels: 8}}\nstages:\n{stages}outputs: P4\n"

    scene = assembled(diagram(loads(text)))

    cells = [group for group in scene.groups if group.mark == "cell"]
    first, cut, last = (next(texts(cell.shapes)) for cell in cells)
    assert [first.text, last.text] == ["top_down_pathway", "last_refinement"]
    assert cut.text.endswith("…")
    assert cut.box()[2] < cells[2].box()[0]
