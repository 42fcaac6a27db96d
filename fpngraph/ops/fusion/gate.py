"""Fusions in which one map weighs another."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from fpngraph.ops.base import Fusion
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register


@register
class GlobalGate(Plain, Fusion):
    """``g + sigmoid(pool(g)) * x``: one of two maps, ``g``, weighs the channels of the other (arXiv:1904.07392).

    mmdet's NAS-FPN has the second as ``g`` and averages; TensorFlow's has the first, the coarser one, and the maximum.
    """

    name: ClassVar[str] = "global_gate"
    modules = ("fpngraph.layers.fusion.gate.GlobalGate",)
    layout = "any"
    takes: ClassVar[int | None] = 2
    badge: ClassVar[str] = "gate"

    gate: Literal["first", "second"] = Field(default="first", description="Which of the two maps is g.")
    pool: Literal["avg", "max"] = Field(default="max", description="The mean or the maximum of each channel of g.")


@register
class Inject(Plain, Fusion):
    """``a * b + c`` of three maps: b weighs a, and c is added (Gold-YOLO's injection, arXiv:2309.11331 Sec. 3.3)."""

    name: ClassVar[str] = "inject"
    modules = ("fpngraph.layers.fusion.gate.Inject",)
    layout = "any"
    takes: ClassVar[int | None] = 3
