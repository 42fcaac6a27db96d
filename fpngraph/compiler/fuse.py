"""From a neck to its inference form: by what its operators say of their modules, and by who reads which map last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from fpngraph.analysis.shapes import lower
from fpngraph.analysis.steps import PROJECT, NodeSteps
from fpngraph.compiler.blank import check_weights
from fpngraph.compiler.fused_neck import FusedNeck, Line
from fpngraph.compiler.neck import Neck
from fpngraph.graph.graph import Graph
from fpngraph.inference.classes import is_one_of, no_rule
from fpngraph.inference.folding import (
    Chain,
    Held,
    chain,
    changed,
    changed_inside,
    different,
    held,
    inference_copy,
    take_factor,
    untouched,
)
from fpngraph.inference.modules import Entry, Repeat, Term
from fpngraph.inference.parts import Rule, running
from fpngraph.layers.layout import Layers, takes_any
from fpngraph.layers.lean import LeanNode
from fpngraph.layers.named import Named
from fpngraph.layers.node import Edge, Node
from fpngraph.ops import Fusion
from fpngraph.ops.steps import Step


def fuse(neck: Neck, dtype: torch.dtype | None) -> FusedNeck:
    """The inference form of ``neck``, which stays as it is; see ``Neck.fuse``."""
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"dtype is {dtype!r}, but must be a floating-point type of torch, such as torch.bfloat16")
    check_weights(neck)
    plan = _Plan(neck.source_graph, dtype)
    if reason := changed(neck):
        plan.unfolded[""] = f"{reason}, which stays behind"
    for name, steps in lower(neck.source_graph, neck.in_channels).nodes.items():
        plan.add(steps, neck.get_submodule(name))
    for module in plan.modules.values():
        module.to(memory_format=torch.channels_last)
        if dtype is not None:
            module.to(dtype)
    return FusedNeck(neck, plan.modules, plan.lines, plan.unfolded)


@dataclass(slots=True)
class _Plan:
    """The lines of a forward, and the modules that they call by their paths. Filled in the order of the graph."""

    graph: Graph
    dtype: torch.dtype | None
    lines: list[Line] = field(default_factory=list)
    modules: dict[str, nn.Module] = field(default_factory=dict)
    owned: set[str] = field(default_factory=set)
    """Nodes whose result nothing else refers to."""
    unfolded: dict[str, str] = field(default_factory=dict)
    last: dict[str, str] = field(init=False)
    """The node that reads a map last, for maps that are no outputs and that it reads once."""

    def __post_init__(self) -> None:
        self.last = {}
        for name, node in self.graph.nodes.items():
            sources = Counter(edge.source for edge in node.edges)
            self.last |= {source: name if times == 1 else "" for source, times in sources.items()}
        for source in self.graph.outputs.values():
            self.last.pop(source, None)

    def add(self, steps: NodeSteps, module: nn.Module) -> None:
        """Append what the node of ``steps`` does, which ``module`` does in the neck."""
        name = steps.node.name
        owned = False
        reason = _different(steps, module)
        if reason or not isinstance(module, Node):
            self.unfolded[name] = reason
            self._join(steps, inference_copy(module, name))
        else:
            edges = [
                _chain(f"{name}.edges.{key}", edge.steps, own, Edge)
                for edge, (key, own) in zip(steps.edges, module.edges._modules.items(), strict=True)
            ]
            op = _chain(f"{name}.op", steps.op, module.op, Layers, nn.Sequential)
            factors = self._factors(steps, module.fusion)
            if factors is None:
                made = {
                    edge.key: it.run(owned=self._is_dead(name, index))[0]
                    for index, (edge, it) in enumerate(zip(steps.edges, edges, strict=True))
                }
                self._join(steps, Node(made, self._fusion(steps, module.fusion)))
            else:
                owned = self._sum(steps, edges, factors)
            layers, owned = op.run(owned=owned)
            for index, part in enumerate(layers):
                self._call(name, f"{name}.op.{index}", part if takes_any(part) else Layers([part]), name)
            for it in (*edges, op):
                self.unfolded |= it.unfolded
        if owned:
            self.owned.add(name)
        else:
            self.owned -= {edge.source for edge in steps.node.edges}  # the result may be one of them

    def _factors(self, steps: NodeSteps, fusion: nn.Module) -> Sequence[float] | None:
        """What the edges' maps are multiplied by, if the node adds them up."""
        op, path = steps.fusion.op, f"{steps.node.name}.fusion"
        reason = changed_inside(fusion) if is_one_of(fusion, op.modules) else no_rule(fusion)
        if reason or not isinstance(op, Fusion):
            self.unfolded[path] = reason
            return None
        factors = op.factors(inference_copy(fusion, path), len(steps.edges))
        if factors is not None and len(factors) != len(steps.edges):
            self.unfolded[path] = f"has {len(factors)} weights for {len(steps.edges)} edges"
            return None
        return factors

    def _fusion(self, steps: NodeSteps, fusion: nn.Module) -> nn.Module:
        """A copy of a fusion; the lists of layers that its operator has rules for are folded in it."""
        path, rules = f"{steps.node.name}.fusion", steps.fusion.rules_inside()
        own = inference_copy(fusion, path)
        if rules is None or path in self.unfolded:
            return own
        for name, rule in rules.items():
            found = chain({name: rule}, [Held(name, f"{path}.{name}", own.get_submodule(name))])
            setattr(own, name, Layers(running(found.parts, owned=False)[0]))
            self.unfolded |= found.unfolded
        return own

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
                self._call(name, f"{name}.edges.{steps.edges[index].key}", term, level, map_name)
            else:
                term = Term(edge, rests[index], writes=owned, copies=False)
                self._call(name, f"{name}.edges.{steps.edges[index].key}", term, level, map_name, name)
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
        return source in self.owned and self.last.get(source) == name

    def _call(self, result: str, path: str, module: nn.Module, *arguments: str | int) -> None:
        self.modules[path] = module
        self.lines.append(Line(result, path, arguments))


def _different(steps: NodeSteps, module: nn.Module) -> str:
    """Why a node is not the one that the graph describes, but for what its edges and its op are; empty if it is."""
    reason = different(module, Node, LeanNode)
    if reason or not isinstance(module, Node):
        return reason
    if len(module.edges) != len(steps.edges):
        return f"has {len(module.edges)} edges, but the graph has {len(steps.edges)}"
    return different(module.edges, Named)


def _chain(path: str, steps: Sequence[Step], module: nn.Module, *kinds: type[nn.Module]) -> Chain:
    """The parts of an edge or of an op; one that is no list of modules runs as it is."""
    reason = different(module, *kinds)
    if reason:
        return untouched(path, module, reason, whole=Edge in kinds)
    rules: dict[str, Rule] = {step.key: step for step in steps}
    modules: list[Held] = []
    for one in held(path, module):
        projects = one.name == PROJECT and not different(one.module, Layers)
        modules += (
            (it._replace(name=f"{PROJECT}.{it.name}") for it in held(one.path, one.module)) if projects else [one]
        )
    return chain(rules, modules, resampler=getattr(module, "resampler", None))


def _weighs_one(steps: NodeSteps) -> bool:
    """Whether one map alone is multiplied by a weight, which may be 1: the result is never that map itself."""
    return len(steps.edges) == 1 and isinstance(steps.fusion.op, Fusion) and steps.fusion.op.weighted
