"""Straight code of one run: the same operators, each map freed in time, and what cannot be recorded refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.bench.memory import peak_bytes
from fpngraph.compiler.recorder import UnrecordableError, record

Call = Callable[[list[Tensor]], Sequence[Tensor]]


def map_of(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def in_place(maps: list[Tensor]) -> list[Tensor]:
    total = maps[0] * 2
    for row in range(2):
        total[..., row::2, :].add_(maps[1][..., :1, :], alpha=0.5)
    return [F.silu(total, inplace=True), total.permute(0, 2, 3, 1)]


CALLS: dict[str, Call] = {
    "in place, through views": in_place,
    "several results, of which one is read": lambda maps: [F.max_pool2d(maps[0], 2), torch.cat(maps, dim=2)],
    "parts of a map": lambda maps: [maps[0].chunk(2, dim=1)[1] + 1, maps[0][:, 1:]],
    "the map itself": lambda maps: [maps[0], maps[0].permute(0, 2, 3, 1).permute(0, 3, 1, 2)],
    "numbers that are no text": lambda maps: [torch.where(maps[0] > 0, maps[0], -torch.inf), maps[0].to(torch.float64)],
    "what is made of nothing": lambda maps: [maps[0] * torch.arange(4.0) + torch.zeros_like(maps[0])],
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_it_gives_bit_by_bit_what_the_run_gives_for_other_numbers(call: Call) -> None:
    run = record(call, [map_of(1, 6, 4, 4), map_of(1, 6, 2, 4)], [])
    others = [map_of(1, 6, 4, 4, seed=1), map_of(1, 6, 2, 4, seed=2)]

    got, expected = run(*others), call(list(others))

    assert all(torch.equal(y, z) and y.stride() == z.stride() for y, z in zip(got, expected, strict=True))


def test_a_map_that_is_handed_on_stays_the_callers_own() -> None:
    run = record(lambda maps: [maps[0], maps[0] + 1], [map_of(1, 2, 3, 3)], [])
    x = map_of(1, 2, 3, 3, seed=1)

    assert run(x)[0] is x


def test_a_map_may_begin_anywhere_in_its_storage() -> None:
    def call(maps: list[Tensor]) -> list[Tensor]:
        return [maps[0][:, 1:].permute(0, 2, 3, 1) * 2]

    run = record(call, [map_of(1, 3, 4, 4)], [])
    batch = map_of(5, 3, 4, 4, seed=1)

    for index in range(5):
        x = batch[index : index + 1]
        assert torch.equal(run(x)[0], call([x])[0])


def test_each_map_is_freed_after_its_last_reader() -> None:
    def call(maps: list[Tensor]) -> list[Tensor]:
        x = maps[0]
        for _ in range(5):
            x = F.max_pool2d(x, 3, 1, 1).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
        return [x]

    x = map_of(1, 8, 16, 16)
    run = record(call, [x], [])

    assert peak_bytes(lambda: run(x), [x]) == peak_bytes(lambda: call([x]), [x])


def test_it_sees_what_is_written_into_weights_later() -> None:
    conv = nn.Conv2d(2, 2, 1).requires_grad_(False)
    run = record(
        lambda maps: [F.conv2d(maps[0], conv.weight.flip(0), conv.bias)], [map_of(1, 2, 3, 3)], conv.parameters()
    )
    x = map_of(1, 2, 3, 3, seed=1)

    conv.weight.copy_(map_of(2, 2, 1, 1, seed=2))

    assert torch.equal(run(x)[0], F.conv2d(x, conv.weight.flip(0), conv.bias))


KEPT = torch.ones(1)
REFUSED: dict[str, tuple[Call, str]] = {
    "a number read": (
        lambda maps: [maps[0] * maps[0].sum().item()],
        "aten::_local_scalar_dense depends on the values of a map",
    ),
    "a branch on values": (lambda maps: [maps[0] if maps[0].sum() > 0 else -maps[0]], "depends on the values of a map"),
    "a size that depends on values": (lambda maps: [maps[0][maps[0] > 0]], "depends on the values of a map"),
    "another tensor": (
        lambda maps: [maps[0] + KEPT],
        "aten::add.Tensor reads a tensor that is neither a map nor a weight",
    ),
    "a map written to": (
        lambda maps: [maps[0].add_(1)],
        "aten::add_.Tensor writes into a map of the caller's, or into a weight",
    ),
    "bits as another type": (lambda maps: [maps[0].view(torch.int32) + 1], "a map is read as one of another type"),
}


@pytest.mark.parametrize(("call", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_depends_on_more_than_shapes_is_refused(call: Call, reason: str) -> None:
    with pytest.raises(UnrecordableError) as raised:
        record(call, [map_of(1, 2, 3, 3)], [])

    assert str(raised.value).endswith(reason)
