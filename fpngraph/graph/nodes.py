"""What the language says in the end: inputs, nodes and edges with every setting worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fpngraph.errors import Span
from fpngraph.feature import Padding
from fpngraph.ops import Activation, Fusion, Init, Layer, Norm, Resampler

When = Literal["auto", "always", "never"]
Bias = Literal["auto"] | bool
Order = Literal["project_first", "resample_first"]


@dataclass(frozen=True, slots=True)
class Projection:
    """The 1x1 convolution of an edge: when there is one, and what belongs to it."""

    when: When
    norm: bool
    bias: Bias
    channels: int | None
    """Channels it gives; None stands for the node's."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One input of a node: where it comes from and how it gets to the node's level and channels."""

    source: str
    """Full name of a node, or name of a graph input."""
    reference: str
    """The name by which the node's stage knows the source."""
    down: tuple[Layer | Resampler, ...]
    up: tuple[Layer | Resampler, ...]
    lateral: tuple[Layer, ...]
    projection: Projection
    order: Order
    span: Span | None = field(default=None, compare=False, repr=False)

    def path(self, source: int, level: int) -> tuple[Layer | Resampler, ...]:
        """The layers that a map goes through from level ``source`` to ``level``, besides the projection."""
        return self.lateral if source == level else self.down if source < level else self.up


@dataclass(frozen=True, slots=True)
class Node:
    """One node of one run: fuses its edges, then applies its layers."""

    name: str
    """Full name: ``stage.run.node``, ``stage.node`` or ``node``."""
    level: int
    edges: tuple[Edge, ...]
    fusion: Fusion
    op: tuple[Layer, ...]
    channels: int | None
    norm: Norm
    """The norm of its projections, and of blocks in it."""
    act: Activation
    """The activation of blocks in it."""
    padding: Padding
    init: Init | None
    stage: str | None
    run: int | None
    member: str
    """The node's name within its stage."""
    single: bool = False
    """Whether it is written with one input, so that no fallback decides how many it has, where that matters."""
    span: Span | None = field(default=None, compare=False, repr=False)
    """Where it is declared."""

    @property
    def could_be_single(self) -> bool:
        """Whether it matters that it is written with one input: ``op`` may then do what a projection would."""
        if len(self.edges) != 1 or self.channels is None:
            return False
        if all(isinstance(layer, Norm | Activation) for layer in self.op):
            return False
        projection = self.edges[0].projection
        plain = self.fusion.equal_channels and not self.fusion.weighted
        return plain and projection.when == "auto" and projection.channels is None


@dataclass(frozen=True, slots=True)
class Input:
    """A feature map that the graph is given."""

    name: str
    level: int
    span: Span | None = field(default=None, compare=False, repr=False)


def full_name(stage: str | None, run: int | None, member: str) -> str:
    """``stage.run.member``, ``stage.member`` or ``member``; ``run`` is None for a stage without ``repeat``."""
    parts = [stage, None if run is None else str(run), member]
    return ".".join(part for part in parts if part is not None)
