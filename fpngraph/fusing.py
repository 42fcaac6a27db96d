"""From a neck to its inference form: by what its operators say of their modules, and by who reads which map last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from fpngraph.folding import Chain, chain, inference_copy, is_hooked, take_factor
from fpngraph.fused import FusedNeck, Line
from fpngraph.graph import Graph
from fpngraph.layers.inference import Entry, Repeat, Term
from fpngraph.layers.layout import Layers, takes_any
from fpngraph.layers.node import Edge, Node
from fpngraph.neck import Neck
from fpngraph.ops import Fusion
from fpngraph.shapes import lower
from fpngraph.steps import NodeSteps


def fuse(neck: Neck, dtype: torch.dtype | None) -> FusedNeck:
    """The inference form of ``neck``, which stays as it is; see ``Neck.fuse``."""
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"dtype is {dtype!r}, but must be a floating-point type of torch, such as torch.bfloat16")
    plan = _Plan(neck.source_graph, dtype)
    for name, steps in lower(neck.source_graph, neck.in_channels).nodes.items():
        plan.add(steps, neck.get_submodule(name))
    for module in plan.modules.values():
        module.to(memory_format=torch.channels_last)
        if dtype is not None:
            module.to(dtype)
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
        name = steps.node.name
        owned = False
        if not isinstance(module, Node):  # somebody has put it there
            self._join(steps, inference_copy(module))
        else:
            chains = [chain(edge.steps, list(own)) for edge, own in zip(steps.edges, _edges(module), strict=True)]
            factors = _factors(steps, module.fusion)
            if factors is None:
                edges = [it.run(owned=self._is_dead(name, index))[0] for index, it in enumerate(chains)]
                self._join(steps, Node(edges, inference_copy(module.fusion), []))
            else:
                owned = self._sum(steps, chains, factors)
            op, owned = chain(steps.op, module.op).run(owned=owned)
            for index, part in enumerate(op):
                self._call(name, f"{name}.op.{index}", part if takes_any(part) else Layers(part), name)
        if owned:
            self.owned.add(name)
        else:
            self.owned -= {edge.source for edge in steps.node.edges}  # the result may be one of them

    def _join(self, steps: NodeSteps, module: nn.Module) -> None:
        """One call for all edges and their fusion."""
        name = steps.node.name
        maps = [self._entered(name, index, edge.source) for index, edge in enumerate(steps.node.edges)]
        self._call(name, f"{name}.all", module, steps.node.level, *maps)

    def _sum(self, steps: NodeSteps, chains: Sequence[Chain], factors: Sequence[float]) -> bool:
        """A call for each edge, from the one that costs least to add to; whether the result is the node's own."""
        name, level, sources = steps.node.name, steps.node.level, [edge.source for edge in steps.node.edges]
        rests = [take_factor(it.parts, factor) for it, factor in zip(chains, factors, strict=True)]
        made = [it.run(owned=self._is_dead(name, index)) for index, it in enumerate(chains)]

        def price(index: int) -> tuple[bool, bool, bool]:
            edge, owned = made[index]
            return rests[index] != 1, not owned, isinstance(edge, Repeat)

        first = min(range(len(made)), key=price)
        copies = rests[first] != 1 or _weighs_one(steps)
        owned = made[first][1] or copies
        for index in sorted(range(len(made)), key=lambda index: index != first):
            edge, own = made[index]
            map_name = self._entered(name, index, sources[index])
            if index == first:
                term = Term(edge, rests[index], writes=own, copies=copies)
                self._call(name, f"{name}.edges.{index}", term, level, map_name)
            else:
                term = Term(edge, rests[index], writes=owned, copies=False)
                self._call(name, f"{name}.edges.{index}", term, level, map_name, name)
                owned = True
        return owned

    def _entered(self, name: str, index: int, source: str) -> str:
        """The map that an edge reads: a caller's is converted for each edge anew, so that no copy waits for another."""
        if source not in self.graph.inputs or self.dtype is None:
            return source
        path = f"{name}.inputs.{index}"
        self._call(path, path, Entry(self.dtype), source)
        return path

    def _is_dead(self, name: str, index: int) -> bool:
        """Whether an edge of the node ``name``, which is at work, is the last to read a map that nobody else has."""
        source = self.graph.nodes[name].edges[index].source
        readers = [node.name for node in self.graph.nodes.values() for edge in node.edges if edge.source == source]
        last = readers[-1] == name and readers.count(name) == 1
        return last and source in self.owned and source not in self.graph.outputs.values()

    def _call(self, result: str, path: str, module: nn.Module, *arguments: str | int) -> None:
        self.modules[path] = module
        self.lines.append(Line(result, path, arguments))


def _edges(module: Node) -> list[Edge]:
    return [edge for edge in module.edges if isinstance(edge, Edge)]


def _factors(steps: NodeSteps, fusion: nn.Module) -> Sequence[float] | None:
    """What the edges' maps are multiplied by, if the node adds them up."""
    op = steps.fusion.op
    if is_hooked(fusion) or not isinstance(op, Fusion):
        return None
    return op.factors(inference_copy(fusion), len(steps.edges))


def _weighs_one(steps: NodeSteps) -> bool:
    """Whether one map alone is multiplied by a weight, which may be 1: the result is never that map itself."""
    return len(steps.edges) == 1 and isinstance(steps.fusion.op, Fusion) and steps.fusion.op.weighted
