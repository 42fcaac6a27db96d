"""Activations are torch's, bit for bit, and no flag that a host sets on modules makes them write to a map."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.layers import act
from tests.fused_graphs import trained
from tests.necks import GRAPHS, maps, neck_of, shipped

PAIRS: dict[str, tuple[nn.Module, nn.Module]] = {
    **{name: (getattr(act, name)(), getattr(nn, name)()) for name in ("ReLU", "ReLU6", "SiLU", "Mish", "LeakyReLU")},
    **{name: (getattr(act, name)(), getattr(nn, name)()) for name in ("Hardswish", "Hardsigmoid", "ELU")},
    "slope": (act.LeakyReLU(0.3), nn.LeakyReLU(0.3)),
    "alpha": (act.ELU(0.3), nn.ELU(0.3)),
}


@pytest.mark.parametrize(("own", "torchs"), PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_it_is_torchs_bit_for_bit_and_looks_like_it(own: nn.Module, torchs: nn.Module, dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, 17, 5, generator=torch.Generator().manual_seed(0)).mul(5).to(dtype)
    kept = x.clone()

    y = own(x)

    assert torch.equal(y, torchs(x))
    assert torch.equal(x, kept)
    assert repr(own) == repr(torchs)


@pytest.mark.parametrize(("own", "torchs"), PAIRS.values(), ids=PAIRS)
def test_only_when_asked_it_writes_to_its_map(own: act.Activation, torchs: nn.Module) -> None:
    x = torch.randn(2, 3, 17, 5, generator=torch.Generator().manual_seed(0)).mul(5)
    expected = torchs(x)

    y = own.write(x)

    assert y.data_ptr() == x.data_ptr()
    assert torch.equal(x, expected)


def where_it_is(module: nn.Module) -> None:
    """As Ultralytics does when it loads a checkpoint."""
    for part in module.modules():
        if hasattr(part, "inplace"):
            part.inplace = True


def everywhere(module: nn.Module) -> None:
    for part in module.modules():
        part.inplace = True  # type: ignore[assignment]  # of any class


ONE_INPUT = """
    a: {inputs: [P3], level: 3, op: [act, {conv: {}}, norm]}
    b: {inputs: [P3, a], level: 3, op: [act]}
    c: {inputs: [b], level: 4, resample: {down: [act, strided_conv]}, op: [{elu: {}}, {conv: {}}, {leaky_relu: {}}]}
    d: {inputs: [b], level: 3, op: [act, mish, hard_swish, relu6, hard_sigmoid, {conv: {}}]}
"""
NECKS: dict[str, Callable[[], fpngraph.Neck]] = {
    **{name: lambda name=name: shipped(name) for name in GRAPHS},
    "one-input": lambda: trained(neck_of(ONE_INPUT, inputs="[P3]", outputs="[a, b, c, d]")),
}


def lean(neck: fpngraph.Neck) -> nn.Module:
    other = fpngraph.build(neck.source_graph, neck.in_channels, lean=True)
    other.load_state_dict(neck.state_dict())
    return other.train()


FORMS: dict[str, Callable[[fpngraph.Neck], nn.Module]] = {
    "plain": lambda neck: neck,
    "training": lambda neck: neck.train(),
    "lean": lean,
    "fused": fpngraph.Neck.fuse,
}


def kept(features: list[Tensor]) -> list[Tensor]:
    return [x.clone() for x in features]


@pytest.mark.parametrize("flip", [where_it_is, everywhere])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("make", NECKS.values(), ids=NECKS)
def test_inplace_set_on_all_modules_changes_nothing(
    make: Callable[[], fpngraph.Neck],
    form: Callable[[fpngraph.Neck], nn.Module],
    flip: Callable[[nn.Module], None],
) -> None:
    module, other = form(make()), form(make())
    features = maps(make(), 130, 99)
    copies = kept(features)
    expected = kept(module(features))

    flip(other)
    outs = other(features)

    assert all(torch.equal(y, wanted) for y, wanted in zip(outs, expected, strict=True))
    assert all(torch.equal(x, copy) for x, copy in zip(features, copies, strict=True))


@pytest.mark.parametrize("make", NECKS.values(), ids=NECKS)
def test_no_module_of_a_neck_has_the_attribute(make: Callable[[], fpngraph.Neck]) -> None:
    neck = make()

    assert not [part for form in (neck, neck.fuse()) for part in form.modules() if hasattr(part, "inplace")]


def test_a_neck_fused_after_the_flip_is_that_of_one_fused_before() -> None:
    neck = shipped("retinanet_fpn")
    features = maps(neck, 130, 99)
    expected = neck.fuse()(features)

    everywhere(neck)
    fused = neck.fuse()

    assert fused.unfolded == {}
    assert all(torch.equal(y, wanted) for y, wanted in zip(fused(features), expected, strict=True))
