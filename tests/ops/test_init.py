"""The recipes against the libraries they are named after: distributions, by their range and spread."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from fpngraph.feature import Feature
from fpngraph.ops import Init, Site
from fpngraph.ops.conv import Conv, SeparableConv
from fpngraph.ops.init import Effdet, EffdetAlt, Torchvision
from fpngraph.ops.resample.strided_conv import StridedConv

WIDE = Site(channels=160, ratio=2)


def initialised(recipe: Init, module: nn.Module) -> nn.Module:
    """As the compiler does it: the recipe sees every module once, containers and leaves."""
    torch.manual_seed(0)
    for part in module.modules():
        recipe.apply(part)
    return module


def assert_alike(found: Tensor, reference: Tensor) -> None:
    """Two samples of one distribution: mean, spread, range and the middle of the absolute values."""
    assert found.shape == reference.shape
    scale = reference.std().item()
    close = 5 / math.sqrt(found.numel())
    assert abs(found.mean().item()) < close * scale
    assert found.std().item() == pytest.approx(scale, rel=close)
    assert found.abs().median().item() == pytest.approx(reference.abs().median().item(), rel=2 * close)
    assert found.abs().max().item() == pytest.approx(reference.abs().max().item(), rel=0.35)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")  # effdet uses it where it is imported
@pytest.mark.parametrize(("recipe", "function"), [(Effdet(), "_init_weight"), (EffdetAlt(), "_init_weight_alt")])
def test_convolutions_start_as_effdets(recipe: Init, function: str) -> None:
    from effdet import efficientdet

    torch.manual_seed(1)
    separable = efficientdet.SeparableConv2d(128, 160, bias=True)
    plain = efficientdet.ConvBnAct2d(128, 160, 3, bias=True, act_layer=None)
    for module in (*separable.modules(), *plain.modules()):
        getattr(efficientdet, function)(module, "fpn.cell.0")
    inputs = (Feature(3, 128),)

    found = initialised(recipe, SeparableConv().build(inputs, WIDE)).state_dict()
    found_plain = initialised(recipe, Conv().build(inputs, WIDE)).state_dict()

    assert_alike(found["depthwise.weight"], separable.conv_dw.weight.detach())
    assert_alike(found["pointwise.weight"], separable.conv_pw.weight.detach())
    assert_alike(found_plain["weight"], plain.conv.weight.detach())
    assert not found["pointwise.bias"].any()
    assert not found_plain["bias"].any()


RECIPES = [Effdet(), EffdetAlt(), Torchvision()]


class Halved(Effdet):
    """Somebody's recipe, which needs the weights that torch draws."""

    name: ClassVar[str] = "halved"

    def apply(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            module.weight.data /= 2


def test_a_recipe_with_a_rule_of_its_own_is_asked_anew_whether_it_sets_all() -> None:
    assert [recipe.does_set_all() for recipe in (*RECIPES, Halved(), Init())] == [True, True, True, False, False]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("module", [nn.Conv2d(2, 3, 2), nn.BatchNorm2d(6), nn.GroupNorm(2, 6)])
def test_a_recipe_sets_all_weights_and_biases(recipe: Init, module: nn.Module) -> None:
    module = copy.deepcopy(module)
    for parameter in module.parameters():
        nn.init.constant_(parameter, math.nan)

    recipe.apply(module)

    assert all(parameter.isfinite().all() for parameter in module.parameters())


def test_a_glorot_weight_stays_within_its_limit() -> None:
    weight = initialised(Effdet(), nn.Conv2d(50, 100, 1)).weight

    limit = math.sqrt(6 / 150)
    assert isinstance(weight, Tensor)
    assert 0.98 * limit < weight.abs().max().item() <= limit


def test_convolutions_start_as_torchvisions() -> None:
    torch.manual_seed(1)
    theirs = FeaturePyramidNetwork([128], 160, LastLevelP6P7(160, 160)).state_dict()
    found = OrderedDict(
        inner=initialised(Torchvision(), Conv(kernel=1).build((Feature(3, 128),), WIDE)),
        layer=initialised(Torchvision(), Conv().build((Feature(3, 160),), WIDE)),
        p6=initialised(Torchvision(), StridedConv().build((Feature(5, 160),), WIDE)),
    )

    pairs = {"inner": "inner_blocks.0.0", "layer": "layer_blocks.0.0", "p6": "extra_blocks.p6"}
    for name, path in pairs.items():
        assert_alike(found[name].state_dict()["weight"], theirs[f"{path}.weight"])
        assert not found[name].state_dict()["bias"].any()
        assert not theirs[f"{path}.bias"].any()


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("norm", [nn.BatchNorm2d(6), nn.GroupNorm(2, 6)], ids=["batch", "group"])
def test_norms_start_at_one_and_zero(recipe: Init, norm: nn.BatchNorm2d | nn.GroupNorm) -> None:
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)

    recipe.apply(norm)

    assert (norm.weight.tolist(), norm.bias.tolist()) == ([1.0] * 6, [0.0] * 6)


@pytest.mark.parametrize("recipe", RECIPES)
def test_weights_of_other_modules_stay(recipe: Init) -> None:
    linear = nn.Linear(3, 3)
    before = linear.weight.clone()

    recipe.apply(linear)

    assert torch.equal(linear.weight, before)
