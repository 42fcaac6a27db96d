"""Layers that hold layers: what they mean, which channels they have, what their tensors are called."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import fpngraph
from fpngraph.ops.reading import MAX_DEPTH, MAX_LAYERS
from tests.necks import randomised

CHANNELS = 8


def graph(op: str, *, more: str = "", channels: int | None = CHANNELS) -> fpngraph.Graph:
    """A graph of one node that takes one map and then does ``op``."""
    said = "" if channels is None else f", channels: {channels}"
    text = f"fpngraph: 1\nname: one\n{more}inputs: P(3..3)\nnodes: {{a3: {{inputs: [P3], op: {op}{said}}}}}\n"
    return fpngraph.loads(text + "outputs: a3\n")


def neck(op: str, *, takes: int = CHANNELS, **said: Any) -> fpngraph.Neck:
    return randomised(fpngraph.build(graph(op, **said), [takes])).double()


def layers_of(op: str, **said: Any) -> nn.Module:
    """The module of the node's ``op``."""
    return neck(op, **said).get_submodule("a3.op")


def keys(op: str, **said: Any) -> list[str]:
    """The names of convolutions and norms in the state dict below the node's ``op``."""
    names = [name for name, _ in layers_of(op, **said).named_parameters()]
    return [name.removesuffix(".weight") for name in names if name.endswith(".weight")]


def widths(op: str, **said: Any) -> dict[str, tuple[int, int]]:
    """The channels that each convolution takes and gives."""
    found = layers_of(op, **said).named_modules()
    return {name: (part.in_channels, part.out_channels) for name, part in found if isinstance(part, nn.Conv2d)}


X = torch.randn(2, CHANNELS, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def conv(op: nn.Module, path: str, x: Tensor) -> Tensor:
    """The convolution at a path, by torch alone."""
    state = op.state_dict()
    weight = state[f"{path}.weight"]
    return F.conv2d(x, weight, state.get(f"{path}.bias"), padding=weight.shape[-1] // 2)


def norm(op: nn.Module, path: str, x: Tensor) -> Tensor:
    state = op.state_dict()
    values = (state[f"{path}.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *values)


def residual(op: nn.Module, x: Tensor) -> Tensor:
    y = F.relu(norm(op, "residual.norm", conv(op, "residual.conv", x)))
    return x + norm(op, "residual.norm_2", conv(op, "residual.conv_2", y))


def repvgg(op: nn.Module, x: Tensor) -> Tensor:
    wide = norm(op, "sum.0.norm", conv(op, "sum.0.conv", x))
    return wide + norm(op, "sum.1.norm", conv(op, "sum.1.conv", x)) + norm(op, "sum.2.norm", x)


def csp(op: nn.Module, x: Tensor) -> Tensor:
    found = [x[:, :4], x[:, 4:]]
    for run in range(3):
        found.append(F.relu(conv(op, f"concat.1.repeat.{run}.conv", found[-1])))
    return conv(op, "conv", torch.cat(found, dim=1))


def last(op: nn.Module, x: Tensor) -> Tensor:
    return conv(op, "repeat.1.conv", conv(op, "repeat.0.conv", x))


NARROW = "{conv: {channels: 4}}"
MEANINGS = [
    pytest.param("[{residual: [conv, norm, act, conv, norm]}]", residual, id="residual"),
    pytest.param("[{sum: [[conv, norm], [{conv: {kernel: 1}}, norm], [norm]]}]", repvgg, id="sum"),
    pytest.param(
        f"[{{concat: [[{{slice: {{index: 0}}}}], [{{slice: {{index: 1}}}}, {{repeat: {{times: 3, keep: all, "
        f"layers: [{NARROW}, act]}}}}]]}}, {{conv: {{kernel: 1}}}}]",
        csp,
        id="concat, slice and repeat",
    ),
    pytest.param("[{repeat: {times: 2, layers: [conv]}}]", last, id="repeat"),
    pytest.param("[{residual: []}]", lambda op, x: 2 * x, id="residual of no layers"),
    pytest.param("[{sum: [[], [act], []]}]", lambda op, x: 2 * x + F.relu(x), id="[] is the map itself"),
    pytest.param("[{repeat: {times: 0, layers: [conv]}}]", lambda op, x: x, id="never"),
    pytest.param("[{repeat: {times: 0, keep: all, layers: [conv]}}]", lambda op, x: x, id="never, all kept"),
    pytest.param(
        "[{concat: [[{slice: {index: 3, parts: 4}}], [{slice: {start: 1, channels: 6}}]]}]",
        lambda op, x: torch.cat([x[:, 6:], x[:, 1:7]], dim=1),
        id="slices",
    ),
]


@pytest.mark.parametrize(("op", "expected"), MEANINGS)
def test_a_composite_is_its_equation(op: str, expected: Any) -> None:
    module = neck(op)

    with torch.no_grad():
        (y,) = module([X])

    torch.testing.assert_close(y, expected(module.get_submodule("a3.op"), X), rtol=1e-12, atol=1e-12)


KEYS = [
    pytest.param(
        "[{residual: [conv, norm, act, conv, norm]}, {residual: [conv]}]",
        ["residual.conv", "residual.norm", "residual.conv_2", "residual.norm_2", "residual_2.conv"],
        id="a residual's layers directly",
    ),
    pytest.param("[{sum: [[conv], [], [{conv: {kernel: 1}}]]}]", ["sum.0.conv", "sum.2.conv"], id="branches of a sum"),
    pytest.param(
        f"[{{concat: [[{{slice: {{index: 0}}}}], [{NARROW}]]}}]", ["concat.1.conv"], id="branches of a concat"
    ),
    pytest.param(
        "[{repeat: {times: 2, layers: [conv, {residual: [norm]}]}}]",
        ["repeat.0.conv", "repeat.0.residual.norm", "repeat.1.conv", "repeat.1.residual.norm"],
        id="runs by index",
    ),
    pytest.param("[[conv, [norm]], [[]], conv]", ["conv", "norm", "conv_2"], id="a list in a list is not there"),
]


@pytest.mark.parametrize(("op", "expected"), KEYS)
def test_tensors_are_called_by_the_layers_that_hold_them(op: str, expected: list[str]) -> None:
    assert keys(op) == expected


def test_lists_in_lists_stand_for_their_layers_so_that_anchors_and_parameters_compose() -> None:
    more = "params: {one: [{conv: {kernel: 1}}, norm, act], three: [conv, norm]}\n"

    found = graph("[$one, [$three, [act]], {residual: [$three, $three]}]", more=more)

    assert found == graph("[{conv: {kernel: 1}}, norm, act, conv, norm, act, {residual: [conv, norm, conv, norm]}]")


def test_anchors_compose() -> None:
    text = """
fpngraph: 1
name: one
params:
  one: &one [{conv: {kernel: 1}}, norm]
  both: [*one, act, *one]
inputs: P(3..3)
nodes: {a3: {inputs: [P3], channels: 8, op: $both}}
outputs: a3
"""

    assert fpngraph.loads(text) == graph("[{conv: {kernel: 1}}, norm, act, {conv: {kernel: 1}}, norm]")


WIDTHS = [
    pytest.param("[{residual: [conv, {conv: {channels: 16}}, {conv: {channels: 6}}]}, conv]", 6,
                 {"residual.conv": (6, 6), "residual.conv_2": (6, 16), "residual.conv_3": (16, 6), "conv": (6, 8)},
                 id="in a residual those that come in, else the node's"),
    pytest.param("[{concat: [[conv], [{conv: {channels: 3}}]]}, conv]", 6,
                 {"concat.0.conv": (6, 8), "concat.1.conv": (6, 3), "conv": (11, 8)}, id="in a concat the node's"),
    pytest.param("[{repeat: {times: 2, layers: [conv]}}]", 6,
                 {"repeat.0.conv": (6, 8), "repeat.1.conv": (8, 8)}, id="in a repeat the node's"),
    pytest.param("[{residual: [{repeat: {times: 1, layers: [conv]}}, {conv: {channels: 6}}]}, conv]", 6,
                 {"residual.repeat.0.conv": (6, 8), "residual.conv": (8, 6), "conv": (6, 8)},
                 id="in a composite in a residual the node's again"),
    pytest.param("[{residual: [{conv: {channels: 4}}, {residual: [conv]}, conv]}, conv]", 6,
                 {"residual.conv": (6, 4), "residual.residual.conv": (4, 4), "residual.conv_2": (4, 6), "conv": (6, 8)},
                 id="in a residual in a residual those that come in there"),
    pytest.param("[{residual: [{residual: [{sum: [[conv], [conv]]}, {conv: {channels: 6}}]}]}, conv]", 6,
                 {"residual.residual.sum.0.conv": (6, 8), "residual.residual.sum.1.conv": (6, 8),
                  "residual.residual.conv": (8, 6), "conv": (6, 8)}, id="through two residuals"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "takes", "expected"), WIDTHS)
def test_a_convolution_inside_has_the_channels_of_its_place(
    op: str, takes: int, expected: dict[str, tuple[int, int]]
) -> None:
    settings = "resample: {project: never}"
    text = f"fpngraph: 1\nname: one\ndefaults: {{{settings}}}\ninputs: P(3..3)\n"
    text += f"nodes: {{a3: {{inputs: [P3], fusion: concat, channels: 8, op: {op}}}}}\noutputs: a3\n"
    found = fpngraph.build(fpngraph.loads(text), [takes]).get_submodule("a3.op").named_modules()

    assert {
        name: (part.in_channels, part.out_channels) for name, part in found if isinstance(part, nn.Conv2d)
    } == expected


def test_without_channels_of_the_node_a_residual_has_those_that_come_in_and_others_have_to_say_them() -> None:
    assert widths("[{residual: [conv, {residual: [conv]}]}]", channels=None) == {
        "residual.conv": (8, 8),
        "residual.residual.conv": (8, 8),
    }
    with pytest.raises(fpngraph.GraphError) as caught:
        layers_of("[{residual: [{sum: [[conv], []]}]}]", channels=None)
    assert caught.value.problems[0].message == "node 'a3': 'conv' in 'residual.sum.0' needs a number of channels"


def test_a_bias_looks_at_the_next_layer_of_its_own_list() -> None:
    module = layers_of("[conv, {residual: [norm, conv]}, norm, [conv], norm, {sum: [[conv, act], [conv, norm]]}, norm]")

    with_bias = [name for name, part in module.named_modules() if isinstance(part, nn.Conv2d) and part.bias is not None]

    assert with_bias == ["conv", "residual.conv", "sum.0.conv"]


def test_words_are_the_nodes_own_however_deep() -> None:
    more = "defaults: {norm: {group_norm: {groups: 2}}, act: {leaky_relu: {slope: 0.3}}}\n"
    module = layers_of("[{residual: [{sum: [[norm], [{repeat: {times: 1, layers: [act]}}]]}]}]", more=more)

    kinds = {name: type(part).__name__ for name, part in module.named_modules() if not list(part.children())}

    assert kinds == {"residual.sum.0.norm": "GroupNorm", "residual.sum.1.repeat.0.act": "LeakyReLU"}


def test_each_run_has_weights_of_its_own_and_so_has_each_use_of_a_list() -> None:
    module = neck("[{repeat: {times: 3, layers: [{conv: {kernel: 1}}]}}, {sum: [[conv], [conv]]}]")

    tensors = {parameter.data_ptr() for parameter in module.parameters()}

    assert len(tensors) == 10


def nested(depth: int) -> str:
    return "[" + "{residual: [" * depth + "]}" * depth + "]"


def test_eight_may_hold_each_other_and_a_hundred_layers_may_stand_in_a_list() -> None:
    assert graph(nested(MAX_DEPTH))
    assert graph(f"[{{repeat: {{times: {MAX_LAYERS - 1}, layers: [act]}}}}]")
    for op in (nested(MAX_DEPTH + 1), f"[{{repeat: {{times: {MAX_LAYERS}, layers: [act]}}}}]"):
        with pytest.raises(fpngraph.GraphError):
            graph(op)


@pytest.mark.parametrize("op", [op.values[0] for op in MEANINGS])
def test_parameters_and_macs_are_those_of_the_module(op: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    built = neck(op)
    found = fpngraph.cost(built.source_graph, [CHANNELS], (40, 48))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        built([X[:1]])

    assert found.unknown == {}
    assert found.parameters == sum(parameter.numel() for parameter in built.parameters())
    assert found.macs == counter.get_total_flops() / 2
