from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from fpngraph.feature import Feature
from fpngraph.ops import Mismatch, Site
from fpngraph.ops.norm import BatchNorm, FrozenBatchNorm, GroupNorm, L2Norm, LayerNorm
from tests.necks import maps, neck_of
from tests.ops.equations import MODES, assert_equals, built


def test_groups_that_do_not_divide_the_channels_are_refused_with_divisors_near() -> None:
    with pytest.raises(Mismatch) as caught:
        GroupNorm().infer((Feature(3, 88),), Site())

    assert caught.value.reason == "has 32 groups, which do not divide the 88 channels"
    assert caught.value.hint == "divisors of 88 near 32 are 8, 11, 22, 44"


def test_batch_norm_has_torchs_conventions() -> None:
    module = BatchNorm(eps=0.001, momentum=0.01).build((Feature(3, 8),), Site())

    assert isinstance(module, nn.BatchNorm2d)
    assert (module.num_features, module.eps, module.momentum) == (8, 0.001, 0.01)


def test_group_norm_keeps_its_settings() -> None:
    module = GroupNorm(groups=4, eps=0.01).build((Feature(3, 8),), Site())

    assert isinstance(module, nn.GroupNorm)
    assert (module.num_groups, module.num_channels, module.eps) == (4, 8, 0.01)


@pytest.mark.parametrize("settings", [{"eps": 0.0}, {"momentum": 1.5}, {"momentum": -0.1}, {"eps": float("nan")}])
def test_numbers_without_a_meaning_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        BatchNorm(**settings)


def test_layer_norm_is_over_the_channels_of_each_pixel() -> None:
    module = LayerNorm(eps=0.5).build((Feature(3, 8),), Site())
    x = torch.randn(2, 8, 3, 4)

    y = module(x)

    centred = x - x.mean(1, keepdim=True)
    torch.testing.assert_close(y, centred / (centred.square().mean(1, keepdim=True) + 0.5).sqrt())


@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_a_frozen_batch_norm_has_its_own_statistics_in_every_mode_and_learns_nothing(training: bool) -> None:
    module = built(FrozenBatchNorm(eps=0.25), 3).train(training)
    mean, variance, weight, bias = (
        module.get_buffer(name).clone().view(1, 3, 1, 1) for name in ("running_mean", "running_var", "weight", "bias")
    )

    def equation(x: Tensor) -> Tensor:
        return (x - mean) / (variance + 0.25).sqrt() * weight + bias

    assert_equals(module, equation, torch.randn(2, 3, 4, 5, dtype=torch.float64))
    assert list(module.parameters()) == []


def test_a_frozen_batch_norm_is_folded_as_a_batch_norm_is() -> None:
    nodes = "out4: {inputs: [P4, P5], op: [conv, norm, act], norm: {frozen_batch_norm: {eps: 0.3}}}"
    neck = neck_of(nodes, outputs="[out4]")

    fused = neck.fuse()

    assert fused.unfolded == {}
    assert not [it for it in fused.modules() if isinstance(it, FrozenBatchNorm2d | nn.BatchNorm2d)]
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)


def test_l2_norm_divides_each_pixel_by_its_length() -> None:
    module = built(L2Norm(eps=0.5), 3)
    weight = module.get_parameter("weight")

    def equation(x: Tensor) -> Tensor:
        length = sum(x[:, channel] ** 2 for channel in range(3)) ** 0.5 + 0.5
        return torch.stack([weight[channel] * x[:, channel] / length for channel in range(3)], dim=1)

    assert_equals(module, equation, torch.randn(2, 3, 4, 5, dtype=torch.float64))


def test_l2_norm_starts_with_its_scale_and_comes_back_to_it() -> None:
    module = L2Norm(scale=7).build((Feature(3, 2),), Site())
    weight = module.get_parameter("weight")
    assert weight.tolist() == [7, 7]
    weight.data.zero_()

    module.reset_parameters()  # type: ignore[operator]  # it has one

    assert weight.tolist() == [7, 7]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_l2_norm_of_an_empty_or_of_a_large_pixel_is_a_number(dtype: torch.dtype) -> None:
    module = L2Norm().build((Feature(3, 512),), Site()).to(dtype)
    x = torch.zeros(1, 512, 1, 2, dtype=dtype)
    x[..., 1] = 1000

    y = module(x.requires_grad_())
    y.sum().backward()

    assert y.dtype == dtype
    torch.testing.assert_close(y[0, :, 0].float(), torch.tensor([0, 20 / 512**0.5]).expand(512, 2), rtol=1e-2, atol=0)
    assert x.grad is not None
    assert torch.isfinite(x.grad[..., 1]).all()


def test_l2_norm_is_named_in_the_inference_form_and_a_convolution_before_it_keeps_its_bias() -> None:
    neck = neck_of("out4: {inputs: [P4, P5], op: [conv, l2_norm]}", outputs="out4")

    fused = neck.fuse()

    assert neck.get_parameter("out4.op.conv.bias") is not None
    assert dict(fused.unfolded) == {"out4.op.l2_norm": "its lengths are those of each pixel"}
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)
