"""An operator's module gets contiguous maps unless its class says ``layout = "any"``, wherever it stands."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.efficientdet import config
from fpngraph.efficientdet.fused import fused_head
from fpngraph.efficientdet.heads import Head
from fpngraph.ops import registry
from fpngraph.ops.act import Relu
from tests.necks import maps, neck_of, randomised
from tests.traces import assert_equal_maps, trace


def flat(x: Tensor) -> Tensor:
    """The map itself, by way of a view that only contiguous maps have; the channels turn round."""
    b, c, h, w = x.shape
    return x.view(b * 2, -1, h, w).flip(1).view(b, c, h, w)


class Flat(nn.Module):
    def forward(self, x: Tensor, size: Any = None) -> Tensor:
        if size is None:
            return flat(x)
        return flat(nn.functional.interpolate(flat(x), (size[0], size[1]), mode="nearest"))


class FlatSum(nn.Module):
    def forward(self, maps: Iterable[Tensor]) -> Tensor:
        return torch.stack([flat(x) for x in maps]).sum(0)


class _Own:
    def build(self, inputs: Any, site: Any) -> nn.Module:
        return Flat()


class OwnLayer(_Own, fpngraph.Layer):
    name: ClassVar[str] = "own_layer"


class OwnNorm(_Own, fpngraph.Norm):
    name: ClassVar[str] = "own_norm"


class OwnAct(_Own, Relu):
    name: ClassVar[str] = "own_act"


class OwnDown(_Own, fpngraph.Down):
    name: ClassVar[str] = "own_down"


class OwnUp(_Own, fpngraph.Up):
    name: ClassVar[str] = "own_up"


class OwnFusion(fpngraph.Fusion):
    name: ClassVar[str] = "own_fusion"

    def build(self, inputs: Any, site: Any) -> nn.Module:
        return FlatSum()


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    for operator in (OwnLayer, OwnNorm, OwnAct, OwnDown, OwnUp, OwnFusion):
        fpngraph.register(operator)
    torch.compiler.reset()
    yield
    torch.compiler.reset()


NODES = """
    a4: {inputs: [P4, {from: P5, up: own_up}, {from: P3, down: own_down}], fusion: own_fusion}
    b4: {inputs: [a4, {from: P3, down: [act, own_down, norm]}], op: [{conv: {}}, own_layer, act, norm], act: own_act}
    c3: {inputs: [P3, {from: b4, up: [own_up, {conv: {}}]}], norm: own_norm, op: [norm], resample: PROJECTED}
    d5: {inputs: [P5, c3], fusion: fast_normalized, op: [own_act, {conv: {kernel: 1}}, own_act]}
""".replace("PROJECTED", "{project: {when: always, norm: true}}")
LAYOUTS: list[Any] = [
    pytest.param(lambda x: x, id="contiguous"),
    pytest.param(lambda x: x.to(memory_format=torch.channels_last), id="channels_last"),
    pytest.param(lambda x: torch.cat([x, x], dim=3)[..., : x.shape[3]], id="a-view"),
]


def own_neck(*, lean: bool = False) -> fpngraph.Neck:
    neck = neck_of(NODES, outputs="[a4, b4, c3, d5]")
    return randomised(fpngraph.build(neck.source_graph, [4, 4, 4], lean=lean)).double()


def given(neck: fpngraph.Neck, layout: Callable[[Tensor], Tensor] = lambda x: x) -> list[Tensor]:
    return [layout(x) for x in maps(neck, 67, 90, batch=1, dtype=torch.float64)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["plain", "lean", "fused", "traced"])
def test_an_operator_may_view_its_maps_as_contiguous_ones(form: str, layout: Callable[[Tensor], Tensor]) -> None:
    neck = own_neck(lean=form == "lean").train(form == "lean")
    plain = own_neck().train(form == "lean")
    module: Any = neck.fuse() if form == "fused" else trace(neck, given(neck)) if form == "traced" else neck

    found = module(given(neck, layout))

    assert_equal_maps(found, plain(given(plain)), 1e-12)


@pytest.mark.exports
@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
def test_what_is_compiled_or_exported_keeps_the_contract(fused: bool) -> None:
    neck = own_neck()
    module = neck.fuse() if fused else neck
    features = given(neck, lambda x: x.to(memory_format=torch.channels_last))

    compiled = torch.compile(module, fullgraph=True, backend="eager")
    exported = torch.export.export(module, (features,)).module()

    assert_equal_maps(compiled(features), module(features), 1e-12)
    assert_equal_maps(exported(features), module(features), 1e-12)


def pickled(neck: Any) -> Any:
    return pickle.loads(pickle.dumps(neck))


@pytest.mark.parametrize("again", [copy.deepcopy, pickled])
@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
def test_copies_keep_the_contract(again: Callable[[Any], Any], fused: bool) -> None:
    neck = own_neck()
    module = neck.fuse() if fused else neck

    assert_equal_maps(again(module)(given(neck)), module(given(neck)), 1e-12)


def append(neck: Any) -> None:
    neck.out4.op.append(Flat())


def replace_a_layer(neck: Any) -> None:
    neck.out4.op[1] = Flat()


def replace_all_layers(neck: Any) -> None:
    neck.out4.op = nn.Sequential(Flat(), nn.Conv2d(4, 4, 1).double())


def replace_a_step(neck: Any) -> None:
    neck.out4.edges[1][0] = Flat()


def replace_an_edge(neck: Any) -> None:
    neck.out4.edges[1] = Flat()


def replace_the_fusion(neck: Any) -> None:
    neck.out4.fusion = FlatSum()


def delete_a_layer(neck: Any) -> None:
    neck.out4.op[1] = Flat()
    del neck.out4.op[0]


EDITS = [
    append,
    replace_a_layer,
    replace_all_layers,
    replace_a_step,
    replace_an_edge,
    replace_the_fusion,
    delete_a_layer,
]


@pytest.mark.parametrize("lean", [False, True], ids=["plain", "lean"])
@pytest.mark.parametrize("edit", EDITS)
def test_a_module_put_in_by_hand_gets_contiguous_maps(edit: Callable[[Any], None], lean: bool) -> None:
    nodes = "out4: {inputs: [P4, P5], op: [{conv: {}}, act, {separable_conv: {}}]}"
    graph = neck_of(nodes, outputs="[out4]").source_graph
    neck = fpngraph.build(graph, [4] * len(graph.inputs), lean=lean).double()

    edit(neck)
    (contiguous,), (last,) = (
        neck([x.to(memory_format=layout) for x in maps(neck, 64, 96, dtype=torch.float64)])
        for layout in (torch.contiguous_format, torch.channels_last)
    )

    torch.testing.assert_close(contiguous, last)


@pytest.mark.parametrize("edit", [replace_a_layer, replace_a_step, replace_the_fusion])
def test_a_module_put_in_by_hand_gets_contiguous_maps_in_the_inference_form(edit: Callable[[Any], None]) -> None:
    neck = neck_of("out4: {inputs: [P4, P5], op: [{conv: {}}, act, {separable_conv: {}}]}", outputs="[out4]")
    edit(neck.double())

    features = [x.to(memory_format=torch.channels_last) for x in maps(neck, 64, 96, dtype=torch.float64)]

    assert_equal_maps(neck.fuse()(features), neck(features), 1e-12)


def test_norms_of_a_head_get_contiguous_maps() -> None:
    small = config("efficientdet_d0", norm="own_norm")
    head = Head(small, 8, ["P3", "P4"], outputs=4).double().eval()
    levels = {name: torch.randn(2, 8, 9, 7, dtype=torch.float64) for name in ("P3", "P4")}
    laid = {name: x.to(memory_format=torch.channels_last) for name, x in levels.items()}

    expected = head(levels)

    fused, _ = fused_head(head)
    for found in (head(laid), fused(levels), fused(laid)):
        assert_equal_maps(list(found.values()), list(expected.values()), 1e-12)
