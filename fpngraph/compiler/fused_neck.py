"""The inference form of a neck: its forward is written part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import fx, nn

from fpngraph.compiler.compiled import Compiled
from fpngraph.compiler.program import begin, call, end, variable
from fpngraph.compiler.runtime import Features, leave
from fpngraph.compiler.straight import Forward, ImageSizes, Straight
from fpngraph.graph.graph import Graph
from fpngraph.layers.tracing import is_traced


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the forward: the call of a module, the name of its result, and what it is called with."""

    result: str
    module: str
    arguments: tuple[str | int, ...]
    """Names of earlier results; a number is the size of that level."""


class FusedNeck(Compiled):
    """A compiled graph for inference only. Made by ``fuse`` of a neck, whose weights it has a copy of.

    Called as the neck is, and equal to it in eval mode but for rounding. Outputs have the type and the memory format
    of the first input. Gradients of the inputs are right; its weights have none, and ``train()`` is refused.
    """

    unfolded: dict[str, str]
    """What runs as it did, where others are folded: norms that remain, and modules that somebody has put there, changed
    or hooked. Path in the neck to reason; a path of no letters is the neck itself, whose own hooks stay behind."""
    image_sizes: ImageSizes = ()
    """Height and width of the images for whose maps it runs straight code; see ``Neck.fuse``."""
    _lines: Sequence[Line]
    _straight: Straight | None = None
    _general: ClassVar[Forward]
    """The forward for all sizes. Every neck has a class of its own, as torch makes one for what it compiles."""

    def __init__(
        self, neck: Compiled, modules: Mapping[str, nn.Module], lines: Sequence[Line], unfolded: Mapping[str, str]
    ) -> None:
        program = _forward(neck.source_graph, neck.in_channels, lines)
        super().__init__(dict(modules), program, class_name="FusedNeck")
        self.source_graph = neck.source_graph
        self.in_channels, self.out_channels = dict(neck.in_channels), dict(neck.out_channels)
        self.out_strides = dict(neck.out_strides)
        self.unfolded = dict(unfolded)
        self._lines = tuple(lines)
        self.eval()

    def _write(self) -> fx.Graph:
        return _forward(self.source_graph, self.in_channels, self._lines)

    def prepare(self, image_sizes: ImageSizes) -> None:
        """Run straight code for images of these sizes from now on, in the place of those that it had.

        Raises ValueError, and changes nothing, where there is none.
        """
        straight = Straight(self.source_graph, image_sizes)
        straight.require(self, type(self)._general)
        self.image_sizes, self._straight = image_sizes, straight

    def recompile(self) -> Any:
        """As torch has it; maps of the sizes that it is prepared for go another way."""
        code = super().recompile()
        kind: Any = type(self)
        kind._general, kind.forward = kind.forward, FusedNeck._called
        if self._straight is not None:
            self._straight.kept = None  # it was recorded of the program before
        return code

    def _called(self, features: Features) -> Any:
        general = type(self)._general
        if self._straight is None or is_traced():
            return general(self, features)
        return self._straight(self, general, features)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_straight", None)  # it is of these weights, and a copy has its own
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.image_sizes:
            self._straight = Straight(self.source_graph, self.image_sizes)

    def train(self, mode: bool = True) -> Self:
        """Refused, but for ``mode=False``: raises RuntimeError."""
        if mode:
            raise RuntimeError(
                "a fused neck is for inference only\n  hint: train the neck that it was made from, and fuse that again"
            )
        return super().train(mode)


def _forward(graph: Graph, in_channels: Mapping[str, int], lines: Sequence[Line]) -> fx.Graph:
    """The forward of ``lines``. A map that is an output is made the caller's as soon as no line reads it any more."""
    program = fx.Graph()
    features, values, sizes = begin(program, graph, in_channels)
    like = next(iter(values.values()))
    last = {name: index for index, line in enumerate(lines) for name in (line.result, *line.arguments)}
    leaving: dict[int, list[str]] = {}
    for name in dict.fromkeys(graph.outputs.values()):
        if name not in graph.inputs:
            leaving.setdefault(last[name], []).append(name)
    outputs = dict(values)
    for index, line in enumerate(lines):
        arguments = tuple(sizes[it] if isinstance(it, int) else values[it] for it in line.arguments)
        values[line.result] = program.create_node("call_module", line.module, arguments, name=variable(line.result))
        for name in leaving.get(index, ()):
            outputs[name] = call(program, name, leave, values[name], like)
    end(program, features, {name: outputs[source] for name, source in graph.outputs.items()})
    return program
