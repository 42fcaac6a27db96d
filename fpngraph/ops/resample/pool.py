"""Pooling to a coarser level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from fpngraph.inference.parts import Part
from fpngraph.ops.base import Down, Site
from fpngraph.ops.plain import Plain
from fpngraph.ops.registry import register
from fpngraph.ops.resample.windows import Kernel, padding_rule, side

if TYPE_CHECKING:
    from torch import nn


class _Pool(Plain, Down):
    kernel: Kernel | None = Field(
        default=None, description="Side of the window in pixels; by default the ratio of the two strides plus one."
    )

    def arguments(self, site: Site) -> Sequence[Any]:
        kernel = site.ratio + 1 if self.kernel is None else side(self.kernel, site)
        return kernel, site.ratio, padding_rule(self.kernel, site)


@register
class MaxPool(_Pool):
    """Max pooling with the ratio as stride; EfficientDet's (arXiv:1911.09070) takes a window of ratio + 1."""

    name: ClassVar[str] = "max_pool"
    modules = ("fpngraph.layers.resample.pool.MaxPool",)
    layout = "any"

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="non_negative"),)


@register
class AvgPool(_Pool):
    """Average pooling with the ratio as stride; padding counts, as in effdet's (arXiv:1911.09070)."""

    name: ClassVar[str] = "avg_pool"
    modules = ("fpngraph.layers.resample.pool.AvgPool",)
    layout = "any"

    def parts(self, module: nn.Module) -> Sequence[Part]:
        return (Part(module, "new_or_input", commutes="always"),)
