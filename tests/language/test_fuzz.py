"""Whatever text or data is fed in: a graph or a GraphError whose places lie in the file, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fpngraph.analysis.shapes import infer
from fpngraph.errors import GraphError, Problem
from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.source import read
from fpngraph.library import load, loads, shipped

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in shipped().items()}
TREES = {name: read(text, name).plain() for name, text in TEXTS.items()}
SWAPS = [
    *["P", "td", "l", "min", "max", "none", "inputs", "nodes", "stages", "from", "outputs", "channels", "$channels"],
    *["$(l)", "$(min//0)", "repeat: 3", "repeat: $op", "[", "]", "{", "}", ":", ",", "|", "(", ")", "..", "- ", "\n"],
    *["0", "-1", "31", "999999999", "P3", "P(l)", "P(l-1)", "P(3..5)", "'", '"', "&a ", "*a", "<<: ", "!x", "#", "~"],
]
VALUES: list[Any] = [
    *[None, True, False, 0, -1, 3, 31, 10**9, 10**17, 0.5, float("nan"), float("inf"), "", " ", "l", "none", "P3"],
    *["P(l)", "P(l+1) | none", "P(3..5)", "$min", "$op", "$nothing", "$(l)", "$(l // 0)", "$(", "$", "sum", "conv"],
    *[[], {}, [[]], ["P3"], [3], {"from": "P3"}, {"when": "always"}, {3: 4}, {"P(3..5)": "P(l)"}, {"conv": None}],
]


def assert_loads_or_says_why(source: Any, lines: int | None = None) -> Graph | None:
    """The graph, or None where it is refused; ``lines`` is how many lines the file has, if it is one."""
    problems: tuple[Problem, ...] = ()
    graph = None
    if not isinstance(source, str | Mapping):
        with pytest.raises(TypeError, match=r"not YAML text or a mapping$"):
            loads(source)
        return None
    try:
        graph = loads(source)
    except GraphError as error:
        problems = error.problems
    for problem in problems:
        assert_points_into_the_file(problem, lines)
    assert graph is not None or problems
    return graph


def assert_points_into_the_file(problem: Problem, lines: int | None) -> None:
    assert str(problem)
    assert problem.message
    span = problem.span
    if span is not None:
        assert span.line >= 1
        assert lines is None or span.line <= lines
        assert 1 <= span.column <= span.end <= len(span.text) + 2
        assert span.column <= len(span.text) + 1


def lines_of(text: str) -> int:
    return len(text.splitlines()) + text.endswith(("\n", "\r")) + (not text)


@settings(max_examples=150)
@given(st.text(max_size=60) | st.lists(st.sampled_from(SWAPS), max_size=25).map("".join))
@example("fpngraph: 1\nname: x\ninputs: P(3..5)\nnodes: {? |\n P(l)\n: {inputs: [P3]}}\noutputs: P3\n")
def test_any_text(text: str) -> None:
    assert_loads_or_says_why(text, lines_of(text))


@st.composite
def edited(draw: Any) -> str:
    """A shipped graph with some characters or words changed."""
    text = TEXTS[draw(st.sampled_from(sorted(TEXTS)))]
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 8)))
        text = text[:start] + draw(st.sampled_from(SWAPS) | st.text(max_size=3)) + text[stop:]
    return text


@settings(max_examples=150)
@given(edited())
def test_any_edit_of_a_shipped_graph(text: str) -> None:
    assert_loads_or_says_why(text, lines_of(text))


def paths(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the values of a tree are."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(found for key, value in entries for found in paths(value, (*path, key)))]


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A tree with another value at a path."""
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = changed(copy[path[0]], path[1:], value)
    return copy


@st.composite
def grafted(draw: Any) -> Any:
    """A shipped graph as data, with some values replaced, by those of another place too, and perhaps a key added."""
    tree = TREES[draw(st.sampled_from(sorted(TREES)))]
    for _ in range(draw(st.integers(1, 3))):
        other = TREES[draw(st.sampled_from(sorted(TREES)))]
        value = draw(st.sampled_from(VALUES))
        if draw(st.booleans()):
            value = other
            for step in draw(st.sampled_from(paths(other))):
                value = value[step]
        path = draw(st.sampled_from(paths(tree)))
        at = tree
        for step in path:
            at = at[step]
        if isinstance(at, dict) and draw(st.booleans()):
            keys = ["inputs", "x", 3, 3.5, "P(l)", "td(3..7)", "repeat", "outputs", "defaults", "from", "level"]
            value = {**at, draw(st.sampled_from(keys)): value}
        tree = changed(tree, path, value)
    return tree


@pytest.mark.slow
@settings(max_examples=200)
@given(grafted())
def test_any_graft_of_a_shipped_graph(tree: Any) -> None:
    assert_loads_or_says_why(tree)


@settings(max_examples=60)
@given(st.sampled_from(VALUES), st.sampled_from(sorted(TREES)), st.data())
def test_any_value_of_a_parameter(value: Any, name: str, data: st.DataObject) -> None:
    param = data.draw(st.sampled_from(sorted(TREES[name]["params"])))
    said = ""
    graph = None
    try:
        graph = load(name, **{param: value})
    except GraphError as error:
        said = str(error)

    assert said or (graph and graph.outputs)


@pytest.mark.slow
@settings(max_examples=60)
@given(name=st.sampled_from(sorted(TEXTS)), data=st.data())
def test_any_numbers_of_channels(name: str, data: st.DataObject) -> None:
    # a multiple of the groups that the norms of some divide them by
    width = 32 * data.draw(st.integers(1, 3))
    graph = load(name, **({"channels": width} if "channels" in TREES[name]["params"] else {}))
    numbers = st.integers(-1, 70) | st.sampled_from([True, 8.0, "8"])
    channels = data.draw(st.lists(numbers, min_size=len(graph.inputs) - 1, max_size=len(graph.inputs) + 1))
    given_by_name = data.draw(st.booleans())

    said = ""
    found: set[str] = set()
    try:
        found = set(infer(graph, dict(zip(graph.inputs, channels, strict=False)) if given_by_name else channels))
    except GraphError as error:
        said = str(error)

    assert said or found == {*graph.inputs, *graph.nodes}


def test_the_fuzz_reaches_graphs_that_load() -> None:
    assert assert_loads_or_says_why(changed(TREES["bifpn"], ("params", "repeats"), 1)) is not None


@pytest.mark.parametrize("source", [{1: {2}}, {"a": object()}], ids=["set", "object"])
def test_what_is_no_plain_data(source: Any) -> None:
    assert_loads_or_says_why(source)


@pytest.mark.parametrize("source", [None, 7, [1], b"fpngraph: 1", Path("x")], ids=str)
def test_what_is_neither_text_nor_a_mapping(source: Any) -> None:
    with pytest.raises(TypeError) as caught:
        loads(source)

    assert str(caught.value) == f"source is {source!r}, not YAML text or a mapping"
