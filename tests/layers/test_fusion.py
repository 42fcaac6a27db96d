from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
import torch
from torch import Tensor, nn

from fpngraph.layers.fusion.concat import Concat
from fpngraph.layers.fusion.elementwise import Max, Mean, Product, Sum
from fpngraph.layers.fusion.weighted import FastNormalized, Softmax, Unbounded

Formula = Callable[[Tensor, Tensor], Tensor]  # of stacked maps (n first) and weights (n, 1, 1, 1, 1)

FORMULAS: dict[str, tuple[Callable[[int], nn.Module], Formula]] = {
    "sum": (lambda _: Sum(), lambda x, _: x.sum(0)),
    "mean": (lambda _: Mean(), lambda x, _: x.mean(0)),
    "max": (lambda _: Max(), lambda x, _: x.amax(0)),
    "product": (lambda _: Product(), lambda x, _: x.prod(0)),
    "unbounded": (Unbounded, lambda x, w: (w * x).sum(0)),
    "softmax": (Softmax, lambda x, w: (w.softmax(0) * x).sum(0)),
    "fast_normalized": (FastNormalized, lambda x, w: (w.relu() * x / (w.relu().sum() + 1e-4)).sum(0)),
    "concat": (lambda _: Concat(), lambda x, _: torch.cat(tuple(x), dim=1)),
}
WEIGHTED = ("unbounded", "softmax", "fast_normalized")
fusions = pytest.mark.parametrize("name", FORMULAS)


def make(name: str, count: int, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, list[Tensor]]:
    torch.manual_seed(count)
    module = FORMULAS[name][0](count).to(dtype)
    for parameter in module.parameters():
        nn.init.normal_(parameter, mean=0.5)
    return module, [torch.randn(2, 3, 4, 5, dtype=dtype) for _ in range(count)]


def weights(module: nn.Module, count: int) -> Tensor:
    return next(module.parameters(), torch.ones(count)).view(-1, 1, 1, 1, 1)


@fusions
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_fusions_compute_their_formula(name: str, count: int) -> None:
    module, maps = make(name, count)

    found = module(maps)

    torch.testing.assert_close(found, FORMULAS[name][1](torch.stack(maps), weights(module, count)))


@fusions
@pytest.mark.parametrize("count", [1, 3])
def test_gradients_of_maps_and_weights_are_right(name: str, count: int) -> None:
    module, maps = make(name, count)
    parameters = list(module.parameters())
    leaves = [x[:1, :2, :2, :2].clone().requires_grad_() for x in maps]

    def fuse(*values: Tensor) -> Tensor:
        replaced = dict(zip(dict(module.named_parameters()), values[count:], strict=True))
        result: Tensor = torch.func.functional_call(module, replaced, (values[:count],))
        return result

    assert torch.autograd.gradcheck(fuse, (*leaves, *parameters))


@fusions
def test_maps_are_read_once_in_order_and_one_at_a_time(name: str) -> None:
    module, maps = make(name, 3)
    alive: list[int] = []

    class Released:
        def __init__(self, index: int) -> None:
            self.index = index

        def __del__(self) -> None:
            alive.remove(self.index)

    def one_by_one() -> Iterator[Tensor]:
        for index, x in enumerate(maps):
            copy = x.clone()
            copy.owner = Released(index)  # type: ignore[attr-defined]  # dies with the tensor object
            alive.append(index)
            held.append(tuple(alive))
            yield copy
            del copy

    held: list[tuple[int, ...]] = []
    with torch.no_grad():
        found = module(one_by_one())

    assert torch.equal(found, module(maps))
    assert len(held) == 3
    assert all(len(indices) <= 2 for indices in held) or name == "concat"


@pytest.mark.parametrize("name", ["sum", "mean", "max", "product", "concat"])
def test_one_map_without_a_weight_comes_back_itself(name: str) -> None:
    module, (x,) = make(name, 1)

    assert module([x]) is x


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("count", [1, 4])
def test_weights_are_one_parameter_that_starts_at_one(name: str, count: int) -> None:
    module = FORMULAS[name][0](count)

    assert {key: value.tolist() for key, value in module.state_dict().items()} == {"weight": [1.0] * count}


def test_fusion_weights_that_are_negative_count_as_zero() -> None:
    fuse = FastNormalized(2)
    fuse.weight.data = torch.tensor([1.0, -5.0])

    y = fuse([torch.tensor([3.0]), torch.tensor([100.0])])

    torch.testing.assert_close(y, torch.tensor([3.0]), rtol=1e-3, atol=0)


@fusions
def test_a_fusion_never_writes_to_a_map(name: str) -> None:
    module, maps = make(name, 3)
    versions = [x._version for x in maps]

    module(maps)

    assert [x._version for x in maps] == versions


@fusions
def test_float32_weights_fuse_bfloat16_maps(name: str) -> None:
    module, maps = make(name, 3, torch.float32)

    found = module([x.bfloat16() for x in maps])

    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), module(maps), rtol=3e-2, atol=3e-2)


@fusions
def test_the_wider_type_wins_where_autocast_mixes_them(name: str) -> None:
    module, (a, b, c) = make(name, 3, torch.float32)

    for maps in ([a, b.bfloat16(), c], [a.bfloat16(), b, c.bfloat16()]):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = module(maps)

        assert found.dtype == torch.float32
        torch.testing.assert_close(found, module([a, b, c]), rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "concat"])
def test_channels_last_stays_channels_last(name: str) -> None:
    module, maps = make(name, 3)

    found = module([x.to(memory_format=torch.channels_last) for x in maps])

    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("given", [1, 3])
def test_as_many_maps_as_weights_are_needed(name: str, given: int) -> None:
    module, maps = make(name, 2)

    with pytest.raises(ValueError, match=r"zip\(\) argument"):
        module([*maps, *maps][:given])


@fusions
def test_compiles_without_a_graph_break_from_a_generator(name: str) -> None:
    module, maps = make(name, 3)

    class Doubled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fuse = module

        def forward(self, maps: Iterable[Tensor]) -> Tensor:
            result: Tensor = self.fuse(2 * x for x in maps)
            return result

    torch.compiler.reset()
    compiled = torch.compile(Doubled(), backend="eager", fullgraph=True)

    torch.testing.assert_close(compiled(maps), Doubled()(maps))
