from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from fpngraph.feature import Feature, Padding, Size
from fpngraph.layers.node import Edge
from fpngraph.layers.resample.carafe import Carafe
from fpngraph.layers.resample.deconv import Deconv
from fpngraph.layers.resample.interpolate import Interpolate
from fpngraph.layers.resample.pool import AvgPool, MaxPool
from fpngraph.layers.resample.shuffle import PixelShuffle
from fpngraph.ops import Site
from fpngraph.ops.resample.pool import AvgPool as AvgPoolOp
from fpngraph.ops.resample.pool import MaxPool as MaxPoolOp
from tests.traces import trace

PADDINGS: tuple[Padding, ...] = ("symmetric", "same")


class Calls(TorchDispatchMode):
    """Records the names of the operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def calls(module: nn.Module, x: Tensor, size: tuple[int, int]) -> list[str]:
    with Calls() as recorded:
        module(x, size)
    return recorded.names


def pads(n: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Before and after, written from the definitions: enough for ceil(n / stride) windows."""
    total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
    before = (kernel - 1) // 2 if padding == "symmetric" else total // 2
    return before, max(total - before, 0)


def reference(x: Tensor, kernel: int, stride: int, padding: Padding, pool: type[nn.Module]) -> Tensor:
    rows, columns = (pads(n, kernel, stride, padding) for n in x.shape[-2:])
    padded = F.pad(x, (*columns, *rows), value=float("-inf") if pool is MaxPool else 0.0)
    return F.max_pool2d(padded, kernel, stride) if pool is MaxPool else F.avg_pool2d(padded, kernel, stride)


def result_size(x: Tensor, stride: int) -> tuple[int, int]:
    return -(-x.shape[2] // stride), -(-x.shape[3] // stride)


@pytest.mark.slow
@pytest.mark.parametrize("pool", [MaxPool, AvgPool])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_pools_equal_an_explicit_pad_and_pool(
    pool: type[MaxPool | AvgPool], padding: Padding, stride: int, kernel: int
) -> None:
    module = pool(kernel, stride, padding)
    grid = torch.randn(1, 2, 20, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    for height, width in product(range(1, 21), repeat=2):
        x = grid[..., :height, :width]
        if (height, width) == (1, 1):
            continue
        torch.testing.assert_close(
            module(x, result_size(x, stride)), reference(x, kernel, stride, padding, pool), rtol=1e-14, atol=1e-14
        )


@pytest.mark.parametrize("pool", [MaxPool, AvgPool])
@pytest.mark.parametrize("padding", PADDINGS)
def test_pools_have_the_gradient_of_an_explicit_pad_and_pool(pool: type[MaxPool | AvgPool], padding: Padding) -> None:
    for height, width in ((7, 8), (8, 7), (8, 8), (7, 7)):
        x = torch.randn(2, 3, height, width, dtype=torch.float64, requires_grad=True)

        (found,) = torch.autograd.grad(pool(3, 2, padding)(x, (4, 4)).square().sum(), x)
        (expected,) = torch.autograd.grad(reference(x, 3, 2, padding, pool).square().sum(), x)

        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("pool", [MaxPool, AvgPool])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("stride", [2, 4, 8])
def test_pools_with_the_default_window_do_not_copy_their_input(
    pool: type[MaxPool | AvgPool], padding: Padding, stride: int
) -> None:
    module = pool(stride + 1, stride, padding)

    for n in range(2, 30):
        x = torch.randn(1, 1, n, n)
        names = calls(module, x, result_size(x, stride))
        assert names == ["max_pool2d_with_indices" if pool is MaxPool else "avg_pool2d"], n


@pytest.mark.parametrize(
    ("height", "width", "copies"),
    [(7, 7, False), (5, 5, False), (7, 5, True)],
    ids=["floor mode fits", "ceil mode fits", "no mode fits both"],
)
def test_pools_copy_their_input_only_where_no_mode_fits_both_axes(height: int, width: int, copies: bool) -> None:
    names = calls(MaxPool(6, 4, "symmetric"), torch.randn(1, 1, height, width), (2, 2))

    assert names == ["constant_pad_nd"] * copies + ["max_pool2d_with_indices"]


def test_average_counts_padding() -> None:
    y = AvgPool(3, 2, "symmetric")(torch.ones(1, 1, 3, 3), (2, 2))

    assert torch.equal(y, torch.full((1, 1, 2, 2), 4 / 9))


def test_maximum_ignores_padding() -> None:
    x = torch.full((1, 1, 4, 4), -5.0)

    assert torch.equal(MaxPool(3, 2, "same")(x, (2, 2)), torch.full((1, 1, 2, 2), -5.0))


@pytest.mark.parametrize(
    "module",
    [MaxPool(3, 2, "same"), AvgPool(3, 2, "same"), Interpolate("nearest"), Interpolate("bilinear")],
    ids=["max", "avg", "nearest", "bilinear"],
)
def test_a_map_of_the_size_wanted_comes_back_as_it_is(module: nn.Module) -> None:
    x = torch.randn(2, 3, 1, 1)

    assert module(x, (1, 1)) is x


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(13, 7), (3, 20), (5, 5)])
def test_interpolation_goes_straight_to_the_size(mode: Any, size: tuple[int, int]) -> None:
    x = torch.randn(1, 2, 7, 4)

    y = Interpolate(mode)(x, size)

    corners = {} if mode == "nearest" else {"align_corners": False}
    assert torch.equal(y, F.interpolate(x, size=size, mode=mode, **corners))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("ratio", [2, 4, 8])
@pytest.mark.parametrize("op", [MaxPoolOp, AvgPoolOp])
def test_windows_of_the_ratio_lie_side_by_side_from_the_first_pixel_on(
    op: type[MaxPoolOp | AvgPoolOp], ratio: int, padding: Padding
) -> None:
    module = op(kernel="ratio").build((Feature(2, 3),), Site(ratio=ratio, padding=padding))
    pool = F.max_pool2d if op is MaxPoolOp else F.avg_pool2d

    for height, width in ((16, 24), (17, 9), (13, 16), (3, 2)):
        x = torch.randn(2, 3, height, width, dtype=torch.float64)
        rows, columns = -height % ratio, -width % ratio
        beyond = F.pad(x, (0, columns, 0, rows), value=float("-inf") if op is MaxPoolOp else 0.0)
        there = F.pad(torch.ones_like(x), (0, columns, 0, rows))
        counted = 1 if op is MaxPoolOp else F.avg_pool2d(there, ratio, ratio)
        expected = pool(beyond, ratio, ratio) / counted
        torch.testing.assert_close(module(x, result_size(x, ratio)), expected, rtol=0, atol=1e-14)


def test_a_window_of_a_number_of_pixels_keeps_its_padding() -> None:
    x = torch.randn(1, 1, 8, 8)

    by_number = AvgPoolOp(kernel=4).build((Feature(2, 1),), Site(ratio=4))(x, (2, 2))

    torch.testing.assert_close(by_number, reference(x, 4, 4, "symmetric", AvgPool))
    assert not torch.allclose(by_number, F.avg_pool2d(x, 4, 4))


class Halved(nn.Module):
    """A pool with the size worked out, as a whole graph does it."""

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pool(x, ((x.shape[2] - 1) // 2 + 1, (x.shape[3] - 1) // 2 + 1))
        return y


@pytest.mark.exports
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("pool", [MaxPool, AvgPool])
def test_a_program_compiled_for_dynamic_sizes_serves_even_and_odd_ones(
    pool: type[MaxPool | AvgPool], padding: Padding
) -> None:
    graphs = []

    def backend(graph: torch.fx.GraphModule, _: object) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    torch.compiler.reset()
    module = Halved(pool(3, 2, padding))
    compiled = torch.compile(module, backend=backend, fullgraph=True, dynamic=True)

    for size in ((8, 10), (7, 8), (9, 9), (13, 5), (32, 31)):
        x = torch.randn(2, 3, *size)
        torch.testing.assert_close(compiled(x), module(x))
    assert len(graphs) == 1


def test_a_program_compiled_for_one_size_pools_without_a_copy() -> None:
    program = torch.export.export(Halved(MaxPool(3, 2, "same")), (torch.randn(2, 3, 8, 7),))

    assert "pad" not in program.graph_module.code


def test_a_last_window_that_torch_drops_costs_no_copy() -> None:
    names = calls(MaxPool(3, 4, "same"), torch.randn(1, 1, 4, 6), (1, 2))

    assert names == ["max_pool2d_with_indices"]


def test_a_deconvolution_makes_a_square_of_every_pixel() -> None:
    module = Deconv(1, 1, ratio=2, bias=False)
    module.weight.data = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])

    y = module(torch.tensor([[[[1.0, 10.0]]]]), (2, 4))

    assert y.tolist() == [[[[1.0, 2.0, 10.0, 20.0], [3.0, 4.0, 30.0, 40.0]]]]


UPS = [
    pytest.param(lambda: Deconv(12, 4, ratio=2), id="deconv"),
    pytest.param(lambda: PixelShuffle(2), id="pixel_shuffle"),
    pytest.param(lambda: Carafe(12, 2, kernel=3, encoder=3, compressed=4), id="carafe"),
]


@pytest.mark.parametrize("up", UPS)
def test_an_edge_leaves_the_last_pixels_out_for_an_odd_size(up: Callable[[], nn.Module]) -> None:
    module, x = up(), torch.randn(1, 12, 5, 4)

    y = Edge({"up": module}, resampler="up")(x, Size(9, 7))

    assert torch.equal(y, module(x, (10, 8))[..., :9, :7])


@pytest.mark.parametrize("up", [pytest.param(lambda: Interpolate("nearest"), id="nearest"), *UPS])
def test_a_traced_edge_goes_to_the_size_once(up: Callable[[], nn.Module]) -> None:
    class Finer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.edge = Edge({"up": up()}, resampler="up")

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.edge(x, Size(2 * x.shape[-2], 2 * x.shape[-1]))
            return y

    traced = trace(Finer(), torch.randn(1, 12, 5, 4))

    kinds = [node.kind() for node in traced.inlined_graph.nodes()]
    assert kinds.count("aten::upsample_nearest2d") == 1


@pytest.mark.parametrize("pool", [AvgPool(3, 2, "symmetric"), AvgPool(3, 2, "same"), AvgPool(4, 4, "after")], ids=str)
def test_a_traced_average_keeps_a_map_of_one_pixel_as_it_is(pool: AvgPool) -> None:
    class Coarser(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = pool(x, [(side - 1) // pool.stride + 1 for side in x.shape[-2:]])
            return y

    halved = Coarser()
    traced = trace(halved, torch.randn(1, 2, 16, 12))

    for height, width in ((1, 1), (7, 5), (1, 6), (32, 32)):
        x = torch.randn(2, 2, height, width)
        torch.testing.assert_close(traced(x), halved(x))
