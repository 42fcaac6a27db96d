"""The currency between backbone, nodes and heads: a feature map's level and channels."""

from __future__ import annotations

from typing import Literal, NamedTuple

Padding = Literal["symmetric", "same"]
"""Where zeros go around a map: as many before it as after it, or as TensorFlow has it."""
PaddingRule = Padding | Literal["after"]
"""What a window is built with; ``after``: it starts with the map's first pixel, padding comes after the last one."""


class Feature(NamedTuple):
    """What is known of a feature map before any image is seen. Level l has stride 2^l."""

    level: int
    channels: int

    @property
    def stride(self) -> int:
        """Pixels of the image per pixel of the map."""
        return 1 << self.level


class Size(NamedTuple):
    """Height and width of a map in pixels."""

    height: int
    width: int
