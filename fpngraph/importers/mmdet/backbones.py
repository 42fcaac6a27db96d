"""At which strides the backbones of mmdet give their maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import mul
from typing import Any

from fpngraph.language.yaml.value import Value

_FOUR = (4, 8, 16, 32)
_DOUBLED = (2, 4, 8, 16, 32, 64)
_STAGED = ("ResNet", "ResNetV1d", "ResNeXt", "ResNeSt", "Res2Net", "RegNet", "TridentResNet", "DetectoRS_ResNet")
_STRIDES: Mapping[str, tuple[Sequence[int], Sequence[int]]] = {
    **dict.fromkeys((*_STAGED, "DetectoRS_ResNeXt", "ConvNeXt", "SwinTransformer"), (_FOUR, (0, 1, 2, 3))),
    **dict.fromkeys(("PyramidVisionTransformer", "PyramidVisionTransformerV2"), (_FOUR, (0, 1, 2, 3))),
    **dict.fromkeys(("CSPDarknet", "CSPNeXt"), (_DOUBLED, (2, 3, 4))),
    "HRNet": (_FOUR, ()),
    "SSDVGG": ((8, 16), ()),
    "Darknet": ((1, *_DOUBLED), (3, 4, 5)),
    "EfficientNet": ((2, 2, 4, 8, 16, 32, 32), (3, 4, 5)),
    "MobileNetV2": ((2, 4, 8, 16, 16, 32, 32, 32), (1, 2, 4, 7)),
    "TIMMBackbone": (_DOUBLED, (0, 1, 2, 3, 4)),
}
"""By class: the strides by index, and the indices that come out where a configuration does not say (none: all)."""


def strides_of(backbone: Value | None) -> list[int] | None:
    """The strides of a backbone's maps, finest first; None where they are not known."""
    said: Mapping[str, Any] = backbone.plain() if backbone is not None and backbone.entries else {}
    kind = str(said.get("type")).rpartition(".")[2]
    if kind not in _STRIDES:
        return None
    strides, default = _STRIDES[kind]
    steps = said.get("strides")
    if steps is not None:
        if not isinstance(steps, list) or not all(isinstance(step, int) for step in steps):
            return None
        first = 1 if kind in ("SwinTransformer", "PyramidVisionTransformer", "PyramidVisionTransformerV2") else 4
        strides = [first * stride for stride in accumulate(steps, mul)]
    indices = said.get("out_indices", default) if default else range(len(strides))
    try:
        return [strides[index] for index in indices]
    except (IndexError, TypeError):
        return None
