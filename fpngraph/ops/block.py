"""An operator that is a list of layers, written in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic_core import PydanticCustomError

from fpngraph.feature import Feature
from fpngraph.ops.base import Layer, Mismatch, Operator, Site
from fpngraph.ops.composite import Composite, Steps, listed, output_of, with_words
from fpngraph.ops.reading import read_layers

_DEEPEST = 16  # blocks and composites in each other


class Block(Composite, Layer):
    """A layer that is made of others: its one rule is :meth:`layers`.

    What it takes and gives, what it costs, its module, its inference form and its export follow from that.

    >>> @fpngraph.register
    ... class Bottleneck(fpngraph.Block):
    ...     name = "my_bottleneck"
    ...     width: int = 32
    ...
    ...     def layers(self, in_channels, out_channels):
    ...         narrow = {"conv": {"kernel": 1, "channels": self.width}}
    ...         return {"cv1": [narrow, "norm", "act"], "cv2": ["conv", "norm", "act"]}
    """

    follow: ClassVar[bool] = True
    """Whether each list takes what the one before it gives, else all take the map."""

    def layers(self, in_channels: int, out_channels: int) -> Sequence[Any] | Mapping[str, Sequence[Any] | Operator]:
        """A list of layers as a graph file has them, or several by name, one after the other.

        A layer is ``"name"``, ``{"name": {settings}}`` or an operator; ``"norm"`` and ``"act"`` are the node's. Names
        of lists are those in the state dict; an operator in place of a list has the name itself. ``out_channels`` is
        what the place wants, mostly the node's channels; a convolution that does not say its channels gives as many.
        """
        raise NotImplementedError(type(self).__name__)

    def inner_steps(self, feature: Feature, site: Site) -> Mapping[str, Steps]:
        if site.depth >= _DEEPEST:
            raise Mismatch(f"holds layers more than {_DEEPEST} deep", "a block does not hold itself")
        out_channels = site.channels or feature.channels
        own = replace(site, channels=out_channels, outer=None, depth=site.depth + 1)
        given = self.layers(feature.channels, out_channels)
        found: dict[str, Steps] = {}
        for name, layers in (given if isinstance(given, Mapping) else {"": given}).items():
            if isinstance(given, Mapping) and not (isinstance(name, str) and name.replace("_", "0").isalnum()):
                raise Mismatch(f"calls a list of layers {name!r}, which is no name", "letters, digits and _ make one")
            operators = layers if isinstance(layers, Operator) else self._operators(name, layers, site)
            found[name] = listed(operators, feature, own, name)
            if self.follow:
                feature = output_of(found[name], feature)
        return found

    def infer(self, inputs: tuple[Feature, ...], site: Site) -> Feature:
        (feature,) = inputs
        for done in self.inner_steps(feature, site).values():
            feature = output_of(done, feature)
        return feature

    def _operators(self, name: str, layers: Sequence[Any], site: Site) -> Sequence[Operator]:
        words = {word: operator for word, operator in (("norm", site.norm), ("act", site.act)) if operator is not None}
        try:
            return with_words(read_layers(layers), words)
        except PydanticCustomError as error:
            raise _wrong(name, layers, error) from None
        except KeyError as error:
            raise Mismatch(f"needs the node's {error.args[0]!r}") from None


def _wrong(name: str, layers: object, error: PydanticCustomError) -> Mismatch:
    """What is wrong in a list of layers that a block gives: its innermost finding."""
    place, found = (name,) if name else (), layers
    context, hint = error.context or {}, None
    while context.get("nested"):
        detail = context["nested"][0]
        place, found, context, hint = (*place, *detail["loc"]), detail["input"], detail.get("ctx", {}), detail["msg"]
    required = context.get("required")
    where = f" at {'.'.join(map(str, place))!r}" if place else ""
    wanted = f", but must have {required}" if required else ""
    return Mismatch(f"has {found!r} in its layers{where}{wanted}", context.get("hint") if required else hint)
