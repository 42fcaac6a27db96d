"""Who says what the neck of a detector is: a graph at a path or loaded keeps what it says, and what differs is told."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import fpngraph
from fpngraph.efficientdet import ConfigError, EfficientDet, UnmatchedWarning, create
from fpngraph.library import shipped
from tests.efficientdet.detectors import SMALL, equal_weights, maps, small_effdet_model
from tests.equality.closeness import assert_equal

OWN = """
fpngraph: 1
name: own
params: {channels: 24, repeats: 2}
inputs: P(3..5)
defaults: {channels: $channels, norm: {group_norm: {groups: 4}}, resample: {project: {norm: true}}}
stages:
  cell:
    repeat: $repeats
    nodes: {Q(3..5): {inputs: [P(l), Q(l+1) | none], op: [relu, conv, norm]}}
    outputs: {P(3..5): Q(l)}
outputs: P(3..5)
"""
_TENSORFLOWS = (
    "graph 'BiFPN' is not as configuration 'tf_efficientdet_d0' says:\n"
    "  op is [act, separable_conv, norm], not [act, {separable_conv: {bias: true}}, norm]\n"
    "  project is {norm: true}, not {norm: true, bias: true}\n"
    "  padding is symmetric, not same\n"
)
_SCALE = "  channels is 96, not 64\n  repeats is 2, not 3\n"
_MATCH = "  hint: match=True sets its parameters as the configuration says; "
_AS_IT_IS = "match=False takes it as it is, without a warning"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of a shipped graph of another width and depth."""
    path = tmp_path / "mine.yaml"
    text = shipped()["bifpn"].read_text(encoding="utf-8")
    path.write_text(text.replace("  channels: 64\n", "  channels: 96\n").replace("  repeats: 3\n", "  repeats: 2\n"))
    return path


def made(name: str, **changes: Any) -> tuple[EfficientDet, list[str]]:
    """The detector, and what was warned about on its way."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        model = create(name, **SMALL | changes)
    assert {warning.category for warning in caught} <= {UnmatchedWarning}
    assert {warning.filename for warning in caught} <= {__file__}
    return model, [str(warning.message) for warning in caught]


def paddings(model: EfficientDet) -> set[str]:
    return {node.padding for node in model.neck.source_graph.nodes.values()}


def runs(model: EfficientDet) -> int:
    return len({node.run for node in model.neck.source_graph.nodes.values() if node.run is not None})


def test_a_path_keeps_what_its_file_says_and_all_that_differs_is_told_once(mine: Path) -> None:
    model, told = made("tf_efficientdet_d0", graph=mine)

    assert (set(model.neck.out_channels.values()), runs(model), paddings(model)) == ({96}, 2, {"symmetric"})
    assert model.class_head.channels == 96
    assert told == [_TENSORFLOWS + _SCALE + _MATCH + _AS_IT_IS]


def test_parameters_that_are_given_are_set_over_a_path_and_not_told(mine: Path) -> None:
    model, told = made("tf_efficientdet_d0", graph=str(mine), params={"channels": 16, "padding": "same"})

    assert (set(model.neck.out_channels.values()), runs(model), paddings(model)) == ({16}, 2, {"same"})
    assert told == [
        _TENSORFLOWS.replace("  padding is symmetric, not same\n", "") + "  repeats is 2, not 3\n" + _MATCH + _AS_IT_IS
    ]


def test_a_padding_that_is_asked_for_is_not_told(mine: Path) -> None:
    model, told = made("tf_efficientdet_d0", graph=mine, match=True, params={"padding": "symmetric"})

    assert (paddings(model), told) == ({"symmetric"}, [])


def test_a_path_is_scaled_as_the_configuration_says_where_that_is_asked_for(mine: Path) -> None:
    model, told = made("tf_efficientdet_d0", graph=mine, match=True)

    assert model.neck.source_graph == made("tf_efficientdet_d0")[0].neck.source_graph
    assert told == []


def test_parameters_that_are_given_win_over_the_configuration(mine: Path) -> None:
    model, told = made("tf_efficientdet_d0", graph=mine, match=True, params={"channels": 16})

    assert (set(model.neck.out_channels.values()), runs(model), paddings(model)) == ({16}, 3, {"same"})
    assert told == []


def test_nothing_is_told_of_a_path_that_says_the_same_or_that_is_taken_as_it_is(mine: Path) -> None:
    same = made("efficientdet_d0", graph=shipped()["bifpn"])
    as_it_is = made("tf_efficientdet_d0", graph=mine, match=False)

    assert same[0].neck.source_graph == made("efficientdet_d0")[0].neck.source_graph
    assert as_it_is[0].neck.source_graph == fpngraph.load(mine)
    assert (same[1], as_it_is[1]) == ([], [])


def test_fields_that_are_changed_do_not_reach_a_path_without_a_word(mine: Path) -> None:
    _, told = made("efficientdet_d0", graph=mine, act="relu")

    assert told == [
        "graph 'BiFPN' is not as configuration 'efficientdet_d0' says:\n"
        "  act is silu, not relu\n" + _SCALE + _MATCH + _AS_IT_IS
    ]


def test_a_loaded_graph_keeps_what_it_says() -> None:
    graph = fpngraph.load("bifpn", channels=16, repeats=1)

    model, told = made("tf_efficientdet_d0", graph=graph)

    assert model.neck.source_graph is graph
    assert told == [
        "graph 'BiFPN' is not as configuration 'tf_efficientdet_d0' says:\n"
        "  padding is symmetric, not same\n"
        "  convolutions of layers have no bias before a norm, and should have one\n"
        "  convolutions of edges have no bias before a norm, and should have one\n"
        "  hint: it is loaded already, so load it with other 'padding', 'op', 'project'; " + _AS_IT_IS
    ]
    assert made("tf_efficientdet_d0", graph=graph, match=False)[1] == []
    assert made("efficientdet_d0", graph=graph)[1] == []


def test_what_no_parameter_of_a_file_sets_is_told_even_where_it_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)

    model, told = made("tf_efficientdet_d0", graph=path, match=True)

    assert (set(model.neck.out_channels.values()), runs(model)) == ({64}, 3)
    assert told == [
        "graph 'own' is not as configuration 'tf_efficientdet_d0' says:\n"
        "  padding is symmetric, not same\n"
        "  norm is {group_norm: {groups: 4}}, not {batch_norm: {eps: 0.001, momentum: 0.01}}\n"
        "  act is relu, not silu\n"
        "  convolutions of layers have no bias before a norm, and should have one\n"
        "  convolutions of edges have no bias before a norm, and should have one\n"
        "  hint: no parameter of it sets 'padding', 'norm', 'act', 'op', 'project'; " + _AS_IT_IS
    ]


def test_a_declared_parameter_that_no_node_takes_does_not_hide_what_they_have(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace("params: {", "params: {padding: symmetric, "))

    _, told = made("tf_efficientdet_d0", graph=path)

    assert "\n  padding is symmetric, not same\n" in told[0]


def test_a_shipped_graph_by_its_name_is_scaled_and_tells_the_padding_that_it_cannot_have() -> None:
    model, told = made("tf_efficientdet_d0", graph="fpn")

    assert set(model.neck.out_channels.values()) == {64}
    assert told == [
        "graph 'FPN' is not as configuration 'tf_efficientdet_d0' says:\n"
        "  padding is symmetric, not same\n"
        "  hint: no parameter of it sets 'padding'; " + _AS_IT_IS
    ]
    assert made("efficientdet_d0", graph="retinanet_fpn")[1] == []  # its activation is what makes it that graph


def test_a_loaded_graph_cannot_be_scaled() -> None:
    with pytest.raises(ConfigError) as caught:
        create("efficientdet_d0", graph=fpngraph.load("fpn"), match=True)

    assert str(caught.value) == (
        "'params' and 'match' are for the name or path of a graph, but 'graph' is loaded already\n"
        "  hint: fpngraph.load(path, NAME=VALUE) sets parameters"
    )


def test_a_copy_at_a_path_that_is_scaled_gives_the_maps_of_effdet(tmp_path: Path) -> None:
    path, image_size = tmp_path / "copy.yaml", (128, 96)
    path.write_bytes(shipped()["bifpn"].read_bytes())
    torch.manual_seed(0)
    theirs = small_effdet_model("tf_efficientdet_d0", image_size)

    ours, told = made("tf_efficientdet_d0", graph=path, match=True, params={"channels": 16, "repeats": 2})

    equal_weights(theirs, ours, image_size)
    images = torch.randn(1, 3, *image_size, dtype=torch.float64)
    with torch.no_grad():
        pairs = list(zip(maps(ours, images), maps(theirs, images), strict=True))
    for index, (found, expected) in enumerate(pairs):
        assert_equal(found, expected, f"map {index}")
    assert told == []
