"""What becomes of an operator's module in torch's hands: other types and layouts, gradients, compilers, tracers."""

from __future__ import annotations

import copy

import torch
from packaging.version import Version
from torch import Tensor, nn

from fpngraph.feature import Feature, Size
from fpngraph.layers.layout import takes_any
from fpngraph.ops import Operator, Site, Up
from fpngraph.ops.conv import Conv
from tests.ops.cases import Case
from tests.ops.contract import Sized, call, example_maps, random_maps
from tests.traces import onnx_session, trace

ROUGHLY = {torch.float32: 1e-5, torch.bfloat16: 0.1}


def torch_fails(case: Case) -> bool:
    """Whether torch itself fails at a convolution of such maps in bfloat16, here on a processor with AVX-512.

    ``nn.Conv2d(4, 3, 3, stride=2, padding=1)`` of 9x1 pixels reads what is not the map: numbers of any size, or none
    (torch 2.8 to 2.14). torch 2.8 ends the process at ``nn.Conv2d(6, 6, 4, dilation=4, padding="same")`` of 1x7 pixels.
    """
    op = case.op
    dilated = isinstance(op, Conv) and op.kernel % 2 == 0 and op.dilation > 1
    return min(case.size_in) < 3 or (dilated and Version(torch.__version__) < Version("2.9"))


def ready(case: Case) -> nn.Module:
    """The module of a case in eval mode and float64, with weights and statistics that are no defaults."""
    torch.manual_seed(0)
    module = case.op.made(case.inputs, case.site).double().eval()
    with torch.no_grad():
        for name, value in (*module.named_parameters(), *module.named_buffers()):
            if value.is_floating_point():
                value.uniform_(0.5, 1.5) if "running" in name else value.uniform_(-0.5, 0.5)
    return module


def assert_keeps_types(case: Case) -> None:
    """In single precision and in bfloat16 it gives maps of that type, which are about those in double precision."""
    maps = random_maps(case.inputs, case.size_in)
    module = ready(case)
    expected = call(case, module, maps)
    for dtype, tolerance in ROUGHLY.items():
        if dtype == torch.bfloat16 and torch_fails(case):
            continue
        y = call(case, copy.deepcopy(module).to(dtype), [x.to(dtype) for x in maps])

        assert y.dtype == dtype
        assert (y.double() - expected).abs().max() <= tolerance * expected.abs().max().clamp(min=1)


def assert_takes_layouts(case: Case) -> None:
    """Maps that lie pixel by pixel, or as no map lies, give the same, where it says that it takes any."""
    module = ready(case)
    maps = random_maps(case.inputs, case.size_in)
    expected = call(case, module, maps)
    if takes_any(module):
        for laid_out in (_pixel_by_pixel, _with_gaps):
            given = [laid_out(x) for x in maps]
            torch.testing.assert_close(call(case, module, given), expected, rtol=1e-12, atol=1e-12)
            assert all(torch.equal(x, y) for x, y in zip(given, maps, strict=True))


def _pixel_by_pixel(x: Tensor) -> Tensor:
    return x.to(memory_format=torch.channels_last)


def _with_gaps(x: Tensor) -> Tensor:
    wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], x.shape[3] + 1)[:, :, ::2, 1:]
    return wide.copy_(x)


def assert_has_gradients(case: Case) -> None:
    """Gradients of maps and weights are those of finite differences."""
    module = ready(case)
    weights = {name: value.detach() for name, value in module.named_parameters()}
    maps = [x.requires_grad_() for x in random_maps(case.inputs, case.size_in, 1)]
    values = [value.requires_grad_() for value in weights.values()]

    def run(*given: Tensor) -> Tensor:
        own = dict(zip(weights, given[len(maps) :], strict=True))
        called = _Called(case, module)
        named = {f"module.{name}": value for name, value in own.items()}
        result: Tensor = torch.func.functional_call(called, named, given[: len(maps)])
        return result

    assert torch.autograd.gradcheck(run, (*maps, *values), fast_mode=True)


class _Called(nn.Module):
    def __init__(self, case: Case, module: nn.Module) -> None:
        super().__init__()
        self.case, self.module = case, module

    def forward(self, *maps: Tensor) -> Tensor:
        return call(self.case, self.module, maps)


def assert_compiles_whole(op: Operator, inputs: tuple[Feature, ...], site: Site) -> None:
    """torch.compile takes it as one graph."""
    module = Sized(op, inputs, site).double().eval()
    given = example_maps(op, inputs, Size(6, 8), 2)
    torch.compiler.reset()  # of what the operators before have left, which all are called by one forward

    compiled = torch.compile(module, fullgraph=True, backend="eager")

    torch.testing.assert_close(compiled(*given), module(*given), rtol=1e-12, atol=1e-12)


def assert_is_traced(op: Operator, inputs: tuple[Feature, ...], site: Site) -> None:
    """What torch.jit.trace records is right for other sizes and batches."""
    module = Sized(op, inputs, site).double().eval()

    traced = trace(module, *example_maps(op, inputs, Size(16, 24), 2))

    for size in ((19, 31), (33, 14)):
        given = example_maps(op, inputs, Size(*size), 3)
        torch.testing.assert_close(traced(*given), module(*given), rtol=1e-12, atol=1e-12)


def assert_is_written_as_onnx(op: Operator, inputs: tuple[Feature, ...], site: Site, *, modern: bool) -> None:
    """ONNX Runtime computes the same from the file of one of torch's exporters, at another size."""
    module = Sized(op, inputs, site).eval()
    maps, like = example_maps(op, inputs, Size(16, 24), 2)
    names = [f"x{place}" for place in range(len(maps))]
    example = ([x.float() for x in maps], like.float())

    session = onnx_session(module, example, [*names, "like"], ["y"], modern=modern)

    maps, like = example_maps(op, inputs, Size(19, 31), 3)
    given = dict(zip([*names, "like"], (*maps, like), strict=True))
    (y,) = session.run(None, {it.name: given[it.name].float().numpy() for it in session.get_inputs()})
    expected = module([x.float() for x in maps], like.float())
    assert isinstance(op, Up) or expected.shape[-2:] == maps[0].shape[-2:] or site.ratio > 1
    torch.testing.assert_close(torch.as_tensor(y), expected, rtol=1e-4, atol=1e-4)
