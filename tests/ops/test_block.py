"""Operators that are lists of layers, written in Python."""

from __future__ import annotations

import pickle
import warnings
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph.feature import Feature
from fpngraph.ops import Site, registry
from fpngraph.ops.block import _DEEPEST
from tests.fused_graphs import assert_fused_equals
from tests.necks import maps, neck_of


class Bottleneck(fpngraph.Block):
    """Two convolutions around a residual, some times over (as in a C2f of YOLOv8, of our own making here)."""

    name: ClassVar[str] = "test_c2f"
    blocks: int = 1

    def layers(self, in_channels: int, out_channels: int) -> Any:
        half = {"conv": {"channels": out_channels // 2}}
        inner = {"residual": [half, "norm", "act", half, "norm", "act"]}
        rest = [{"slice": {"index": 1}}, {"repeat": {"times": self.blocks, "keep": "all", "layers": [inner]}}]
        return {
            "cv1": [{"conv": {"kernel": 1}}, "norm", "act"],
            "m": [{"concat": [[{"slice": {"index": 0}}], rest]}],
            "cv2": [{"conv": {"kernel": 1}}, "norm", "act"],
        }


class Plain(fpngraph.Block):
    """A list without names, with operators in it, that asks for the widths of its place."""

    name: ClassVar[str] = "test_plain"

    def layers(self, in_channels: int, out_channels: int) -> Any:
        return [{"conv": {"channels": in_channels + out_channels}}, ["norm", ["act"]], {"test_c2f": {"blocks": 2}}]


class Odd(fpngraph.Block):
    """Gives what the test says."""

    name: ClassVar[str] = "test_odd"
    given: ClassVar[Any] = None

    def layers(self, in_channels: int, out_channels: int) -> Any:
        return self.given


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    for block in (Bottleneck, Plain, Odd):
        fpngraph.register(block)


def block_of(op: str) -> nn.Module:
    return neck_of(f"a4: {{inputs: [P4], channels: 8, op: {op}}}", outputs="a4", channels=8).get_submodule("a4.op")


def convolutions(op: str) -> dict[str, tuple[int, int]]:
    found = block_of(op).named_modules()
    return {name: (part.in_channels, part.out_channels) for name, part in found if isinstance(part, nn.Conv2d)}


def test_its_lists_are_called_by_their_names_and_run_one_after_the_other() -> None:
    assert convolutions("[test_c2f]") == {
        "test_c2f.cv1.conv": (8, 8),
        "test_c2f.m.concat.1.repeat.0.residual.conv": (4, 4),
        "test_c2f.m.concat.1.repeat.0.residual.conv_2": (4, 4),
        "test_c2f.cv2.conv": (12, 8),
    }


def test_a_list_without_names_has_its_layers_directly_and_may_hold_blocks() -> None:
    found = convolutions("[test_plain, {residual: [{test_c2f: {blocks: 0}}]}]")

    assert found["test_plain.conv"] == (8, 16)
    assert found["test_plain.test_c2f.cv1.conv"] == (16, 8)
    assert found["test_plain.test_c2f.cv2.conv"] == (16, 8)
    assert found["residual.test_c2f.cv2.conv"] == (8, 8)


def test_in_a_residual_it_is_asked_for_the_channels_that_come_in() -> None:
    assert convolutions("[{conv: {channels: 12}}, {residual: [test_c2f]}, conv]")["residual.test_c2f.cv1.conv"] == (
        12,
        12,
    )


def test_its_words_are_the_nodes() -> None:
    text = (
        "fpngraph: 1\nname: t\ninputs: P(3..3)\ndefaults: {channels: 8, norm: {group_norm: {groups: 2}}, act: silu}\n"
    )
    graph = fpngraph.loads(text + "nodes: {a3: {inputs: [P3], op: [test_c2f]}}\noutputs: a3\n")

    found = fpngraph.build(graph, [8]).get_submodule("a3.op.test_c2f.cv1")

    assert [type(part).__name__ for part in found] == ["Conv2d", "GroupNorm", "SiLU"]


def test_everything_follows_from_its_lists() -> None:
    neck = neck_of("a4: {inputs: [P4, P5], op: [test_plain, {residual: [test_c2f]}]}", outputs="[a4]", channels=8)
    found = fpngraph.cost(neck.source_graph, [8, 8, 8], 64)
    features = maps(neck, 64, 96)

    fused = assert_fused_equals(neck.double())

    assert found.unknown == {}
    assert found.parameters == sum(parameter.numel() for parameter in neck.parameters())
    assert fused.unfolded == {}
    assert [name for name, part in fused.named_modules() if isinstance(part, nn.BatchNorm2d)] == []
    again = pickle.loads(pickle.dumps(neck.float()))
    torch.testing.assert_close(again(features), neck(features), rtol=0, atol=0)


def test_a_block_of_ones_own_may_be_given_as_an_operator_too() -> None:
    found = Plain().infer((Feature(3, 8),), Site(channels=6, norm=_norm(), act=_act()))

    assert found == Feature(3, 6)


def _norm() -> Any:
    from fpngraph.ops.norm import BatchNorm

    return BatchNorm()


def _act() -> Any:
    from fpngraph.ops.act import Relu

    return Relu()


def test_a_class_that_derives_from_a_block_and_builds_something_else_runs_as_it_is() -> None:
    class Built(Bottleneck):
        name: ClassVar[str] = "test_built"

        def build(self, inputs: Any, site: Any) -> nn.Module:
            return nn.Conv2d(inputs[0].channels, 8, 1)

    fpngraph.register(Built)
    neck = neck_of("a4: {inputs: [P4], channels: 8, op: [test_built, norm]}", outputs="[a4]", channels=8).double()

    fused = assert_fused_equals(neck)

    assert fused.unfolded == {
        "a4.op.test_built": "no rule for its class torch.nn.modules.conv.Conv2d",
        "a4.op.norm": "follows no convolution that could take it in",
    }
    assert fpngraph.cost(neck.source_graph, [8, 8, 8], 64).parameters == 8 * 8 + 8 + 16


WRONG = [
    pytest.param(3, "has 3 in its layers, but must have a list of layers", id="no list"),
    pytest.param("conv", "has 'conv' in its layers, but must have a list of layers", id="a word"),
    pytest.param(
        ["conv", "cnv"],
        "has 'cnv' in its layers at '1', but must have the name of a layer, or {name: {settings}}",
        id="unknown layer",
    ),
    pytest.param(
        {"cv1": [], "m": [{"residual": ["act", {"sum": [[], ["nearest"]]}]}]},
        "has 'nearest' in its layers at 'm.0.residual.1.sum.1.0', "
        "but must have the name of a layer, or {name: {settings}}",
        id="deep inside",
    ),
    pytest.param({"cv1": [{"conv": {"channels": 0}}]}, "has 0 in its layers at 'cv1.0.conv.channels'", id="value"),
    pytest.param({"a.b": ["conv"]}, "calls a list of layers 'a.b', which is no name", id="a name with a dot"),
    pytest.param({"": ["conv"]}, "calls a list of layers '', which is no name", id="an empty name"),
    pytest.param({1: ["conv"]}, "calls a list of layers 1, which is no name", id="a number for a name"),
]


@pytest.mark.parametrize(("given", "reason"), WRONG)
def test_what_is_wrong_in_its_lists_is_told_with_its_place(
    given: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Odd, "given", given)

    with pytest.raises(fpngraph.GraphError) as caught:
        block_of("[{residual: [test_odd]}]")

    (problem,) = caught.value.problems
    assert problem.message == f"node 'a4': 'test_odd' in 'residual' {reason}"


def test_a_layer_of_it_that_does_not_fit_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Odd, "given", {"cv1": ["conv"], "m": [{"residual": [{"conv": {"groups": 3}}]}]})

    with pytest.raises(fpngraph.GraphError) as caught:
        block_of("[{concat: [[], [test_odd]]}]")

    place = "concat.1.test_odd.m.residual"
    assert caught.value.problems[0].message == (
        f"node 'a4': 'conv' in {place!r} has 3 groups, which do not divide the 8 channels it takes"
    )


def test_a_block_that_holds_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Odd, "given", [{"residual": ["test_odd"]}])

    with pytest.raises(fpngraph.GraphError) as caught:
        block_of("[test_odd]")

    (problem,) = caught.value.problems
    place = ".".join(["test_odd", "residual"] * _DEEPEST)
    assert problem.message == f"node 'a4': 'test_odd' in {place!r} holds layers more than {_DEEPEST} deep"
    assert problem.hint == "a block does not hold itself"


def test_a_word_that_its_place_does_not_have_is_told() -> None:
    with pytest.raises(fpngraph.Mismatch) as caught:
        Bottleneck().infer((Feature(3, 8),), Site(channels=6))

    assert caught.value.reason == "needs the node's 'norm'"


@pytest.mark.parametrize("rule", ["layers", "inner_steps", "parts", "layout"])
def test_a_setting_cannot_have_the_name_of_something_that_every_operator_has(rule: str) -> None:
    body = {"__module__": __name__, "name": "test_shadowing", "__annotations__": {rule: int}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's own, of a name that it shadows
        operator = type("Shadowing", (Bottleneck,), body)

    with pytest.raises(ValueError) as caught:
        fpngraph.register(operator)

    assert str(caught.value) == (
        f"Shadowing: no setting can be called {rule!r}, which is something else of an operator\n"
        f"  hint: call the field '{rule}_', with Field(alias={rule!r}), or annotate it as a ClassVar"
    )
