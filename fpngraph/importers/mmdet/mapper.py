"""mmdet's ChannelMapper, for which there is no shipped graph: each level by itself, and coarser ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fpngraph.importers.mmdet.models import Mapper
from fpngraph.importers.mmdet.parts import NORMS, activation
from fpngraph.importers.settings import STRIDED, Findings
from fpngraph.importers.shipped import Piece
from fpngraph.language.yaml.writing import to_yaml

_NAME = "Channel mapper"


@dataclass(frozen=True, kw_only=True)
class Made(Piece):
    """A neck with a graph of its own, ``data``, in the place of a shipped one; ``norm`` is the name of its norms."""

    data: Mapping[str, Any]
    norm: str

    @property
    def text(self) -> str:
        """The graph file."""
        return to_yaml(self.data)

    @property
    def used(self) -> Mapping[str, Any]:
        """The graph as a stage of another one."""
        return {"use": self.data}

    def table(self) -> Mapping[str, Any]:
        """What its tensors are called."""
        high, norm = self.levels[-1] + 1, self.norm
        names = [
            {"ours": "P{l}.op.conv", "theirs": "convs.{l-min}.conv"},
            {"ours": "P{l}.op.norm", "theirs": f"convs.{{l-min}}.{norm}"},
            {"ours": "P{l}.edges.{source}.strided_conv", "theirs": f"extra_convs.{{l-{high}}}.conv"},
            {"ours": "P{l}.edges.{source}.norm", "theirs": f"extra_convs.{{l-{high}}}.{norm}"},
        ]
        return {"source": self.source, "graph": _NAME, "names": names}


def channel_mapper(said: Mapper, levels: Sequence[int], found: Findings) -> Made:
    """ChannelMapper."""
    found.only("conv_cfg", None)
    if said.kernel_size % 2 == 0:
        found.add("kernel_size", f"'kernel_size' is {said.kernel_size}, but must be odd")
    norm = found.norm("norm_cfg", said.norm_cfg, NORMS)
    act = activation(said.act_cfg, found) if said.act_cfg is not None else None
    more = (said.num_outs or len(levels)) - len(levels)
    if more < 0:
        found.add("num_outs", f"'num_outs' is {said.num_outs}, but {len(levels)} maps come in")
    behind = [*(["norm"] if norm else []), *(["act"] if act else [])]
    bias = {} if said.bias == "auto" else {"bias": said.bias}
    low, high = levels[0], levels[-1]
    defaults: dict[str, Any] = {"channels": said.out_channels}
    defaults |= ({"norm": norm} if norm else {}) | ({"act": act} if act else {})
    strided = {"strided_conv": STRIDED["strided_conv"] | bias}
    nodes: dict[str, Any] = {
        f"P({low}..{high})": {"inputs": ["C(l)"], "op": [{"conv": {"kernel": said.kernel_size} | bias}, *behind]}
    }
    if more > 0:
        nodes[f"P{high + 1}"] = {"inputs": [{"from": f"C{high}", "down": [strided, *behind]}]}
    if more > 1:
        family = f"P({high + 2}..{high + more})"
        nodes[family] = {"inputs": [{"from": "P(l-1)", "down": [strided, *behind]}]}
    data = {
        "fpngraph": 1,
        "name": _NAME,
        "description": "Each level of the backbone by itself, and coarser ones by strided convolutions.",
        "inputs": f"C({low}..{high})",
        "defaults": defaults,
        "nodes": nodes,
        "outputs": f"P({low}..{high + max(more, 0)})",
    }
    kind = "gn" if norm and said.norm_cfg["type"] == "GN" else "bn"
    outputs = range(low, high + max(more, 0) + 1)
    return Made("channel_mapper", "mmdet.ChannelMapper", levels, outputs, data=data, norm=kind)
