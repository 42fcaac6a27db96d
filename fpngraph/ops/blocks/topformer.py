"""Transformer blocks whose layers are convolutions with batch norms (TopFormer, arXiv:2204.05525 Sec. 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, PositiveInt

from fpngraph.ops.base import Operator
from fpngraph.ops.block import Block
from fpngraph.ops.blocks.psa import Seen
from fpngraph.ops.reading import ActivationSetting
from fpngraph.ops.registry import register
from fpngraph.ops.wiring import Chain, Residual, cn, numbered, share


@register
class TopFormer(Block):
    """``y + fc2(act(dwconv(fc1(y))))``, ``y = x + proj(act(seen))``, some times over (TopFormer, arXiv:2204.05525).

    ``seen`` is what each pixel sees of all others by ``qkv(x)``: ``softmax(q k) v`` of each head, where nothing is
    divided. All but ``dwconv``, which is depthwise, 3x3 and has a bias, are 1x1 with a norm, so that the inference form
    has convolutions only; there are no positions. It keeps the channels that it takes. Gold-YOLO (arXiv:2309.11331)
    has it at the level above its coarsest.

    Names: ``0.attn.qkv`` has for each head the rows of ``to_q``, ``to_k`` and ``to_v`` of the authors' code,
    ``0.attn.proj`` is its ``attn.proj.1``, and ``0.mlp.fc1``, ``0.mlp.dwconv`` and ``0.mlp.fc2`` are those of its
    ``mlp``.
    """

    name: ClassVar[str] = "topformer"

    blocks: int = Field(default=1, ge=1, le=100, description="How many, one after the other.")
    heads: PositiveInt = Field(default=4, description="Heads of attention.")
    key: PositiveInt = Field(default=8, description="Channels of a head's queries, and of its keys.")
    value: PositiveInt = Field(default=16, description="Channels of a head's values.")
    expand: float = Field(default=1, gt=0, le=16, description="Channels between fc1 and fc2, as a share of the map's.")
    act: ActivationSetting = Field(default="relu6", validate_default=True, description="The activation of all.")
    drop_path: float = Field(
        default=0, ge=0, lt=1, description="Probability of what the last block adds to be left out; 0 for the first."
    )

    def layers(self, in_channels: int, out_channels: int) -> Mapping[str, Sequence[Any] | Operator]:
        last = max(self.blocks - 1, 1)
        return numbered([self._block(in_channels, self.drop_path * it / last) for it in range(self.blocks)])

    def _block(self, channels: int, dropped: float) -> Operator:
        hidden = share(channels, self.expand)
        depthwise = {"conv": {"channels": hidden, "groups": hidden}}
        drop = {"drop": [{"drop_path": {"p": dropped}}]} if dropped else {}
        attn = {
            "qkv": cn(1, self.heads * (2 * self.key + self.value)),
            "seen": Seen(heads=self.heads, key=self.key, scale=False),
            "proj": [self.act, *cn(1, channels)],
        }
        mlp = {"fc1": cn(1, hidden), "dwconv": [depthwise, self.act], "fc2": cn(1, channels)}
        return Chain(lists={"attn": Residual(lists={**attn, **drop}), "mlp": Residual(lists={**mlp, **drop})})
