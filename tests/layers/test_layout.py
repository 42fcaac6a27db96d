from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fpngraph.layers.layout import channels_last, contiguous, inside, is_channels_last, outside

SHAPES = [(1, 64, 64, 64), (3, 5, 7, 2), (1, 1, 4, 4), (2, 3, 1, 1), (0, 4, 8, 8)]
LAYOUTS = [torch.contiguous_format, torch.channels_last]


def laid_out(shape: tuple[int, ...], layout: torch.memory_format) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(memory_format=layout)


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_another_layout_has_the_same_values(shape: tuple[int, ...], layout: torch.memory_format, grad: bool) -> None:
    x = laid_out(shape, layout).requires_grad_(grad)

    pixels, planes = channels_last(x), contiguous(x)

    assert torch.equal(pixels, x)
    assert torch.equal(planes, x)
    assert pixels.is_contiguous(memory_format=torch.channels_last)
    assert planes.is_contiguous()


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_map_that_is_laid_out_so_already_is_not_copied(layout: torch.memory_format) -> None:
    x = laid_out((2, 3, 4, 5), layout)

    assert (channels_last if is_channels_last(x) else contiguous)(x) is x


def test_a_part_of_a_map_is_laid_out_too() -> None:
    x = laid_out((2, 3, 8, 8), torch.contiguous_format)[..., 1:, ::2]

    assert torch.equal(channels_last(x), x)
    assert channels_last(x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_maps_leave_as_the_caller_lays_them_out(layout: torch.memory_format) -> None:
    x, like = laid_out((2, 3, 4, 5), layout), laid_out((1, 8, 2, 2), layout)

    y = outside(inside(x), like)

    assert y.is_contiguous(memory_format=layout)
    assert torch.equal(y, x)


def test_a_compiled_program_has_no_copies_for_the_sake_of_layout() -> None:
    graphs = []

    def backend(graph: torch.fx.GraphModule, _: object) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    torch.compiler.reset()
    compiled = torch.compile(lambda x: outside(inside(x) * 2, x), backend=backend, fullgraph=True)
    compiled(torch.ones(1, 2, 3, 3))

    assert [node.name for node in graphs[0].graph.nodes if node.op == "call_function"] == ["mul"]


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 3, 1, 1)], ids=["one channel", "one pixel"])
def test_a_map_that_is_in_both_layouts_counts_as_contiguous(shape: tuple[int, ...]) -> None:
    assert not is_channels_last(torch.zeros(shape))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("lay", [channels_last, contiguous])
def test_a_gradient_lies_as_its_map_does(lay: Callable[[Tensor], Tensor], layout: torch.memory_format) -> None:
    x = laid_out((2, 3, 4, 5), layout).requires_grad_()
    seen: list[Tensor] = []
    middle = x * 1
    middle.register_hook(seen.append)  # type: ignore[no-untyped-call]  # torch has no hints for it
    other = LAYOUTS[1 - LAYOUTS.index(layout)]

    lay(middle).backward(laid_out((2, 3, 4, 5), other))  # type: ignore[no-untyped-call]  # as above

    assert x.grad is not None
    assert torch.equal(x.grad, laid_out((2, 3, 4, 5), other))
    assert seen[0].is_contiguous(memory_format=layout) or lay(x) is x
