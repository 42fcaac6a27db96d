"""Compiled necks go through torch.compile without a graph break and through torch.export with sizes left open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.export import Dim, export

from fpngraph import Neck
from tests.necks import GRAPHS, assert_close, maps, neck_of, shipped

SIZES = [(384, 512), (333, 501), (129, 1000), (191, 257)]  # of the image; the first one is traced


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


VARIED = """
td4: {inputs: [P4, P5], fusion: fast_normalized}
td3: {inputs: [P3, td4], fusion: fast_normalized, op: [{separable_conv: {}}, norm, act]}
out4: {inputs: [P4, td4, td3], fusion: softmax, resample: {down: avg_pool, up: bilinear}}
out6: {inputs: [P5, td3, out4], resample: {down: {strided_conv: {kernel: 3}}}, padding: same}
"""


def varied() -> Neck:
    """A neck with one of most operators, in which inputs lie between the ends of an edge."""
    return neck_of(VARIED, outputs="[td3, out4, out6]")


FEW, MANY = [*SIZES[:2], (8, 8)], [*SIZES, (8, 8), (1, 1)]


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize(
    ("make", "sizes"), [(varied, FEW), (lambda: shipped("retinanet_fpn"), MANY)], ids=["varied", "retinanet_fpn"]
)
def test_torch_compile_has_no_graph_break_at_any_size(make: Callable[[], Neck], sizes: list[tuple[int, int]]) -> None:
    neck = make()
    compiled = torch.compile(neck, fullgraph=True, backend="eager")

    for height, width in sizes:
        features = maps(neck, height, width)
        assert_close(compiled(features), neck(features))


def test_torch_compile_takes_a_mapping_and_trains() -> None:
    neck = shipped("panet").train()
    compiled = torch.compile(neck, fullgraph=True, backend="eager")
    features = dict(zip(neck.in_channels, maps(neck, 256, 300), strict=True))

    outs = compiled(features)
    torch.stack([y.sum() for y in outs.values()]).sum().backward()

    assert list(outs) == list(neck.out_channels)
    assert all(parameter.grad is not None for parameter in neck.parameters())


def independent(neck: Neck) -> list[dict[int, Dim]]:
    """A size of its own for every input. Torch keeps sizes open that leave two pixels or more at every level."""
    batch, coarsest = Dim("batch", min=1, max=64), max(neck.out_strides.values())
    least = [coarsest // 2**entry.level + 1 for entry in neck.source_graph.inputs.values()]
    return [{0: batch, 2: Dim(f"h{index}", min=n), 3: Dim(f"w{index}", min=n)} for index, n in enumerate(least)]


def left_to_torch(neck: Neck) -> list[dict[int, Any]]:
    return [{0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC} for _ in neck.in_channels]


def assert_exports(neck: Neck, sizes: list[dict[int, Any]], *, strict: bool = False) -> None:
    """The program traced at the first size equals the neck at all of them, and for maps that do not halve exactly."""
    program = export(neck, (maps(neck, *SIZES[0]),), dynamic_shapes=(sizes,), strict=strict).module()

    for batch, (height, width) in enumerate(SIZES, start=1):
        features = maps(neck, height, width, batch=batch)
        assert_close(program(features), neck(features))
        trimmed = [x[..., index % 2 :, (index + 1) % 2 :] for index, x in enumerate(features)]
        assert_close(program(trimmed), neck(trimmed))


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("name", GRAPHS)
def test_an_exported_program_takes_other_sizes_of_batch_and_image(name: str) -> None:
    neck = shipped(name)

    assert_exports(neck, left_to_torch(neck))


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])
@pytest.mark.parametrize("sizes", [independent, left_to_torch])
def test_export_does_not_bind_the_sizes_of_inputs_to_each_other(
    sizes: Callable[[Neck], list[dict[int, Any]]], strict: bool
) -> None:
    neck = varied()

    assert_exports(neck, sizes(neck), strict=strict)


@pytest.mark.exports
def test_a_mapping_is_exported_too() -> None:
    neck = shipped("fpn")
    features = dict(zip(neck.in_channels, maps(neck, *SIZES[0]), strict=True))
    sizes = dict(zip(neck.in_channels, left_to_torch(neck), strict=True))

    program = export(neck, (features,), dynamic_shapes=(sizes,)).module()

    other = {name: x[..., 3:] for name, x in features.items()}
    assert_close(program(other), neck(other))


@pytest.mark.exports
def test_export_resizes_only_where_an_input_may_have_another_size() -> None:
    neck = varied()
    program = export(neck, (maps(neck, *SIZES[0]),), dynamic_shapes=(left_to_torch(neck),))

    resized = [node for node in program.graph.nodes if "upsample" in str(node.target)]

    ups, past_an_input = 2, 3  # P5 to td4, td4 to td3; td3 to out4, and td3 and out4 to out6, but not P5 to out6
    assert len(resized) == ups + past_an_input


@pytest.mark.slow
@pytest.mark.exports
def test_an_exported_program_is_kept_in_a_file(tmp_path: Any) -> None:
    neck = shipped("fpn")
    features = maps(neck, *SIZES[1])
    torch.export.save(
        export(neck, (maps(neck, *SIZES[0]),), dynamic_shapes=(left_to_torch(neck),)), tmp_path / "neck.pt2"
    )

    program = torch.export.load(tmp_path / "neck.pt2").module()

    outs: list[Tensor] = program(features)
    assert_close(outs, neck(features))
