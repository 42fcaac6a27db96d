"""The inference form of a neck: its forward is written part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, fx, nn

from fpngraph.compiled import Compiled, begin, call, end, variable
from fpngraph.graph import Graph
<<<<<<< HEAD
from fpngraph.layers.inference import Entry, Pointwise, Term
=======
>>>>>>> fuse
from fpngraph.layers.layout import channels_last, contiguous, is_channels_last


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

    _lines: Sequence[Line]

    def __init__(self, neck: Compiled, modules: Mapping[str, nn.Module], lines: Sequence[Line]) -> None:
        program = _forward(neck.source_graph, neck.in_channels, lines)
        super().__init__(dict(modules), program, class_name="FusedNeck")
        self.source_graph = neck.source_graph
        self.in_channels, self.out_channels = dict(neck.in_channels), dict(neck.out_channels)
        self.out_strides = dict(neck.out_strides)
        self._lines = tuple(lines)
        self.eval()

    def _write(self) -> fx.Graph:
        return _forward(self.source_graph, self.in_channels, self._lines)

    def train(self, mode: bool = True) -> Self:
        """Refused, but for ``mode=False``: raises RuntimeError."""
        if mode:
            raise RuntimeError(
                "a fused neck is for inference only\n  hint: train the neck that it was made from, and fuse that again"
            )
        return super().train(mode)


<<<<<<< HEAD
def fuse(neck: Neck, dtype: torch.dtype | None) -> FusedNeck:
    """The inference form of ``neck``, which stays as it is; see ``Neck.fuse``."""
    plan = _Plan(neck.source_graph, dtype)
    for name, steps in lower(neck.source_graph, neck.in_channels).nodes.items():
        plan.add(steps, neck.get_submodule(name))
    for module in plan.modules.values():
        module.to(dtype=dtype, memory_format=torch.channels_last)
    return FusedNeck(neck, plan.modules, plan.lines)


@dataclass(slots=True)
class _Plan:
    """The lines of a forward, and the modules that they call by their paths. Filled in the order of the graph."""

    graph: Graph
    dtype: torch.dtype | None
    lines: list[Line] = field(default_factory=list)
    modules: dict[str, nn.Module] = field(default_factory=dict)
    owned: set[str] = field(default_factory=set)
    """Nodes whose result nothing else refers to."""

    def add(self, steps: NodeSteps, module: nn.Module) -> None:
        """Append what the node of ``steps`` does, which ``module`` does in the neck."""
        name, sources = steps.node.name, [edge.source for edge in steps.node.edges]
        if not isinstance(module, Node):  # somebody has put it there
            owned = self._join(steps, inference_copy(module))
        else:
            chains = [chain(edge.steps, own) for edge, own in zip(steps.edges, module.edges, strict=True)]
            fusion = inference_copy(module.fusion)
            factors = None if is_hooked(module.fusion) else steps.fusion.op.factors(fusion, len(chains))
            if factors is None:
                edges = [
                    it.run(owned=self._is_dead(name, source))[0] for it, source in zip(chains, sources, strict=True)
                ]
                owned = self._join(steps, Node(edges, inference_copy(module.fusion), []))
            else:
                owned = self._sum(steps, chains, factors)
            op, owned = chain(steps.op, module.op).run(owned=owned)
            for index, part in enumerate(op):
                self._call(name, f"{name}.op.{index}", part, name)
        if owned:
            self.owned.add(name)
        else:
            self.owned -= set(sources)  # the result may be one of them

    def _join(self, steps: NodeSteps, module: nn.Module) -> bool:
        """One call for all edges and their fusion; whether the result is known to be the node's own."""
        name = steps.node.name
        maps = [self._entered(name, index, edge.source) for index, edge in enumerate(steps.node.edges)]
        self._call(name, f"{name}.all", module, steps.node.level, *maps)
        return False

    def _sum(self, steps: NodeSteps, chains: Sequence[Chain], factors: Sequence[float]) -> bool:
        """A line for each edge, from the one that costs least to add to; whether the result is the node's own."""
        name, sources = steps.node.name, [edge.source for edge in steps.node.edges]
        rests = [take_factor(it.parts, factor) for it, factor in zip(chains, factors, strict=True)]
        made = [it.run(owned=self._is_dead(name, source)) for it, source in zip(chains, sources, strict=True)]

        def price(index: int) -> tuple[bool, bool, bool]:
            edge, owned = made[index]
            return rests[index] != 1, not owned, len(edge) > 0 and isinstance(edge[-1], Interpolate)

        order = sorted(range(len(made)), key=price)
        first, others = order[0], sorted(order[1:])
        copies = rests[first] != 1 or (steps.fusion.op.weighted and len(made) == 1)
        for index in (first, *others):
            edge, owned = made[index]
            begins = index == first
            term = Term(edge, rests[index], writes=owned if begins else writes, copies=copies and begins)
            arguments = [steps.node.level, self._entered(name, index, sources[index], edge)]
            self._call(name, f"{name}.edges.{index}", term, *arguments, *([] if begins else [name]))
            writes = owned or copies if begins else True
        return writes

    def _entered(self, name: str, index: int, source: str, edge: Sequence[nn.Module] = ()) -> str:
        """The map that an edge reads: a caller's is taken in for each edge anew, so that no copy waits for another."""
        laid_out = len(edge) > 0 and isinstance(edge[0], Pointwise)  # it takes any layout
        if source not in self.graph.inputs or (laid_out and self.dtype is None):
            return source
        path = f"{name}.inputs.{index}"
        self._call(path, path, Entry(self.dtype), source)
        return path

    def _is_dead(self, name: str, source: str) -> bool:
        """Whether nothing needs ``source`` once the node ``name``, which is at work, has read it."""
        readers = [node.name for node in self.graph.nodes.values() for edge in node.edges if edge.source == source]
        last = readers[-1] == name and readers.count(name) == 1
        return last and source in self.owned and source not in self.graph.outputs.values()

    def _call(self, result: str, path: str, module: nn.Module, *arguments: str | int) -> None:
        self.modules[path] = module
        self.lines.append(Line(result, path, arguments))


def _written(graph: Graph, in_channels: Mapping[str, int], lines: Sequence[Line]) -> fx.Graph:
    """The forward of ``lines``. A map that is an output is handed to the caller as soon as no line reads it any more."""
=======
def _forward(graph: Graph, in_channels: Mapping[str, int], lines: Sequence[Line]) -> fx.Graph:
    """The forward of ``lines``. A map that is an output is made the caller's as soon as no line reads it any more."""
>>>>>>> fuse
    program = fx.Graph()
    features, values, sizes = begin(program, graph, in_channels)
    like = next(iter(values.values()))
    wanted = set(graph.outputs.values()) - set(graph.inputs)
    last = {name: index for index, line in enumerate(lines) for name in (line.result, *line.arguments)}
    outputs = dict(values)
    for index, line in enumerate(lines):
        arguments = tuple(sizes[it] if isinstance(it, int) else values[it] for it in line.arguments)
        values[line.result] = program.create_node("call_module", line.module, arguments, name=variable(line.result))
        for name in wanted:
            if last.get(name) == index:
                outputs[name] = call(program, name, leave, values[name], like)
    end(program, features, {name: outputs[source] for name, source in graph.outputs.items()})
    return program


def leave(x: Tensor, like: Tensor) -> Tensor:
    """The map as the caller has ``like``: of its type and in its memory format."""
    if x.dtype != like.dtype:
        x = x.to(like.dtype)
    if torch.compiler.is_exporting():
        return x
    return channels_last(x) if is_channels_last(like) else contiguous(x)
