"""The inference form of a neck as a module: what it takes and gives, what it leaves alone, what it refuses."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from tests.fused_graphs import trained
from tests.necks import GRAPHS, maps, neck_of, shipped

SIZES = [(256, 320), (130, 99), (33, 31), (1, 700), (1, 1)]


def relative_error(got: Tensor, expected: Tensor) -> float:
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    return ((got - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=str)
@pytest.mark.parametrize("name", GRAPHS)
def test_outputs_are_those_of_the_neck_in_eval_mode(name: str, dtype: torch.dtype, tolerance: float) -> None:
    neck = trained(shipped(name)).to(dtype)
    fused = neck.train().fuse()
    neck.eval()

    for height, width in SIZES:
        for batch in (1, 3):
            features = maps(neck, height, width, batch=batch, dtype=dtype)
            for y, expected in zip(fused(features), neck(features), strict=True):
                assert relative_error(y, expected) <= tolerance


def test_outputs_are_those_of_the_neck_after_training_steps() -> None:
    neck = shipped("bifpn").double().train()
    features = maps(neck, 128, 160, dtype=torch.float64)
    optimizer = torch.optim.SGD(neck.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        torch.stack([y.square().mean() for y in neck(features)]).sum().backward()
        optimizer.step()

    fused = neck.fuse()

    for y, expected in zip(fused(features), neck.eval()(features), strict=True):
        assert relative_error(y, expected) <= 1e-12


CODE = """\
def forward(self, features):
    maps = fpngraph_compiler_runtime_unpack(features, {'P3': (3, 4), 'P4': (4, 4), 'P5': (5, 4)})
    P3 = maps[0]
    P4 = maps[1]
    P5 = maps[2];  maps = P5 = None
    size3 = fpngraph_compiler_runtime_size_of(P3)
    out = self.out.edges.P3(size3, P3)
    out_1 = self.out.edges.P4(size3, P4, out);  size3 = P4 = out = None
    out_2 = getattr(self.out.op, "0")(out_1);  out_1 = None
    out_3 = fpngraph_compiler_runtime_leave(out_2, P3);  out_2 = P3 = None
    outputs = fpngraph_compiler_runtime_pack(features, {'y': out_3});  features = out_3 = None
    return outputs"""


def test_it_has_the_attributes_of_the_neck_and_readable_code() -> None:
    neck = neck_of("out: {inputs: [P3, P4], level: 3, op: [{conv: {}}, norm]}", outputs="{y: out}")

    fused = neck.fuse()

    assert isinstance(fused, fpngraph.FusedNeck)
    assert [fused.source_graph, fused.in_channels, fused.out_channels, fused.out_strides] == [
        neck.source_graph,
        neck.in_channels,
        neck.out_channels,
        neck.out_strides,
    ]
    code = "\n".join(line.rstrip() for line in fused.code.strip().splitlines())
    assert code == CODE


def test_a_mapping_gives_a_dict_and_maps_are_checked_as_the_neck_does() -> None:
    neck = neck_of("out: {inputs: [P3, P4], level: 4}", outputs="{y: out, same: P3}")
    fused = neck.fuse()
    features = dict(zip(neck.in_channels, maps(neck, 64, 64), strict=True))

    outs = fused(features)

    assert list(outs) == ["y", "same"]
    assert outs["same"] is features["P3"]
    with pytest.raises(ValueError) as raised:
        fused(list(features.values())[:1])
    assert str(raised.value) == "features has 1 maps, but the neck takes P3, P4, P5"


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("name", GRAPHS)
def test_inputs_stay_as_they_are_and_no_output_is_part_of_another_or_of_an_input(
    name: str, layout: torch.memory_format
) -> None:
    neck = shipped(name)
    features = [x.to(memory_format=layout) for x in maps(neck, 256, 256)]
    copies = [x.clone() for x in features]
    fused = neck.fuse()

    outs = fused(features)
    kept = [y.clone() for y in outs]
    fused(maps(neck, 320, 256))

    assert all(torch.equal(x, original) for x, original in zip(features, copies, strict=True))
    assert all(torch.equal(y, z) for y, z in zip(outs, kept, strict=True))
    storages = [x.untyped_storage().data_ptr() for x in (*outs, *features)]
    assert all(one != other for one, other in combinations(storages, 2))


@pytest.mark.parametrize("weights", ["unbounded", "softmax", "fast_normalized"])
def test_one_map_with_a_weight_of_one_is_still_a_map_of_its_own(weights: str) -> None:
    neck = neck_of(f"out3: {{inputs: [P3], fusion: {weights}}}", outputs="[out3]")
    neck.get_parameter("out3.fusion.weight").data.fill_(1.0)
    # as they lie inside, so that nothing copies them on the way
    features = [x.contiguous(memory_format=torch.channels_last) for x in maps(neck, 64, 64)]

    (out,) = neck.fuse()(features)

    assert out.data_ptr() != features[0].data_ptr()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_outputs_are_laid_out_as_the_inputs_are(layout: torch.memory_format) -> None:
    fused = shipped("bifpn").fuse()
    features = [x.to(memory_format=layout) for x in maps(shipped("bifpn"), 256, 256)]

    outs = fused(features)

    assert all(y.is_contiguous(memory_format=layout) for y in outs)
    assert not any(y.is_contiguous() for y in outs if layout is torch.channels_last)


def test_the_neck_is_left_as_it_is_and_trains_on_without_the_fused_one() -> None:
    neck = shipped("bifpn").train()
    fused = neck.fuse()
    features = maps(neck, 128, 128)
    expected = fused(features)

    with torch.no_grad():
        for value in (*neck.parameters(), *neck.buffers()):
            value.copy_(torch.full_like(value, 3))

    assert neck.training
    assert all(parameter.requires_grad for parameter in neck.parameters())
    torch.testing.assert_close(fused(features), expected, rtol=0, atol=0)


def test_it_refuses_to_train() -> None:
    fused = shipped("fpn").fuse()
    model = nn.Sequential(fused)

    with pytest.raises(RuntimeError) as raised:
        model.train()

    assert str(raised.value) == (
        "a fused neck is for inference only\n  hint: train the neck that it was made from, and fuse that again"
    )
    assert not any(module.training for module in fused.modules())
    assert fused.eval() is fused
    assert not any(parameter.requires_grad for parameter in fused.parameters())


@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_of_inputs_are_those_of_the_neck(name: str) -> None:
    neck = shipped(name).double()
    features = [x.requires_grad_() for x in maps(neck, 130, 99, dtype=torch.float64)]

    def gradients(module: nn.Module) -> tuple[Tensor, ...]:
        total = torch.stack([(y.square() * torch.arange(y.shape[-1])).sum() for y in module(features)]).sum()
        return torch.autograd.grad(total, features)

    for got, expected in zip(gradients(neck.fuse()), gradients(neck), strict=True):
        assert relative_error(got, expected) <= 1e-12


def saved(fused: fpngraph.FusedNeck) -> object:
    file = io.BytesIO()
    torch.save(fused, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda fused: pickle.loads(pickle.dumps(fused)),
    "torch.save": saved,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_copy_is_the_same_fused_neck(way: Callable[[fpngraph.FusedNeck], fpngraph.FusedNeck]) -> None:
    fused = shipped("bifpn").fuse()
    features = maps(shipped("bifpn"), 130, 99)

    other = way(fused)

    assert isinstance(other, fpngraph.FusedNeck)
    assert repr(other) == repr(fused)
    assert other.code == fused.code
    assert other.source_graph == fused.source_graph
    torch.testing.assert_close(other(features), fused(features), rtol=0, atol=0)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_state_dict_carries_all_that_decides_the_outputs(name: str) -> None:
    neck = shipped(name)
    other = trained(copy.deepcopy(neck), seed=3).fuse()
    fused, features = neck.fuse(), maps(neck, 97, 161)
    file = io.BytesIO()
    torch.save(fused.state_dict(), file)
    file.seek(0)

    other.load_state_dict(torch.load(file, weights_only=True))

    torch.testing.assert_close(other(features), fused(features), rtol=0, atol=0)


def test_a_fused_neck_computes_in_the_type_it_is_moved_to() -> None:
    neck = shipped("bifpn")
    features = maps(neck, 130, 99, dtype=torch.float64)

    outs = neck.fuse().double()(features)

    for y, expected in zip(outs, neck.double()(features), strict=True):
        assert relative_error(y, expected) <= 1e-5


@pytest.mark.parametrize("name", GRAPHS)
def test_in_bfloat16_inputs_and_outputs_keep_their_type(name: str) -> None:
    neck = trained(shipped(name))
    features = maps(neck, 130, 99)

    fused = neck.fuse(dtype=torch.bfloat16)

    assert {parameter.dtype for parameter in fused.parameters()} == {torch.bfloat16}
    for y, expected in zip(fused(features), neck(features), strict=True):
        assert relative_error(y, expected) <= 0.05
        assert not torch.equal(y, expected)


def test_a_neck_fused_in_one_type_computes_in_another_that_it_is_moved_to() -> None:
    neck = shipped("bifpn")
    features = maps(neck, 97, 161)
    fused = neck.fuse(dtype=torch.bfloat16)
    names = list(fused.state_dict())

    outs = fused.double()(features)

    assert names == list(neck.fuse().state_dict())
    for y, expected in zip(outs, neck.fuse()(features), strict=True):
        assert y.dtype == torch.float32
        assert relative_error(y, expected) <= 0.05


def test_its_kernels_lie_as_its_maps_do() -> None:
    fused = shipped("retinanet_fpn").fuse()

    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in fused.parameters() if x.dim() == 4)


def test_its_code_is_printed_with_the_factors_of_its_maps() -> None:
    neck = neck_of("out: {inputs: [P3, P3], level: 3, fusion: mean}", outputs="[out]")

    assert "factor=0.5" in repr(neck.fuse())


def test_autocast_changes_outputs_by_rounding_only() -> None:
    neck = shipped("bifpn")
    fused, features = neck.fuse(), maps(neck, 130, 99)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        outs = fused(features)

    for y, expected in zip(outs, neck(features), strict=True):
        assert 0 < relative_error(y, expected) <= 0.1


@pytest.mark.parametrize("dtype", ["bfloat16", torch.int8], ids=str)
def test_a_type_that_a_neck_cannot_compute_in_is_refused(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError) as raised:
        shipped("fpn").fuse(dtype)

    assert (
        str(raised.value) == f"dtype is {dtype!r}, but must be a floating-point type of torch, such as torch.bfloat16"
    )
