"""A weighted sum multiplies a map before its pixels are repeated: equal numbers, and the large map is not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from fpngraph.feature import Size
from fpngraph.layers.fusion.weighted import FastNormalized, Softmax, Unbounded, Weighted
from fpngraph.layers.layout import let_any
from fpngraph.layers.node import Edge, Node
from fpngraph.layers.resample.interpolate import Interpolate
from tests.traces import trace

FUSIONS = [Unbounded, Softmax, FastNormalized]
SIZE = Size(7, 9)


class OfSize(nn.Module):
    """A node with the size that it is called with."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node

    def forward(self, *given: Tensor) -> Any:
        return self.node(SIZE, *given)


class Own(Unbounded):
    """A fusion of a plugin, which reads its maps in its own way."""

    def forward(self, maps: Any) -> Tensor:
        return torch.stack([x.clamp(min=0) for x in maps]).sum(0)


def node(fusion: Weighted, mode: Any = "nearest", *, first: bool = False) -> Node:
    """Of a map that has the size and one that is resampled, which may come first."""
    edges = {"lateral": Edge(), "top": Edge({"up": let(Interpolate(mode))}, resampler="up")}
    torch.manual_seed(0)
    nn.init.uniform_(fusion.weight, 0.2, 1.5)
    return Node(dict(reversed(edges.items())) if first else edges, let(fusion)).double()


def let(module: Any) -> Any:
    let_any(module)
    return module


def maps(*sizes: tuple[int, int]) -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(2, 3, *size, dtype=torch.float64).requires_grad_() for size in sizes]


def large(made: Node, given: list[Tensor], size: Size = SIZE) -> int:
    """How many maps of ``size`` autograd keeps that are not given."""
    given = [x.detach().contiguous(memory_format=torch.channels_last).requires_grad_() for x in given]
    kept: dict[int, Tensor] = {}
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.setdefault(x.data_ptr(), x), lambda x: x):
        made(size, *given)
    own = {x.data_ptr() for x in given}
    return sum(x.shape[-2:] == tuple(size) for key, x in kept.items() if key not in own)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("small", [(4, 5), (1, 1), (7, 9), (2, 9)])
def test_results_and_gradients_are_those_of_the_large_map(
    fusion: type[Weighted], small: tuple[int, int], first: bool
) -> None:
    made = node(fusion(2), first=first)
    given = maps(small, SIZE) if first else maps(SIZE, small)
    leaves = [*given, made.fusion.weight]

    found = made(SIZE, *given)
    brought = [nn.functional.interpolate(x, tuple(SIZE), mode="nearest") for x in given]
    expected = sum(x * factor for x, factor in zip(brought, made.fusion.factors(), strict=True))

    torch.testing.assert_close(found, expected)
    gradient = torch.randn_like(found)
    torch.testing.assert_close(
        torch.autograd.grad(found, leaves, gradient), torch.autograd.grad(expected, leaves, gradient)
    )


def test_gradients_have_gradients() -> None:
    made = node(FastNormalized(2))

    assert torch.autograd.gradgradcheck(lambda *given: made(SIZE, *given), maps(SIZE, (4, 5)))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_large_map_is_not_kept(fusion: type[Weighted]) -> None:
    assert large(node(fusion(2)), maps(SIZE, (4, 5))) == 0


def test_in_eval_mode_the_large_map_is_multiplied_in_one_step_with_the_sum() -> None:
    assert large(node(Unbounded(2)).eval(), maps(SIZE, (4, 5))) == 1


def test_a_map_that_shrinks_is_multiplied_afterwards() -> None:
    made, given = node(Softmax(2)), maps((3, 4), SIZE)

    assert large(made, given, Size(3, 4)) == 1


def test_bilinear_pixels_are_multiplied_afterwards_too() -> None:
    assert large(node(Softmax(2), "bilinear"), maps(SIZE, (4, 5))) == 1


def test_what_is_traced_multiplies_large_maps_as_the_paper_writes_it() -> None:
    traced = trace(OfSize(node(Softmax(2))), *maps(SIZE, (4, 5)))

    assert str(traced.inlined_graph).index("upsample_nearest2d") < str(traced.inlined_graph).index("addcmul_")


def hooked(module: nn.Module, seen: list[Tensor]) -> None:
    module.register_forward_hook(lambda _module, _given, y: seen.append(y))


def looked_at_first(module: nn.Module, seen: list[Tensor]) -> None:
    module.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))


def called_otherwise(module: nn.Module, seen: list[Tensor]) -> None:
    forward = module.forward

    def other(x: Tensor, size: Size) -> Tensor:
        seen.append(x)
        return forward(x, size)

    vars(module)["forward"] = other


@pytest.mark.parametrize("watch", [hooked, looked_at_first, called_otherwise])
@pytest.mark.parametrize("path", ["edges.top", "edges.top.up"])
def test_who_looks_at_an_edge_sees_the_map_and_not_its_product(
    watch: Callable[[nn.Module, list[Tensor]], None], path: str
) -> None:
    made, given, seen = node(FastNormalized(2)), maps(SIZE, (4, 5)), []
    watch(made.get_submodule(path), seen)

    made(SIZE, *given)

    (x,) = seen
    torch.testing.assert_close(x, nn.functional.interpolate(given[1], tuple(x.shape[-2:])))


@pytest.mark.parametrize("path", ["edges.top", "edges.top.up"])
def test_a_hook_on_gradients_sees_those_of_the_map(path: str) -> None:
    made, given, seen = node(Unbounded(2)), maps(SIZE, (4, 5)), []
    made.get_submodule(path).register_full_backward_hook(lambda _module, _into, out: seen.append(out[0]))

    made(SIZE, *given).sum().backward()

    (gradient,) = seen
    torch.testing.assert_close(gradient, made.fusion.weight[1].expand(2, 3, *SIZE))


def test_a_hook_on_every_module_sees_the_map() -> None:
    made, given, seen = node(FastNormalized(2)), maps(SIZE, (4, 5)), {}
    hook = register_module_forward_hook(lambda module, _given, y: seen.update({type(module).__name__: y}))
    try:
        made(SIZE, *given)
    finally:
        hook.remove()

    torch.testing.assert_close(seen["Interpolate"], nn.functional.interpolate(given[1], tuple(SIZE)))


def test_a_fusion_that_reads_maps_in_its_own_way_gets_them() -> None:
    given = maps(SIZE, (4, 5))
    expected = given[0].clamp(min=0) + nn.functional.interpolate(given[1], tuple(SIZE)).clamp(min=0)
    replaced = node(Unbounded(2))
    vars(replaced.fusion)["forward"] = lambda brought: torch.stack([x.clamp(min=0) for x in brought]).sum(0)

    torch.testing.assert_close(node(Own(2))(SIZE, *given), expected)
    torch.testing.assert_close(replaced(SIZE, *given), expected)
