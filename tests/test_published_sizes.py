"""The numbers of parameters that papers give, of networks whose neck is a shipped graph."""

from __future__ import annotations

import pytest
import timm
import torch
from timm.models.resnet import BasicBlock, ResNet
from torch import nn

import fpngraph


def count(*modules: nn.Module) -> int:
    return sum(x.numel() for module in modules for x in module.parameters())


@pytest.mark.parametrize(
    ("model", "millions"),
    [
        ("swinv2_tiny_window16_256", 43.1),
        ("swinv2_base_window12to24_192to384", 102.6),
        ("swinv2_large_window12to24_192to384", 211.4),
    ],
)
def test_clft_has_weights_of_its_own_for_each_level_and_each_sensor(model: str, millions: float) -> None:
    with torch.device("meta"):
        backbone = timm.create_model(model, num_classes=0)
        widths = [it["num_chs"] for it in backbone.feature_info]
        neck = fpngraph.build(fpngraph.load("clft"), widths * 2)
        head = nn.Sequential(nn.Conv2d(256, 256, 3, bias=False), nn.BatchNorm2d(256), nn.Conv2d(256, 4, 1))

    # arXiv:2609.09881, table XIV. Both sensors have one backbone.
    assert round(count(backbone, neck, head) / 1e6, 1) == millions


@pytest.mark.parametrize(("params", "millions"), [({}, 5.07), ({"smooth": []}, 4.74)], ids=["smooth", "none"])
def test_cobicount_has_the_papers_number_with_a_3x3_convolution_at_each_level(
    params: dict[str, object], millions: float
) -> None:
    widths = (64, 128, 192, 256)
    with torch.device("meta"):
        backbone = ResNet(BasicBlock, (2, 2, 2, 2), num_classes=0, channels=widths)
        neck = fpngraph.build(fpngraph.load("cobicount", **params), widths)
        # Sec. III-D to III-G: 14 heads of one channel, one of three and one of four.
        given = [1] * 14 + [3, 4]
        heads = [nn.Sequential(nn.Conv2d(96, 48, 1), nn.SiLU(), nn.Conv2d(48, it, 1)) for it in given]

    # arXiv:2609.39366, table I has 5.07 million.
    assert round(count(backbone, neck, *heads) / 1e6, 2) == millions
