"""The maps of one call belong together: one batch, one type, one device; none is empty but in its batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.necks import GRAPHS, maps, neck_of, shipped
from tests.traces import trace


def image(*shape: int) -> Tensor:
    return torch.zeros(shape)


APART: list[Any] = [
    pytest.param(
        lambda: [image(2, 4, 8, 8), image(1, 4, 4, 4)],
        ValueError,
        "map 'P4' has a batch of 1, but map 'P3' one of 2; maps of one call have one batch",
        id="batches",
    ),
    pytest.param(
        lambda: [image(0, 4, 8, 8), image(1, 4, 4, 4)],
        ValueError,
        "map 'P4' has a batch of 1, but map 'P3' one of 0; maps of one call have one batch",
        id="an-empty-batch",
    ),
    pytest.param(
        lambda: [image(1, 4, 8, 8), image(1, 4, 4, 4).double()],
        ValueError,
        "map 'P4' is of torch.float64, but map 'P3' of torch.float32; maps of one call have one type",
        id="types",
    ),
    pytest.param(
        lambda: [image(1, 4, 8, 8), image(1, 4, 4, 4).to("meta")],
        ValueError,
        "map 'P4' is on meta, but map 'P3' on cpu; maps of one call are on one device",
        id="devices",
    ),
    pytest.param(
        lambda: [image(1, 4, 8, 8), image(1, 4, 4, 4).long()],
        TypeError,
        "map 'P4' is of torch.int64, not of a floating-point type",
        id="integers",
    ),
    pytest.param(
        lambda: [image(1, 4, 8, 8).to(torch.complex64), image(1, 4, 4, 4)],
        TypeError,
        "map 'P3' is of torch.complex64, not of a floating-point type",
        id="complex-numbers",
    ),
    pytest.param(
        lambda: [image(1, 4, 8, 8), image(1, 4, 4, 0)],
        ValueError,
        "map 'P4' is 4x0; a map has a pixel or more on each side",
        id="no-pixels",
    ),
    pytest.param(
        lambda: [image(1, 4, 4, 9), image(1, 4, 5, 4)],
        ValueError,
        "map 'P4' is 5x4, but map 'P3', of a finer level, is 4x9; are the maps in another order?",
        id="coarse-before-fine",
    ),
]


@pytest.mark.parametrize("traced", [False, True], ids=["run", "traced"])
@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize(("features", "error", "message"), APART)
def test_maps_that_do_not_go_together_are_refused_by_name(
    features: Callable[[], list[Tensor]], error: type[Exception], message: str, fused: bool, traced: bool
) -> None:
    neck = neck_of("out4: {inputs: [P3, P4]}", inputs="P(3..4)", outputs="[out4]")
    form = neck.fuse() if fused else neck

    with pytest.raises(error) as raised:
        trace(form, features()) if traced else form(features())

    assert str(raised.value) == message


@pytest.mark.parametrize("name", GRAPHS)
def test_a_batch_of_no_image_gives_maps_of_none(name: str) -> None:
    neck = shipped(name)
    features, some = maps(neck, 100, 131, batch=0), neck(maps(neck, 100, 131, batch=1))

    for form in (neck, neck.fuse()):
        assert [y.shape for y in form(features)] == [(0, *y.shape[1:]) for y in some]


@pytest.mark.parametrize("compiled", [False, True], ids=["run", "compiled"])
def test_types_may_differ_under_autocast(compiled: bool) -> None:
    nodes = "out4: {inputs: [P3, P4], fusion: fast_normalized, op: [{conv: {}}]}"
    neck = neck_of(nodes, inputs="P(3..4)", outputs="[out4]")
    features = maps(neck, 64, 96)
    torch.compiler.reset()
    form = torch.compile(neck, fullgraph=True, backend="eager") if compiled else neck

    with torch.autocast("cpu", torch.bfloat16):
        (y,) = form([features[0], features[1].bfloat16()])

    torch.testing.assert_close(y.float(), neck(features)[0], rtol=0.05, atol=0.1)


def test_a_compiled_neck_takes_any_batch_by_one_program() -> None:
    programs: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, _: object) -> torch.fx.GraphModule:
        programs.append(graph)
        return graph

    neck = shipped("fpn")
    torch.compiler.reset()
    form = torch.compile(neck, fullgraph=True, backend=backend)

    for batch in (2, 3, 5, 7):
        features = maps(neck, 128, 160, batch=batch)
        for x in features:
            torch._dynamo.mark_dynamic(x, 0)
        torch.testing.assert_close(form(features), neck(features))

    assert len(programs) == 1
