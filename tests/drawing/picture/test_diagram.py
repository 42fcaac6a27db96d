from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest

from fpngraph import Graph, load, render, shapes
from fpngraph.drawing import draw
from fpngraph.drawing.picture.diagram import Look, diagram

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
