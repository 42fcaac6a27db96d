"""Blocks that split a map and join its parts are their papers' equations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fpngraph.feature import Feature
from fpngraph.ops import Mismatch, Operator
from fpngraph.ops.blocks.csp import C3, A2C2f, C2f, SppCspc
from tests.ops.blocks.equations import SITE, Block, Weights, act
from tests.ops.contract import assert_exports


def pair(w: Weights, name: str, x: Tensor, shortcut: bool) -> Tensor:
    """Two convolutions, added to the map or not."""
    y = w.cna(f"{name}.cv2", w.cna(f"{name}.cv1", x))
    return x + y if shortcut else y


def cspnext(w: Weights, name: str, x: Tensor, shortcut: bool) -> Tensor:
    channels = x.shape[1]
    y = w.cna(f"{name}.conv1", x)
    y = w.cna(f"{name}.conv2.pointwise_conv", w.cna(f"{name}.conv2.depthwise_conv", y, groups=channels))
    return x + y if shortcut else y


def ghost(w: Weights, name: str, x: Tensor, shortcut: bool) -> Tensor:
    quarter = x.shape[1] // 4
    y = w.cna(f"{name}.conv1.cv1", x)
    y = torch.cat([y, w.cna(f"{name}.conv1.joined.cv2", y, groups=quarter)], dim=1)
    y = w.cn(f"{name}.conv2.cv1", y)
    y = torch.cat([y, w.cn(f"{name}.conv2.joined.cv2", y, groups=2 * quarter)], dim=1)
    return x + y if shortcut else y


def cib(w: Weights, name: str, x: Tensor, shortcut: bool, large: bool = False) -> Tensor:
    channels = x.shape[1]
    y = w.cna(f"{name}.cv2", w.cna(f"{name}.cv1", x, groups=channels))
    if large:
        wide = f"{name}.cv3.branches"
        y = act(w.cn(f"{wide}.conv", y, groups=y.shape[1]) + w.cn(f"{wide}.conv1", y, groups=y.shape[1]))
    else:
        y = w.cna(f"{name}.cv3", y, groups=y.shape[1])
    y = w.cna(f"{name}.cv5", w.cna(f"{name}.cv4", y), groups=channels)
    return x + y if shortcut else y


def attention(w: Weights, name: str, x: Tensor, shortcut: bool) -> Tensor:
    """Each head and each image by itself."""
    x = pair(w, f"{name}.bottleneck", x, shortcut)
    heads = max(x.shape[1] // 64, 1)
    qkv = w.cn(f"{name}.psa.attn.qkv", x)
    seen, values = [], []
    for head in qkv.chunk(heads, dim=1):
        quarter = head.shape[1] // 4
        q, k, *v = head.flatten(2).split(quarter, dim=1)
        scores = torch.einsum("bci,bcj->bij", q, k) / quarter**0.5
        weights = scores.exp() / scores.exp().sum(2, keepdim=True)
        seen.append(
            torch.einsum("bij,bcj->bci", weights, torch.cat(v, dim=1)).reshape(len(x), 2 * quarter, *x.shape[2:])
        )
        values.append(head[:, 2 * quarter :])
    local = w.cn(f"{name}.psa.attn.sum.pe", torch.cat(values, dim=1), groups=x.shape[1])
    x = x + w.cn(f"{name}.psa.attn.proj", torch.cat(seen, dim=1) + local)
    return x + w.cn(f"{name}.psa.ffn.cv2", w.cna(f"{name}.psa.ffn.cv1", x))


def c3(  # noqa: PLR0917  (what a block has)
    w: Weights, x: Tensor, blocks: int = 1, shortcut: bool = False, block: str = "", prefix: str = ""
) -> Tensor:
    y = w.cna(f"{prefix}split.main.cv1", x)
    for number in range(blocks):
        kind = {"cspnext": cspnext, "ghost": ghost}.get(block, pair)
        y = kind(w, f"{prefix}split.main.m.{number}", y, shortcut)
    return w.cna(f"{prefix}cv3", torch.cat([y, w.cna(f"{prefix}split.cv2", x)], dim=1))


def nested(w: Weights, name: str, x: Tensor, shortcut: bool) -> Tensor:
    return c3(w, x, 2, shortcut, prefix=f"{name}.")


def c2f(w: Weights, x: Tensor, blocks: int = 1, shortcut: bool = False, block: str = "") -> Tensor:
    kinds = {"c3": nested, "cib": cib, "large_cib": partial(cib, large=True), "attention": attention}
    kind = kinds.get(block, pair)
    maps = list(w.cna("cv1", x).chunk(2, dim=1))
    for number in range(blocks):
        maps.append(kind(w, f"m.{number}", maps[-1], shortcut))
    return w.cna("cv2", torch.cat(maps, dim=1))


def a2c2f(w: Weights, x: Tensor, blocks: int = 1, shortcut: bool = True) -> Tensor:
    maps = [w.cna("cv1", x)]
    for number in range(blocks):
        maps.append(nested(w, f"m.{number}", maps[-1], shortcut))
    return w.cna("cv2", torch.cat(maps, dim=1))


def sppcspc(w: Weights, x: Tensor) -> Tensor:
    y = w.cna("split.main.cv4", w.cna("split.main.cv3", w.cna("split.main.cv1", x)))
    pooled = [F.max_pool2d(y, side, 1, side // 2) for side in (5, 9, 13)]
    y = w.cna("split.main.cv6", w.cna("split.main.cv5", torch.cat([y, *pooled], dim=1)))
    return w.cna("cv7", torch.cat([y, w.cna("split.cv2", x)], dim=1))


CASES = {
    "sppcspc": Block(SppCspc(), sppcspc, 7),
    "sppcspc, narrow": Block(SppCspc(expand=0.5), sppcspc, 7),
    "c3": Block(C3(), c3, 5),
    "c3, none": Block(C3(blocks=0), partial(c3, blocks=0), 3),
    "c3, three": Block(C3(blocks=3, shortcut=True), partial(c3, blocks=3, shortcut=True), 9),
    "c3, wide": Block(C3(expand=1.5), c3, 5),
    "c3, 3x3": Block(C3(block="bottleneck33", blocks=2), partial(c3, blocks=2), 7),
    "c3, cspnext": Block(C3(block="cspnext"), partial(c3, block="cspnext"), 6),
    "c3, cspnext, added": Block(C3(block="cspnext", shortcut=True), partial(c3, block="cspnext", shortcut=True), 6),
    "c3, ghost": Block(C3(block="ghost"), partial(c3, block="ghost"), 7),
    "c3, ghost, added": Block(
        C3(block="ghost", blocks=2, shortcut=True),
        partial(c3, block="ghost", blocks=2, shortcut=True),
        11,
    ),
    "c2f": Block(C2f(), c2f, 4),
    "c2f, none": Block(C2f(blocks=0), partial(c2f, blocks=0), 2),
    "c2f, three": Block(C2f(blocks=3), partial(c2f, blocks=3), 8),
    "c2f, added": Block(C2f(blocks=2, shortcut=True), partial(c2f, blocks=2, shortcut=True), 6),
    "c2f, narrow": Block(C2f(block="narrow", shortcut=True), partial(c2f, shortcut=True), 4),
    "c2f, c3": Block(C2f(block="c3", blocks=2), partial(c2f, block="c3", blocks=2), 16),
    "c2f, c3, added": Block(C2f(block="c3", shortcut=True), partial(c2f, block="c3", shortcut=True), 9),
    "c2f, cib": Block(C2f(block="cib", shortcut=True), partial(c2f, block="cib", shortcut=True), 7),
    "c2f, large cib": Block(C2f(block="large_cib"), partial(c2f, block="large_cib"), 7),
    "c2f, attention": Block(C2f(block="attention", shortcut=True), partial(c2f, block="attention", shortcut=True), 9),
    "c2f, attention, heads": Block(
        C2f(block="attention", expand=8, blocks=2), partial(c2f, block="attention", blocks=2), 16
    ),
    "a2c2f": Block(A2C2f(), a2c2f, 9),
    "a2c2f, none": Block(A2C2f(blocks=0), partial(a2c2f, blocks=0), 2),
    "a2c2f, two": Block(A2C2f(blocks=2, shortcut=False), partial(a2c2f, blocks=2, shortcut=False), 16),
}


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize(
    "name", ["c3, ghost, added", "c2f, c3, added", "c2f, large cib", "c2f, attention", "a2c2f, two"]
)
def test_an_exported_program_holds_for_other_sizes(name: str) -> None:
    op = CASES[name].op

    assert_exports(op, (Feature(3, 12),), replace(SITE, channels=16), sizes=[(19, 31), (33, 14)])


@pytest.mark.parametrize(
    ("op", "channels", "reason", "hint"),
    [
        (
            C3(),
            15,
            "works with 0.5 times the 15 channels that it gives, which is no whole number",
            "choose other 'channels' of the node or another 'expand'",
        ),
        (
            C2f(expand=0.3),
            16,
            "works with 0.3 times the 16 channels that it gives, which is no whole number",
            "choose other 'channels' of the node or another 'expand'",
        ),
        (C2f(block="attention", expand=1), 194, "attends to 194 channels, which 3 does not divide", None),
        (C3(block="ghost"), 20, "has blocks of 10 channels, which 4 does not divide", None),
    ],
    ids=["odd", "a part", "heads", "ghost"],
)
def test_channels_that_cannot_be_shared_are_told(op: Operator, channels: int, reason: str, hint: str | None) -> None:
    with pytest.raises(Mismatch) as caught:
        op.infer((Feature(3, 12),), replace(SITE, channels=channels))

    assert (caught.value.reason, caught.value.hint) == (reason, hint)


def test_state_dicts_have_the_names_of_the_field() -> None:
    place = (Feature(3, 12),), replace(SITE, channels=16)
    weights = {op.name: list(op.made(*place).state_dict()) for op in (C3(), C2f(), A2C2f(blocks=0))}

    assert [name for name in weights["c3"] if name.endswith("conv.weight")] == [
        "split.main.cv1.conv.weight",
        "split.main.m.0.cv1.conv.weight",
        "split.main.m.0.cv2.conv.weight",
        "split.cv2.conv.weight",
        "cv3.conv.weight",
    ]
    assert [name for name in weights["c2f"] if name.startswith(("cv1", "m.0.cv2"))] == [
        *("cv1.conv.weight", "cv1.norm.weight", "cv1.norm.bias"),
        *("cv1.norm.running_mean", "cv1.norm.running_var", "cv1.norm.num_batches_tracked"),
        *("m.0.cv2.conv.weight", "m.0.cv2.norm.weight", "m.0.cv2.norm.bias"),
        *("m.0.cv2.norm.running_mean", "m.0.cv2.norm.running_var", "m.0.cv2.norm.num_batches_tracked"),
    ]
    assert [name for name in weights["a2c2f"] if name.endswith("conv.weight")] == ["cv1.conv.weight", "cv2.conv.weight"]
