"""Gradients of compiled necks: how they lie in memory, and those of ``torch.func``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, func
from torch.utils._python_dispatch import TorchDispatchMode

import fpngraph
from fpngraph.layers.layout import is_channels_last
from tests.necks import maps, neck_of, randomised

CHANNELS = [4, 6, 8]
LAYOUTS = [torch.contiguous_format, torch.channels_last]


class BatchNorms(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no hints for it
    """Of every batch norm's backward whether gradient and map lie in ``channels_last``; copies before the first."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        self.found: list[tuple[bool, bool]] = []
        self.copies = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.ops.aten.native_batch_norm_backward.default:
            self.found.append((is_channels_last(args[0]), is_channels_last(args[1])))
        elif function is torch.ops.aten.copy_.default and not self.found:
            self.copies += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_no_batch_norm_gets_a_gradient_that_lies_in_another_way(layout: torch.memory_format, lean: bool) -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", channels=8, repeats=2), CHANNELS, lean=lean)
    features = [x.to(memory_format=layout).requires_grad_() for x in maps(neck, 256, 256)]
    outputs = neck(features)

    with BatchNorms() as norms:
        torch.autograd.backward(outputs, [torch.randn_like(y) for y in outputs])

    assert len(norms.found) == sum(isinstance(module, torch.nn.BatchNorm2d) for module in neck.modules())
    assert [gradient for gradient, x in norms.found if gradient != x] == []
    assert all(x.grad is not None and x.grad.is_contiguous(memory_format=layout) for x in features)


def test_a_gradient_is_laid_out_when_the_turn_of_its_node_comes() -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", channels=8, repeats=1), CHANNELS)
    outputs = neck(maps(neck, 256, 256, batch=1))

    with BatchNorms() as norms:
        torch.autograd.backward(outputs, [torch.randn_like(y) for y in outputs])

    assert norms.copies == 1  # of five outputs


def test_an_output_that_is_an_input_is_the_callers_own_in_any_layout() -> None:
    neck = neck_of("a: {inputs: [P3, P4], level: 3}", outputs="[a, P4]")
    first, second, third = maps(neck, 64, 64)
    second = second.to(memory_format=torch.channels_last)

    assert neck([first, second, third])[1] is second


class Kept(Tensor):
    """A map of somebody else's class, whose memory is not to be asked for."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert function is not Tensor.data_ptr
        return super().__torch_function__(function, types, args, kwargs)


def test_maps_of_another_class_are_laid_out_without_their_memory() -> None:
    neck, features = small()

    found = neck([x.as_subclass(Kept) for x in features])  # type: ignore[no-untyped-call]  # torch has no hints for it

    for y, expected in zip(found, neck(features), strict=True):
        assert type(y) is Kept
        assert torch.equal(y.as_subclass(Tensor), expected)


def small() -> tuple[fpngraph.Neck, list[Tensor]]:
    neck = randomised(fpngraph.build(fpngraph.load("bifpn", channels=8, repeats=1), CHANNELS)).double().eval()
    return neck, [x.double() for x in maps(neck, 64, 64, batch=2)]


def total(outputs: Sequence[Tensor]) -> Tensor:
    return torch.stack([y.sin().sum() for y in outputs]).sum()


@pytest.mark.filterwarnings("ignore")  # torch says which operators it maps over images one by one
def test_gradients_image_by_image_are_those_of_single_images() -> None:
    neck, features = small()
    weights = dict(neck.named_parameters())

    def loss(given: dict[str, Any], images: Sequence[Tensor]) -> Tensor:
        return total(func.functional_call(neck, given, ([x[None] for x in images],)))

    found = func.vmap(func.grad(loss), in_dims=(None, 0))(weights, features)

    for image in range(2):
        expected = torch.autograd.grad(total(neck([x[image : image + 1] for x in features])), list(weights.values()))
        for name, gradient in zip(weights, expected, strict=True):
            torch.testing.assert_close(found[name][image], gradient, rtol=1e-9, atol=1e-9)


def test_derivatives_forward_and_backward_are_equal() -> None:
    neck, (fine, *rest) = small()

    def means(x: Tensor) -> Tensor:
        found: Tensor = neck([x, *rest])[0].mean((2, 3))
        return found

    backward = func.jacrev(means)(fine)

    torch.testing.assert_close(backward, func.jacfwd(means)(fine), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(
        backward,
        torch.autograd.functional.jacobian(means, fine, vectorize=True),  # type: ignore[no-untyped-call]  # as above
        rtol=1e-9,
        atol=1e-12,
    )


def test_a_fused_neck_maps_over_images() -> None:
    neck, features = small()
    fused = neck.fuse()

    found = func.vmap(lambda *images: tuple(fused([x[None] for x in images])))(*features)

    for y, expected in zip(found, neck(features), strict=True):
        torch.testing.assert_close(y[:, 0], expected, rtol=1e-9, atol=1e-9)
