"""A detector as somebody names it on the command line or trained it, with its weights and the names of its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from fpngraph import efficientdet
from fpngraph.cli import findings
from fpngraph.cli.graphs import Choice
from fpngraph.cli.values import UsageError
from fpngraph.detection.coco import Category, class_names, numbered
from fpngraph.efficientdet.checkpoint import read_checkpoint
from fpngraph.efficientdet.weights import has_own_names, num_classes_in
from fpngraph.training.saved import NotSavedError, read_saved
from fpngraph.weights.state import StateError, differences, refuse

_OF_GRAPH = {"preset": "--preset", "folder": "--graphs"}
_OWN_WEIGHTS = {"graph": "another graph", "params": "-p", "num_classes": "--num-classes"}
"""What published weights do not fit."""
_MATCH = {"match=True": "--match", "match=False": "--no-match"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorChoice:
    """A detector as somebody names it, and what is changed of it."""

    command: Literal["detect", "export"]
    model: str | None
    """None for that of a checkpoint that tells it."""
    weights: str | None
    graph: str | None
    match: bool | None
    preset: str | None
    params: Mapping[str, Any]
    folder: str | None
    num_classes: int | None
    image_size: tuple[int, int] | None
    soft_nms: bool = False
    max_detections: int | None = None

    def changes(self) -> dict[str, Any]:
        """What is changed of its configuration, by the fields of that. Raises UsageError for what nothing would fit."""
        asked = {
            "graph": self.graph,
            "params": dict(self.params),
            "num_classes": self.num_classes,
            "image_size": self.image_size,
            "soft_nms": self.soft_nms,
            "max_detections": self.max_detections,
        }
        changes = {field: value for field, value in asked.items() if value}
        for field, option in _OF_GRAPH.items():
            if getattr(self, field) and not self.graph:
                raise UsageError(f"{option} is for a graph\n  hint: {self._asks_for_a_graph()}")
        if self.model is None and (own := [option for field, option in _OWN_WEIGHTS.items() if field in changes]):
            raise UsageError(f"{own[0]} changes a --model\n  hint: without one, a checkpoint of 'train' says its own")
        if self.match is not None:
            if not self.graph:
                hint = self._asks_for_a_graph()
                raise UsageError(f"--match and --no-match are for a graph file\n  hint: {hint}")
            changes["match"] = self.match
        for field, option in _OWN_WEIGHTS.items():
            if field in changes and not self.weights:
                raise UsageError(f"{option} needs weights that fit\n  hint: add --weights FILE")
        return changes if self.preset is self.folder is None else self._with_graph(changes)

    def _asks_for_a_graph(self) -> str:
        return "add --graph GRAPH" if self.command == "detect" else "name its GRAPH, with --model NAME"

    def _with_graph(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The changes with the graph loaded, which then keeps what its preset says."""
        if self.match and self.preset:
            raise UsageError("--match sets what --preset sets too: name one of them")
        if self.match:
            raise UsageError("--match is for a graph that needs no --graphs\n  hint: -p sets its parameters")
        graph = Choice(str(self.graph), self.preset, self.params, folder=self.folder).load()
        return {field: value for field, value in changes.items() if field != "params"} | {"graph": graph}

    def make(self, labels: list[str] | None) -> tuple[efficientdet.EfficientDet, Sequence[Category]]:
        """The detector with its weights, and its classes. Raises Refusal and GraphError."""
        changes = self.changes()
        if self.model is None:
            model, categories = trained(
                str(self.weights), "--model NAME says of which detector of effdet's it is", **changes
            )
            return model, renamed(categories, labels)
        published = efficientdet.config(self.model)
        state = read_checkpoint(self.weights, ema=None) if self.weights else {}
        known = self.num_classes or num_classes_in(state, published.num_anchors) or published.num_classes
        _names(labels, known)  # what does not fit is told before anything large is fetched or made
        if known != published.num_classes:
            changes["num_classes"] = known
        with findings.told(self.command, efficientdet.UnmatchedWarning, _MATCH):
            model = efficientdet.create(self.model, pretrained=self.weights is None, **changes)
        if self.weights:
            _load(model, self.model, self.weights, state)
        return model, numbered(_names(labels, model.config.num_classes))


def trained(path: str, hint: str = "", **changes: Any) -> tuple[efficientdet.EfficientDet, tuple[Category, ...]]:
    """The detector in a checkpoint of ``fpngraph train``, and its categories; ``changes`` are of its configuration.

    Raises Refusal, with the hint where the tensors in the file are not of ``fpngraph train``.
    """
    try:
        saved = read_saved(path)
    except NotSavedError as error:
        raise UsageError(f"{error}\n  hint: {hint}" if hint else str(error)) from error
    model = efficientdet.from_recipe(saved.recipe, **changes)
    refuse(f"{path!r} does not fit its own recipe", differences(saved.state, model.state_dict()))
    model.load_state_dict(dict(saved.state))
    return model, saved.categories


def _load(model: efficientdet.EfficientDet, name: str, weights: str, state: Mapping[str, Tensor]) -> None:
    if any(key.startswith("model.class_head.") for key in state):
        raise UsageError(f"{weights!r} is of 'fpngraph train', which keeps its own model\n  hint: leave out --model")
    if has_own_names(state):  # what torch.save has written of one of ours
        hint = "the graph, -p and --num-classes say of which neck and of how many classes it is"
        refuse(f"{weights!r} does not fit model {name!r}", differences(state, model.state_dict()), hint)
        model.load_state_dict(state)
    else:
        _load_effdet(model, weights)


def _load_effdet(model: efficientdet.EfficientDet, weights: str) -> None:
    """Weights of effdet's. Raises UsageError, with what the command line has for those that fit in part."""
    try:
        efficientdet.load_effdet(model, weights)
    except StateError as error:
        told, hint, _ = str(error).partition("\n  hint: ")
        way = f"{hint}'fpngraph train --weights FILE' takes every tensor that fits, and trains the rest" if hint else ""
        raise UsageError(f"{told}{way}") from error


def labels_in(path: str | None) -> list[str] | None:
    """The names of the classes in a file, one per line."""
    if path is None:
        return None
    try:
        names = [name.strip() for name in Path(path).read_text(encoding="utf-8-sig").rstrip().split("\n")]
    except UnicodeDecodeError as error:
        raise UsageError(f"{path!r} is no text in UTF-8") from error
    if "" in names:
        raise UsageError(f"{path!r} has no name in line {names.index('') + 1}\n  hint: write one per line")
    return names


def renamed(categories: Sequence[Category], labels: list[str] | None) -> Sequence[Category]:
    """The categories by other names, if there are any."""
    if labels is None:
        return categories
    names = _names(labels, len(categories))
    return tuple(it._replace(name=name) for it, name in zip(categories, names, strict=True))


def _names(labels: list[str] | None, num_classes: int) -> list[str]:
    if labels is not None and len(labels) != num_classes:
        raise UsageError(f"--labels has {len(labels)} names, but the model has {num_classes} classes")
    return labels or class_names(num_classes)
