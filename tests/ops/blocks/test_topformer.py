"""A transformer of convolutions is its paper's equations, and keeps what every operator promises."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.feature import Feature
from fpngraph.ops import Mismatch
from fpngraph.ops.blocks.topformer import TopFormer
from tests.ops.blocks.equations import SITE, Block, Weights

PLACE = (Feature(5, 12),), replace(SITE, channels=16)


def attended(w: Weights, name: str, x: Tensor, heads: int, key: int) -> Tensor:
    """Each head by itself: what its pixels see, of all pixels."""
    found = []
    for rows in w.cn(f"{name}.qkv", x).chunk(heads, dim=1):
        pixels = rows.flatten(2)
        q, k, v = pixels[:, :key], pixels[:, key : 2 * key], pixels[:, 2 * key :]
        scores = torch.exp(torch.einsum("bcn,bcm->bnm", q, k))
        seen = torch.einsum("bnm,bcm->bcn", scores / scores.sum(2, keepdim=True), v)
        found.append(seen.unflatten(2, x.shape[2:]))
    return w.cn(f"{name}.proj", torch.cat(found, dim=1).clamp(0, 6))


def topformer(w: Weights, x: Tensor, blocks: int = 1, heads: int = 4, key: int = 8) -> Tensor:
    for number in range(blocks):
        x = x + attended(w, f"{number}.attn", x, heads, key)
        name = f"{number}.mlp"
        hidden = w.cn(f"{name}.fc1", x)
        weight, bias = (w.tensors[f"{name}.dwconv.conv.{it}"] for it in ("weight", "bias"))
        x = x + w.cn(f"{name}.fc2", F.conv2d(hidden, weight, bias, padding=1, groups=hidden.shape[1]).clamp(0, 6))
    return x


CASES = {
    "topformer": Block(TopFormer(), topformer, 5),
    "topformer, two": Block(
        TopFormer(blocks=2, heads=2, key=3, value=5, expand=1.5), partial(topformer, blocks=2, heads=2, key=3), 10
    ),
}


def test_what_a_later_block_adds_is_left_out_more_often() -> None:
    module = TopFormer(blocks=3, drop_path=0.2).made(*PLACE)

    found = {name: float(part.drop_prob) for name, part in module.named_modules() if hasattr(part, "drop_prob")}

    assert found == {f"{it}.{of}.drop.drop_path": it / 10 for it in (1, 2) for of in ("attn", "mlp")}


def test_its_activation_is_the_one_said() -> None:
    module = TopFormer(act="gelu").made(*PLACE)

    assert [type(part) for part in module.modules() if "activation" in type(part).__module__] == [nn.GELU, nn.GELU]


def test_hidden_channels_that_are_no_whole_number_are_told() -> None:
    with pytest.raises(Mismatch) as caught:
        TopFormer(expand=0.3).infer(*PLACE)

    assert caught.value.reason == "works with 0.3 times the 12 channels that it gives, which is no whole number"
