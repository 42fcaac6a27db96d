"""DAMO-YOLO's neck, of modelscope's files for it alone: the rest of modelscope asks for much more."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.oracles.reference import Reference, library
from tests.oracles.references.unimported import bare

BASE = "models.cv.tinynas_detection.damo.base_models"
# What the configurations of the publication say of the neck.
SIZES: Mapping[str, Mapping[str, Any]] = {
    "t": {"in_channels": [96, 192, 384], "out_channels": [64, 128, 256], "act": "relu"},
    "s": {"in_channels": [128, 256, 512], "out_channels": [128, 256, 512], "act": "relu", "hidden_ratio": 0.75},
    "m": {"in_channels": [128, 256, 512], "out_channels": [128, 256, 512], "act": "silu", "depth": 1.5},
}


def damo_yolo(size: str) -> Reference:
    """The neck of DAMO-YOLO in a size of its publication."""
    neck = _necks().GiraffeNeckV2(block_name="BasicBlock_3x3_Reverse", **SIZES[size])
    neck.register_forward_hook(lambda _module, _given, maps: list(maps))
    return Reference(neck, dict(enumerate(SIZES[size]["in_channels"], 3)), (3, 4, 5), multiple=32)


@cache
def _necks() -> Any:
    parts = BASE.split(".")
    with library("modelscope"):
        bare("modelscope", *(".".join(parts[: n + 1]) for n in range(len(parts))), f"{BASE}.necks", f"{BASE}.core")
        from modelscope.models.cv.tinynas_detection.damo.base_models.necks import giraffe_fpn_btn
    return giraffe_fpn_btn
