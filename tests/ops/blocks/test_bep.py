"""A stage of pairs with a learned share of their map is its paper's equation."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from fpngraph.feature import Feature
from fpngraph.ops.blocks.bep import BepC3
from tests.ops.blocks.equations import SITE, Block, Weights, act


def rep(w: Weights, name: str, x: Tensor) -> Tensor:
    branches = f"{name}.branches"
    total = w.cn(f"{branches}.conv_kxk", x) + w.cn(f"{branches}.conv_1x1", x)
    return act(total + w.norm(f"{branches}.identity.norm", x))


def bep_c3(w: Weights, x: Tensor, blocks: int = 1, plain: bool = False) -> Tensor:
    y = w.cna("split.main.cv1", x)
    for number in range(blocks):
        name = f"split.main.m.{number}"
        one, two = f"{name}.main.conv1", f"{name}.main.conv2"
        z = w.cna(two, w.cna(one, y)) if plain else rep(w, two, rep(w, one, y))
        y = z + w.tensors[f"{name}.shortcut.weight"] * y
    return w.cna("cv3", torch.cat([y, w.cna("split.cv2", x)], dim=1))


CASES = {
    "bep_c3": Block(BepC3(), bep_c3, 5),
    "bep_c3, none": Block(BepC3(blocks=0), partial(bep_c3, blocks=0), 3),
    "bep_c3, two": Block(BepC3(blocks=2, expand=0.75), partial(bep_c3, blocks=2), 7),
    "bep_c3, conv": Block(BepC3(block="conv"), partial(bep_c3, plain=True), 5),
}


def test_the_map_is_added_as_it_is_at_the_start() -> None:
    module = BepC3(blocks=2).made((Feature(3, 12),), replace(SITE, channels=16))

    found = {name: value.tolist() for name, value in module.named_parameters() if "shortcut" in name}

    assert found == {f"split.main.m.{number}.shortcut.weight": [1.0] for number in (0, 1)}
