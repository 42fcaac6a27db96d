from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from fpngraph import Graph, load, loads, render
from fpngraph.analysis import shapes
from fpngraph.drawing import draw
from fpngraph.drawing.formats import svg
from fpngraph.drawing.layout.grid import Flow
from fpngraph.drawing.picture import diagram as module
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.drawing.text import dot, mermaid, terminal

LONG = """\
fpngraph: 1
name: long
inputs: P(3..4)
defaults: {channels: 8}
stages:
  a_stage_whose_name_is_far_too_long_for_its_cell:
    repeat: 4
    nodes:
      a_name_too_long_for_a_circle_: {level: 3, inputs: [P3, P4, P4]}
    outputs: {P3: a_name_too_long_for_a_circle_}
outputs: {P3: P3, again: P3}
"""
CHANNELS = {"in_channels": (40, 112, 320)}


@pytest.fixture
def graph() -> Graph:
    return load("bifpn")


@pytest.mark.parametrize(
    "known",
    [{}, CHANNELS, {**CHANNELS, "image_size": 512}],
    ids=["nothing", "channels", "channels and a size"],
)
def test_a_graph_is_lowered_once_for_a_picture(
    graph: Graph, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lower, lowered = shapes._lower, []
    monkeypatch.setattr(shapes, "_lower", lambda *args: lowered.append(args) or lower(*args))

    draw(graph, **known)

    assert len(lowered) == 1


@pytest.mark.parametrize("chosen", [True, False])
def test_numbers_that_are_truths_are_taken_as_such(graph: Graph, chosen: bool) -> None:
    number: Any = int(chosen)

    look = Look(legend=number, expand=number)

    assert svg.write(assembled(diagram(graph, look))) == svg.write(draw(graph, legend=chosen, expand=chosen))


def test_a_word_for_the_runs_is_refused() -> None:
    word: Any = "no"

    with pytest.raises(ValueError) as caught:
        Look(expand=word)

    assert str(caught.value) == "'no' is none of True, False, None"


def test_what_a_reader_chooses_is_the_same_everywhere() -> None:
    chosen = {entry.name: entry.default for entry in fields(Look)}

    for function in (draw, render):
        taken = {name: one.default for name, one in inspect.signature(function).parameters.items()}
        assert {name: taken[name] for name in chosen} == chosen


@pytest.mark.parametrize(
    ("title", "size", "lines"),
    [
        (True, None, ("BiFPN",)),
        ("Mine", 512, ("Mine", "194 k parameters, 136 M MACs")),
        (False, 512, ()),
        ("", 512, ()),
    ],
)
def test_a_title_has_the_name_and_the_cost(
    graph: Graph, title: bool | str, size: int | None, lines: tuple[str, ...]
) -> None:
    found = diagram(graph, Look(title=title), **CHANNELS, image_size=size)

    assert found.title == lines


@pytest.mark.parametrize("direction", ["right", "up"])
@pytest.mark.parametrize("write", [dot.write, mermaid.write, terminal.write], ids=["dot", "mermaid", "terminal"])
def test_text_has_whole_names_where_the_picture_cuts_them(write: Callable[[Diagram], str], direction: Flow) -> None:
    drawn = diagram(loads(LONG), Look(direction=direction))

    text = write(drawn)

    assert "…" in svg.write(assembled(drawn))
    assert "a_name_too_long_for_a_circle_" in text
    assert "a_stage_whose_name_is_far_too_long_for_its_cell \u00d74" in text


def test_a_cell_has_its_border_and_the_nodes_in_it() -> None:
    drawn = diagram(loads(LONG))

    ((cell, (left, top, right, bottom), names),) = drawn.cells()

    place = drawn.grid.places[names[0]]
    assert (cell.run, cell.runs) == (0, 4)
    assert names == ("a_stage_whose_name_is_far_too_long_for_its_cell.0.a_name_too_long_for_a_circle_",)
    assert left < place.x - place.half < place.x + place.half < right
    assert top < place.y - place.half < place.y + place.half < bottom


@pytest.mark.parametrize("write", [mermaid.write, terminal.write], ids=["mermaid", "terminal"])
def test_text_that_lays_itself_out_needs_no_ways(
    graph: Graph, write: Callable[[Diagram], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    routed: list[object] = []
    monkeypatch.setattr(module, "routes", lambda *args: routed.append(args))

    write(diagram(graph))

    assert routed == []
