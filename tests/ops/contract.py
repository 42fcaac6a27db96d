"""What every operator promises, checked on one case: for the operators of the package and for anybody's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fpngraph.feature import Feature, Size
from fpngraph.ops import Down, Fusion, Init, Operator, Resampler, Site, Up
from tests.ops.cases import Case

BATCH = 2


def assert_keeps_contract(case: Case) -> None:
    """The built module does what ``infer`` and ``cost`` say, and writes to nothing that it was given."""
    torch.manual_seed(0)
    module = case.op.build(case.inputs, case.site).double()
    maps = random_maps(case.inputs, case.size_in)
    copies = [x.clone() for x in maps]
    versions = [x._version for x in maps]
    # torch counts no products in the CPU's own kernel for attention
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        result = call(case, module, maps)
    kept = result.detach().clone()

    assert tuple(result.shape) == (BATCH, case.op.infer(case.inputs, case.site).channels, *case.size_out)
    cost = case.op.cost(case.inputs, case.site, case.size_in, case.size_out)
    assert cost.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert cost.macs == counter.get_total_flops() / 2 / BATCH
    assert [x._version for x in maps] == versions, "an input was written to"
    assert all(torch.equal(x, copy) for x, copy in zip(maps, copies, strict=True)), "an input was changed"
    call(case, module, random_maps(case.inputs, case.size_in))
    assert torch.equal(result, kept), "a second call changed the result of the first"


def assert_levels_follow(case: Case) -> None:
    """``infer`` moves the level by the ratio of a resampler, and by nothing else."""
    octaves = case.site.ratio.bit_length() - 1
    expected = case.inputs[0].level + octaves * (isinstance(case.op, Down) - isinstance(case.op, Up))
    assert case.op.infer(case.inputs, case.site).level == expected


def assert_exports(op: Operator, inputs: tuple[Feature, ...], site: Site, sizes: Iterable[tuple[int, int]]) -> None:
    """A program exported with dynamic batch, height and width gives the same as the module at other ``sizes``."""
    torch.manual_seed(0)
    module = Sized(op, inputs, site).double().eval()
    batch = Dim("batch")
    moved = {0: batch, 2: Dim("height", min=site.ratio + 1), 3: Dim("width", min=site.ratio + 1)}
    wanted = {0: batch, 2: Dim("rows", min=2), 3: Dim("columns", min=2)} if isinstance(op, Up) else moved
    example = example_maps(op, inputs, Size(16, 24), BATCH)
    program = torch.export.export(module, example, dynamic_shapes=([moved] * len(inputs), wanted)).module()

    for size in sizes:
        maps, like = example_maps(op, inputs, Size(*size), BATCH + 1)
        torch.testing.assert_close(program(maps, like), module(maps, like), rtol=1e-12, atol=1e-12)


def example_maps(op: Operator, inputs: tuple[Feature, ...], size: Size, batch: int) -> tuple[list[Tensor], Tensor]:
    """The maps, and one that says by its size where they go."""
    finer = Size(2 * size.height - 1, 2 * size.width + 3) if isinstance(op, Up) else size
    return random_maps(inputs, size, batch), random_maps(inputs[:1], finer, batch)[0]


def assert_recipe(recipe: Init, modules: Sequence[nn.Module]) -> None:
    """A recipe gives finite weights that follow from the seed, in place."""
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        for module in modules:
            before = {name: (id(value), value.shape) for name, value in module.named_parameters()}
            for part in module.modules():
                recipe.apply(part)
            assert {name: (id(value), value.shape) for name, value in module.named_parameters()} == before
        results.append([value.detach().clone() for module in modules for value in module.parameters()])
    assert all(torch.isfinite(value).all() for value in results[0])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def random_maps(inputs: Sequence[Feature], size: Size, batch: int = BATCH) -> list[Tensor]:
    """A map for each feature, all of one size."""
    return [torch.randn(batch, feature.channels, *size, dtype=torch.float64) for feature in inputs]


def call(case: Case, module: nn.Module, maps: Sequence[Tensor]) -> Tensor:
    """What the module of ``case`` gives, called as its kind is called."""
    return _called(case.op, module, maps, case.size_out)


def _called(op: Operator, module: nn.Module, maps: Sequence[Tensor], size: Size) -> Tensor:
    result: Tensor
    if isinstance(op, Fusion):
        result = module(x for x in maps)
    elif isinstance(op, Resampler):
        result = module(maps[0], size)
    else:
        result = module(maps[0])
    return result


class Sized(nn.Module):
    """An operator's module with the size wanted worked out from the maps, so that it can be exported alone."""

    def __init__(self, op: Operator, inputs: tuple[Feature, ...], site: Site) -> None:
        super().__init__()
        self.op, self.ratio = op, site.ratio
        self.module = op.build(inputs, site)

    def forward(self, maps: list[Tensor], like: Tensor) -> Tensor:
        height, width = like.shape[-2:]
        if isinstance(self.op, Down):
            height, width = (height - 1) // self.ratio + 1, (width - 1) // self.ratio + 1
        return _called(self.op, self.module, maps, Size(height, width))
