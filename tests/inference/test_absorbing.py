"""Convolutions that take in what is only a scale and a shift, and branches that become one convolution."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.inference.absorbing import absorb, added
from fpngraph.inference.parts import Part
from tests.fused_graphs import assert_fused_equals
from tests.necks import maps, neck_of

X = torch.randn(2, 8, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
ONE = ["Conv2d"]


def conv(kernel: int = 3, *, channels: int = 8, **settings: Any) -> nn.Conv2d:
    padding = settings.pop("padding", settings.get("dilation", 1) * (kernel - 1) // 2)
    torch.manual_seed(kernel)
    return nn.Conv2d(8, channels, kernel, padding=padding, **settings).double().requires_grad_(False)


def branch(module: nn.Module) -> list[Part]:
    return [Part(module, "new", absorbs=True)]


def scale(seed: int = 5) -> list[Part]:
    generator = torch.Generator().manual_seed(seed)
    values = (torch.randn(8, dtype=torch.float64, generator=generator) for _ in range(2))
    return [Part(nn.Identity(), affine=tuple(values))]  # type: ignore[arg-type]


def run(parts: list[Part], x: Tensor) -> Tensor:
    for part in parts:
        if part.affine is None:
            x = part.module(x)
        else:
            factor, shift = (value.view(1, -1, 1, 1) for value in part.affine)
            x = factor * x + shift
    return x


@pytest.mark.parametrize("bias", [False, True])
def test_a_scale_and_a_shift_are_taken_in_channel_by_channel(bias: bool) -> None:
    module = conv(bias=bias)
    factor, shift = torch.arange(8.0).double() - 3, torch.arange(8.0).double() / 7
    expected = factor.view(-1, 1, 1) * module(X) + shift.view(-1, 1, 1)

    absorb(module, factor, shift)

    torch.testing.assert_close(module(X), expected, rtol=1e-12, atol=1e-12)


def test_what_has_a_method_for_it_is_asked() -> None:
    class Own(nn.Module):
        def absorb(self, factor: Tensor, shift: Tensor) -> None:
            self.taken = (factor, shift)

    module, values = Own(), (torch.ones(3), torch.zeros(3))

    absorb(module, *values)

    assert module.taken == values


MERGED = [
    pytest.param([branch(conv(3)), branch(conv(1)), []], id="repvgg"),
    pytest.param([branch(conv(1)), branch(conv(5)), branch(conv(3))], id="the widest is the one that stays"),
    pytest.param([scale(), branch(conv(3))], id="scale alone"),
    pytest.param([scale(), scale(6), [], branch(conv(1))], id="two scales and the map itself"),
    pytest.param([branch(conv(3, groups=4)), branch(conv(1, groups=4)), [], scale()], id="grouped"),
    pytest.param([branch(conv(3, groups=8)), []], id="depthwise"),
    pytest.param([branch(conv(3, dilation=2)), branch(conv(1)), []], id="dilated"),
    pytest.param([branch(conv(3, bias=False)), branch(conv(3))], id="without bias"),
    pytest.param([branch(conv(3, channels=6)), branch(conv(1, channels=6))], id="to other channels"),
]


@pytest.mark.parametrize("lists", MERGED)
def test_branches_of_one_kind_become_one_convolution(lists: list[list[Part]]) -> None:
    expected = sum(run(parts, X) for parts in lists)

    found = added(lists)

    assert found is not None
    chosen, merged = found
    assert chosen == list(range(len(lists)))
    assert isinstance(merged, nn.Conv2d)
    assert not any(parameter.requires_grad for parameter in merged.parameters())
    torch.testing.assert_close(merged(X), expected, rtol=1e-12, atol=1e-12)


PARTLY = [
    pytest.param([branch(conv(3)), branch(conv(1, groups=2)), []], [0, 2], id="other groups"),
    pytest.param([branch(conv(3)), branch(conv(3, dilation=2)), scale()], [0, 2], id="other dilation"),
    pytest.param([branch(nn.GELU()), branch(conv(1)), []], [1, 2], id="no convolution"),
    pytest.param([branch(conv(3)) + branch(nn.GELU()), branch(conv(1)), []], [1, 2], id="more than a convolution"),
    pytest.param([branch(conv(3, padding_mode="reflect")), branch(conv(1)), []], [1, 2], id="padded in another way"),
    pytest.param([branch(conv(2, padding="same")), branch(conv(1)), []], [1, 2], id="even kernel"),
    pytest.param([[Part(conv(3), "new")], branch(conv(1)), []], [1, 2], id="a convolution that takes nothing in"),
]


@pytest.mark.parametrize(("lists", "expected"), PARTLY)
def test_what_is_of_another_kind_stays_beside_it(lists: list[list[Part]], expected: list[int]) -> None:
    found = added(lists)

    assert found is not None
    assert found[0] == expected
    torch.testing.assert_close(found[1](X), sum(run(lists[index], X) for index in expected), rtol=1e-12, atol=1e-12)


ALONE = [
    pytest.param([[], scale()], id="no convolution"),
    pytest.param([branch(conv(3)), branch(nn.GELU())], id="one convolution"),
    pytest.param([branch(conv(3, channels=6)), []], id="the map itself has other channels"),
    pytest.param([branch(conv(3, padding=0)), branch(conv(3, padding=0))], id="does not keep the size"),
    pytest.param([branch(conv(3, stride=2)), branch(conv(3, stride=2))], id="strided"),
    pytest.param([branch(nn.ConvTranspose2d(8, 8, 1)), []], id="transposed"),
]


@pytest.mark.parametrize("lists", ALONE)
def test_where_there_are_not_two_of_one_kind_nothing_is_added_up(lists: list[list[Part]]) -> None:
    assert added(lists) is None


REPVGG = "[{sum: [[{conv: %s}, norm], [{conv: {kernel: 1%s}}, norm], [norm]]}, act]"


def leaves(module: nn.Module, path: str) -> list[str]:
    """The classes of the modules that have none in them, below a path of a fused neck."""
    found = (part for name, part in module.named_modules() if name.startswith(path) and not list(part.children()))
    return [type(part).__name__ for part in found]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (REPVGG % ("{}", ""), ["Conv2d", "ReLU"]),
        (REPVGG % ("{groups: 4}", ", groups: 4"), ["Conv2d", "ReLU"]),
        (REPVGG % ("{dilation: 3}", ""), ["Conv2d", "ReLU"]),
        (REPVGG % ("{kernel: 1}", ""), ["Pointwise", "ReLU"]),
        (REPVGG % ("{kernel: 2}", ""), ["Pointwise", "PaddedConv2d", "ReLU"]),
        (REPVGG % ("{groups: 2}", ""), ["Conv2d", "Pointwise", "ReLU"]),
        ("[{residual: [conv]}, norm]", ["Conv2d"]),
        ("[{residual: [{conv: {kernel: 1}}, norm]}]", ["Pointwise"]),
        ("[{residual: [{residual: [{residual: [conv, norm]}]}]}, norm]", ["Conv2d"]),
        ("[{sum: [[conv, norm], [norm, norm]]}]", ["Conv2d"]),
        ("[{sum: [[conv], [{sum: [[conv], [norm]]}], []]}]", ["Conv2d"]),
        ("[{concat: [[{conv: {channels: 3}}], [{conv: {channels: 5}}, norm]]}, norm]", ["Conv2d", "Conv2d"]),
        ("[{sum: [[conv, act, conv], [conv]]}, norm]", ["Conv2d", "ReLU", "Conv2d", "Conv2d"]),
    ],
)
def test_what_can_be_one_convolution_is_one_in_a_fused_neck(op: str, expected: list[str]) -> None:
    neck = neck_of(f"a4: {{inputs: [P4, P5], op: {op}}}", outputs="[a4]", channels=8).double()

    fused = assert_fused_equals(neck)

    assert fused.unfolded == {}
    assert [name.removeprefix("InPlace") for name in leaves(fused, "a4.op")] == expected


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_of_few_bits_are_added_up_in_many(dtype: torch.dtype) -> None:
    nodes = f"a4: {{inputs: [P4], op: {REPVGG % ('{}', '')}}}"
    neck = neck_of(nodes, outputs="[a4]", channels=8).to(dtype)
    exact = neck_of(nodes, outputs="[a4]", channels=8).double()
    exact.load_state_dict({name: value.double() for name, value in neck.state_dict().items()})

    (rounded,) = (part for part in neck.fuse().modules() if isinstance(part, nn.Conv2d))

    (wanted,) = (part for part in exact.fuse().modules() if isinstance(part, nn.Conv2d))
    for name in ("weight", "bias"):
        got, best = rounded.get_parameter(name), wanted.get_parameter(name)
        assert got.dtype == dtype
        assert (got - best).abs().max() <= torch.finfo(dtype).eps * best.abs().max()


def test_on_another_device_branches_are_added_up_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fpngraph.compiler.fuse.check_weights", lambda neck: None)  # meta is refused otherwise
    neck = neck_of(f"a4: {{inputs: [P4], op: {REPVGG % ('{}', '')}}}", outputs="[a4]", channels=8).to("meta")

    fused = neck.fuse()

    assert fused.unfolded == {}
    assert [x.shape for x in fused([x.to("meta") for x in maps(neck, 64, 64)])] == [(2, 8, 4, 4)]
    assert isinstance(fused, fpngraph.compiler.fused_neck.FusedNeck)
