"""A detector as somebody asks for it, before it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fpngraph import efficientdet
from fpngraph.cli.graphs import Choice
from fpngraph.cli.values import UsageError
from fpngraph.efficientdet.by_name import take_over
from fpngraph.efficientdet.checkpoint import read_checkpoint
from fpngraph.efficientdet.weights import has_own_names
from fpngraph.training import read_saved
from fpngraph.training.saved import NotSavedError
from fpngraph.weights.matching import Matched, load_matching


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A detector as somebody asks for it, before it is trained."""

    model: str
    graph: str | None
    preset: str | None
    params: Mapping[str, Any]
    backbone: str | None
    pretrained: bool
    weights: str | None
    image_size: tuple[int, int] | None
    lean: bool

    def build(self, num_classes: int) -> efficientdet.EfficientDet:
        """The detector. Raises Refusal and GraphError."""
        changes: dict[str, Any] = {"num_classes": num_classes, "lean": self.lean}
        if self.preset and not self.graph:
            raise UsageError("--preset is for a graph\n  hint: add --graph GRAPH")
        if self.image_size:
            changes["image_size"] = self.image_size
        if self.backbone:
            changes |= {"backbone": self.backbone, "backbone_args": {}}
        if self.graph:
            changes["match"] = False  # nothing published has to fit
        changes |= self._with_graph()
        model = efficientdet.create(self.model, **changes)
        return self._with_backbone(changes) if self.pretrained and not self.weights else model

    def _with_graph(self) -> dict[str, Any]:
        """The graph, by its name; loaded where it has a preset, which nothing else then scales."""
        if self.graph and self.preset:
            return {"graph": Choice(self.graph, self.preset, self.params).load()}
        return {field: value for field, value in (("graph", self.graph), ("params", dict(self.params))) if value}

    def _with_backbone(self, changes: Mapping[str, Any]) -> efficientdet.EfficientDet:
        try:
            return efficientdet.create(self.model, pretrained_backbone=True, **changes)
        except Exception as error:  # timm fetches by a library that has errors of its own
            told = " ".join(str(error).split())[:200]
            raise UsageError(
                f"the weights of the backbone cannot be had: {told}\n"
                "  hint: --no-pretrained starts with random ones, --weights FILE with those of a checkpoint"
            ) from error

    def load(self, model: efficientdet.EfficientDet) -> Matched | None:
        """The weights that are asked for, as far as they fit. Raises UsageError where none does."""
        if self.weights is None:
            return None
        matched = _taken(model, self.weights)
        if not matched.taken:
            raise UsageError(f"nothing in {self.weights!r} fits the detector: {matched}")
        return matched

    def check(self) -> efficientdet.EfficientDet:
        """The detector for one class, nothing fetched. Raises Refusal and GraphError for what is asked wrongly."""
        model = replace(self, pretrained=False).build(num_classes=1)
        self.load(model)
        return model


def _taken(model: efficientdet.EfficientDet, weights: str) -> Matched:
    """What the detector has taken of a file. Raises StateError and ConfigError."""
    try:
        return load_matching(model, read_saved(weights).state)
    except NotSavedError:
        state = read_checkpoint(weights, ema=None)
        return load_matching(model, state) if has_own_names(state) else take_over(model, weights)
