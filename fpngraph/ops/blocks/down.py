"""Down-samplers of several convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, PositiveInt

from fpngraph.feature import Feature
from fpngraph.ops.base import Activation, Down, Mismatch, Norm, Site
from fpngraph.ops.composite import Composite, Steps, listed
from fpngraph.ops.conv import Conv
from fpngraph.ops.registry import register
from fpngraph.ops.resample.strided_conv import StridedConv
from fpngraph.ops.wiring import part


class _AveragedFirst(Composite, Down):
    """One that takes the mean of 2x2 pixels before all else, for ratios of 2."""

    def check_place(self, site: Site) -> tuple[Norm, Activation]:
        """The node's norm and activation. Raises Mismatch where it does not fit."""
        if site.ratio != 2:
            raise Mismatch(
                f"goes down by a ratio of 2, but the edge by {site.ratio}",
                "read from the next finer level, or choose another operator for this edge",
            )
        if site.norm is None or site.act is None:
            raise Mismatch("needs the node's 'norm' and 'act'")
        return site.norm, site.act

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        lists = self.inner_steps(inputs[0], site).values()
        return super().infer(inputs, site)._replace(channels=sum(steps[-1].output.channels for steps in lists))


@register
class AConv(_AveragedFirst):
    """``cv1(avg_pool(x))``: a 3x3 convolution with a stride of 2 of the mean of 2x2 pixels (YOLOv9's smaller ones).

    Of arXiv:2402.13616. ``avg_pool`` has a stride of 1; the convolution is followed by the node's norm and activation.
    For ratios of 2.

    Names: ``cv1`` is that of Ultralytics.
    """

    name: ClassVar[str] = "a_conv"
    modules = ("fpngraph.layers.averaged.AveragedConv",)

    channels: PositiveInt | None = Field(
        default=None, description="Channels it gives; by default what the node needs of the edge, or its source's."
    )

    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        channels = self.channels or site.channels or feature.channels
        layers = (StridedConv(kernel=3, channels=channels), *self.check_place(site))
        return {"cv1": listed(layers, feature, site, "cv1")}


@register
class ADown(_AveragedFirst):
    """``cat(cv1(a), cv2(max_pool(b)))``, ``a, b`` the halves of ``avg_pool(x)`` (YOLOv9, arXiv:2402.13616).

    ``avg_pool`` is the mean of 2x2 pixels with a stride of 1, ``max_pool`` is 3x3 with a stride of 2; ``cv1`` is a 3x3
    convolution with a stride of 2 and ``cv2`` one of 1x1, each with the node's norm and activation. For ratios of 2.

    Names: ``cv1`` and ``cv2`` are those of Ultralytics.
    """

    name: ClassVar[str] = "a_down"
    modules = ("fpngraph.layers.averaged.AverageDown",)

    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        after = self.check_place(site)
        half = feature._replace(channels=part(feature.channels, 2, "takes"))
        channels = part(site.channels or feature.channels, 2)
        lists = {
            "cv1": (StridedConv(kernel=3, channels=channels), *after),
            "cv2": (Conv(kernel=1, channels=channels), *after),
        }
        return {name: listed(layers, half, site, name) for name, layers in lists.items()}
