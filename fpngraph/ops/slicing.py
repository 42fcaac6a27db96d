"""A layer that takes a map apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator
from pydantic.config import JsonDict

from fpngraph.feature import Feature
from fpngraph.inference.parts import Part
from fpngraph.ops.base import Free, Layer, Mismatch, Site
from fpngraph.ops.plain import made_of
from fpngraph.ops.reading import wrong
from fpngraph.ops.registry import register

if TYPE_CHECKING:
    from torch import nn

_BY_PART: JsonDict = {"required": ["index"], "properties": {"start": False, "channels": False}}
_BY_CHANNEL: JsonDict = {"required": ["start", "channels"], "properties": {"index": False, "parts": False}}


@register
class Slice(Free, Layer):
    """Some of the channels: the part ``index`` of ``parts`` equal ones, or ``channels`` from ``start`` on."""

    name: ClassVar[str] = "slice"
    example = "{index: 0}"
    modules = ("fpngraph.layers.composite.Slice",)
    layout = "any"
    model_config = ConfigDict(json_schema_extra={"oneOf": [_BY_PART, _BY_CHANNEL]})

    index: NonNegativeInt | None = Field(default=None, description="Which of the parts, from 0 on.")
    parts_: PositiveInt | None = Field(default=None, alias="parts", description="How many equal parts; 2 by default.")
    start: NonNegativeInt | None = Field(default=None, description="The first channel.")
    channels: PositiveInt | None = Field(default=None, description="How many channels from there on.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_part = self.index is not None and self.start is None and self.channels is None
        by_channel = self.start is not None and self.channels is not None and self.index is self.parts_ is None
        if not (by_part or by_channel):
            raise wrong("{slice: {index: 0}}, {slice: {index: 0, parts: 2}} or {slice: {start: 0, channels: 8}}")
        return self

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        return inputs[0]._replace(channels=self._range(inputs[0].channels)[1])

    def _range(self, channels: int) -> tuple[int, int]:
        """The first channel, and how many there are."""
        if self.start is not None and self.channels is not None:
            if self.start + self.channels > channels:
                last = self.start + self.channels - 1
                raise Mismatch(f"takes channels {self.start} to {last}, but the map has 0 to {channels - 1}")
            return self.start, self.channels
        assert self.index is not None
        parts = self.parts_ or 2
        if self.index >= parts:
            raise Mismatch(f"takes part {self.index} of {parts}, which are 0 to {parts - 1}")
        if channels % parts:
            raise Mismatch(f"takes one of {parts} equal parts, which do not divide the {channels} channels")
        return self.index * channels // parts, channels // parts

    def build(self, inputs: tuple[Feature, ...], site: Site) -> nn.Module:
        return made_of(self, *self._range(inputs[0].channels))

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, commutes="always"),)
