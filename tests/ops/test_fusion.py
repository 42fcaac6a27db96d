from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.feature import Feature, Size
from fpngraph.layers.fusion.weighted import FastNormalized
from fpngraph.ops import Cost, Fusion, Site, find
from fpngraph.ops.act import LeakyRelu
from fpngraph.ops.norm import BatchNorm
from tests.necks import maps, neck_of

MAPS = (Feature(3, 4), Feature(3, 4), Feature(3, 4))


def make(name: str, **settings: float) -> Fusion:
    operator = find(["fusion"], name)
    assert operator is not None
    assert issubclass(operator, Fusion)
    return operator(**settings)


@pytest.mark.parametrize(
    ("name", "weighted", "parameters"),
    [
        ("sum", False, 0),
        ("mean", False, 0),
        ("max", False, 0),
        ("product", False, 0),
        ("concat", False, 0),
        ("unbounded", True, 3),
        ("softmax", True, 3),
        ("fast_normalized", True, 3),
    ],
)
def test_weighted_fusions_cost_one_parameter_per_map(name: str, weighted: bool, parameters: int) -> None:
    op = make(name)

    assert op.weighted is weighted
    assert op.cost(MAPS, Site(), Size(5, 5), Size(5, 5)) == Cost(parameters, 0)


def test_only_concat_takes_unequal_channels_and_adds_them() -> None:
    unequal = (Feature(3, 4), Feature(3, 7))

    assert make("concat").infer(unequal, Site()) == Feature(3, 11)
    assert [
        name for name in ("sum", "mean", "max", "product", "unbounded", "concat") if not make(name).equal_channels
    ] == ["concat"]


def test_the_eps_of_a_fast_normalized_fusion_reaches_its_module() -> None:
    module = make("fast_normalized", eps=0.5).build(MAPS, Site())

    assert isinstance(module, FastNormalized)
    assert module.eps == 0.5


@pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])
@pytest.mark.parametrize("pool", ["avg", "max"])
@pytest.mark.parametrize("gate", ["first", "second"])
def test_a_global_gate_weighs_one_map_by_the_other(gate: str, pool: str, training: bool) -> None:
    module = make("global_gate", gate=gate, pool=pool).build(MAPS[:2], Site()).train(training)
    both = [torch.randn(2, 4, 3, 5, dtype=torch.float64, requires_grad=True) for _ in range(2)]

    def equation(maps: Iterable[Tensor]) -> Tensor:
        first, second = maps
        g, x = (first, second) if gate == "first" else (second, first)
        pixels = g.flatten(2)
        pooled = pixels.sum(2) / 15 if pool == "avg" else pixels.max(2).values
        return g + x / (1 + torch.exp(-pooled))[..., None, None]

    found = []
    for function in (module, equation):
        y = function(x for x in both)
        found.append([y, *torch.autograd.grad((y * y.detach().cos()).sum(), both)])
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-12)


def test_a_global_gate_runs_in_the_inference_form() -> None:
    nodes = "a4: {inputs: [P5, P4], fusion: {global_gate: {gate: second, pool: avg}}, op: [conv, norm]}"
    neck = neck_of(nodes, outputs="[a4]")

    fused = neck.fuse()

    assert fused.unfolded == {}
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", ["{channels: 8}", "{}"], ids=["known channels", "unknown channels"])
@pytest.mark.parametrize(
    ("inputs", "has", "hint"),
    [
        ("P4", "one input", "write 'fusion: sum', which does nothing to one map"),
        ("P3, P4, P5", "3 inputs", "join some of them in a node of their own"),
    ],
)
def test_a_global_gate_of_other_than_two_maps_is_an_error_at_check_time(
    inputs: str, has: str, hint: str, channels: str
) -> None:
    graph = f"""\
fpngraph: 1
name: gates
inputs: P(3..5)
defaults: {channels}
nodes:
  a4: {{inputs: [{inputs}], fusion: global_gate}}
outputs: [a4]
"""

    with pytest.raises(GraphError) as raised:
        fpngraph.loads(graph)

    (problem,) = raised.value.problems
    assert (problem.message, problem.hint) == (f"node 'a4': 'global_gate' joins 2 maps, but the node has {has}", hint)
    assert (problem.line, problem.column) == (6, 3)


@pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])
@pytest.mark.parametrize("count", [2, 3])
def test_a_spatial_softmax_weighs_each_pixel_of_each_map(count: int, training: bool) -> None:
    site = Site(norm=BatchNorm(), act=LeakyRelu(slope=0.1))
    module = make("spatial_softmax", hidden=5).build((Feature(3, 4),) * count, site).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    module.train(training)
    maps = [torch.randn(2, 4, 3, 5, dtype=torch.float64, requires_grad=True) for _ in range(count)]

    def equation(maps: Iterable[Tensor]) -> Tensor:
        held, hidden = list(maps), []
        for number, x in enumerate(held):
            conv, norm = module.get_submodule(f"{number}.conv"), module.get_submodule(f"{number}.norm")
            y = torch.einsum("oi,bihw->bohw", conv.weight[:, :, 0, 0], x)
            mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
            if not training:
                mean, var = norm.running_mean, norm.running_var
            mean, scale = mean[:, None, None], (norm.weight / (var + 1e-5).sqrt())[:, None, None]
            y = (y - mean) * scale + norm.bias[:, None, None]
            hidden.append(torch.where(y > 0, y, 0.1 * y))
        weigh = module.get_submodule("weigh")
        scores = torch.einsum("oi,bihw->bohw", weigh.weight[:, :, 0, 0], torch.cat(hidden, 1)).exp()
        scores = scores * weigh.bias.exp()[:, None, None]
        total = sum(scores[:, number, None] * x for number, x in enumerate(held))
        assert isinstance(total, Tensor)
        return total / scores.sum(1, keepdim=True)

    found = []
    for function in (equation, module):
        y = function(x for x in maps)
        found.append([y, *torch.autograd.grad((y * y.detach().cos()).sum(), [*maps, *module.parameters()])])
    torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-10)


def test_a_spatial_softmax_is_folded() -> None:
    neck = neck_of(
        "a4: {inputs: [P5, P4, P3], fusion: {spatial_softmax: {hidden: 4}}, op: [conv, norm]}", outputs="[a4]"
    )
    for module in neck.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    neck.eval()

    fused = neck.fuse()

    assert fused.unfolded == {}
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-4, atol=1e-5)


def test_a_spatial_softmax_of_one_map_is_an_error_at_check_time() -> None:
    with pytest.raises(GraphError, match="'spatial_softmax' weighs maps against each other, but here is one"):
        neck_of("a4: {inputs: [P4], fusion: spatial_softmax}", outputs="[a4]")


def test_an_injection_multiplies_the_first_map_by_the_second_and_adds_the_third() -> None:
    module = make("inject").build(MAPS, Site())
    a, b, c = (torch.randn(2, 4, 3, 5, dtype=torch.float64) for _ in range(3))

    assert torch.equal(module(x for x in (a, b, c)), a * b + c)
    assert make("inject").takes == 3
