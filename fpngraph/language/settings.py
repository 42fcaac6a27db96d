"""Settings of nodes and edges: merged key by key, worked out per member, and given their last form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from fpngraph.errors import Problem
from fpngraph.graph.nodes import Edge, Node, Projection, full_name
from fpngraph.language.keys.findings import About, validate
from fpngraph.language.keys.models import Defaults, Resample, Settings
from fpngraph.language.members import Member, Stage, text_of
from fpngraph.language.names import Names
from fpngraph.language.substitution import characters, size, with_index
from fpngraph.language.yaml.value import Value
from fpngraph.ops import Fusion, Layer
from fpngraph.ops.composite import with_words

M = TypeVar("M", bound=Settings)
V = TypeVar("V")

BASE = Defaults.model_validate(
    {
        "fusion": "sum",
        "op": "none",
        "resample": {
            "down": "max_pool",
            "up": "nearest",
            "lateral": "none",
            "project": {"when": "auto", "norm": False, "bias": "auto"},
            "order": "project_first",
        },
        "norm": "batch_norm",
        "act": "relu",
        "padding": "symmetric",
    }
)
"""What holds where neither a node nor any defaults say."""


def merged(outer: M, inner: Settings) -> M:
    """``outer`` with what ``inner`` says; settings inside settings merge, everything else is replaced."""
    updates: dict[str, Any] = {}
    for name in type(outer).model_fields:
        said, before = getattr(inner, name, None), getattr(outer, name)
        if said is not None:
            updates[name] = merged(before, said) if isinstance(before, Settings) else said
    return outer.model_copy(update=updates) if updates else outer


class PerMember(Generic[M]):
    """A mapping of the file as a model: read once, or once per member where it says ``$(...)`` with ``l``."""

    def __init__(self, model: type[M], value: Value, names: Names, subject: str) -> None:
        self._model, self._names, self._about = model, names, About(subject, names.numbers.params)
        self.value = value
        self.characters = characters(value)
        self.varies = self.characters > 0
        self.size = size(value) if self.varies else 0
        self._once = None if self.varies else validate(model, value, names.problems, value.plain(), self._about)

    def at(self, index: int | None) -> M | None:
        """The model for the member at ``index``; None where it is wrong, which is then among the problems."""
        if not self.varies:
            return self._once
        found: list[Problem] = []
        value = with_index(self.value, self._names.numbers.at(index), found)
        model = None if found else validate(self._model, value, found, value.plain(), self._about)
        for problem in found:
            self._names.problems.once(problem.code, problem.message, problem.span, problem.hint, problem.replacement)
        return model


@dataclass(frozen=True, slots=True)
class Finished:
    """The settings of a node in their last form, with words for its norm and act replaced."""

    settings: Defaults
    fusion: Fusion
    op: tuple[Layer, ...]
    path: Mapping[str, Any]
    """What its edges do, as the fields of an ``Edge``."""

    def path_with(self, resample: Resample) -> Mapping[str, Any]:
        """What an edge with settings of its own does."""
        return _path(merged(_said(self.settings.resample), resample), self.settings)

    def lacks(self, level: int) -> tuple[int, ...]:
        """The levels that a mapping of channels has, where it lacks this one."""
        said = self.settings.channels
        return tuple(said) if isinstance(said, dict) and level not in said else ()

    def node(self, stage: Stage, run: int | None, member: Member, edges: tuple[Edge, ...]) -> Node:
        """The node that ``member`` is in one run of its stage."""
        text = text_of(member.key)
        said = self.settings
        node = Node(
            name=full_name(stage.name, run, text),
            level=member.level,
            edges=edges,
            fusion=self.fusion,
            op=self.op,
            channels=said.channels[member.level] if isinstance(said.channels, dict) else said.channels,
            norm=_said(said.norm),
            act=_said(said.act),
            padding=_said(said.padding),
            init=said.init,
            stage=stage.name,
            run=run,
            member=text,
            span=member.span,
        )
        return replace(node, single=True) if member.single and node.could_be_single else node


def finished(settings: Defaults) -> Finished:
    """The settings of a node in their last form."""
    path = _path(_said(settings.resample), settings)
    return Finished(settings, _said(settings.fusion), _layers(settings.op, settings), path)


def _said(value: V | None) -> V:
    """A setting that BASE has, so that somebody always says it."""
    if value is None:
        raise TypeError("settings that are not merged with BASE")
    return value


def _layers(layers: Any, settings: Defaults) -> tuple[Any, ...]:
    """Layers with the node's own norm and activation in place of the words for them."""
    return with_words(layers, {"norm": _said(settings.norm), "act": _said(settings.act)})


def _path(resample: Resample, settings: Defaults) -> Mapping[str, Any]:
    project: Any = resample.project
    return {
        "down": _layers(resample.down, settings),
        "up": _layers(resample.up, settings),
        "lateral": _layers(resample.lateral, settings),
        "projection": Projection(project.when, project.norm, project.bias, project.channels),
        "order": resample.order,
    }
