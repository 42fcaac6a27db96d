"""A graph as the text of a file, written from its values alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fpngraph.graph.graph import Graph, GraphStage, check_is_graph
from fpngraph.graph.nodes import Edge, Node, full_name
from fpngraph.language.inlining import check_runs, current, runs_of, sources
from fpngraph.language.lifting import Flat, Writer, differing, most_common, nested, shared
from fpngraph.language.placing import Placement
from fpngraph.language.yaml.writing import to_yaml

_INDEX = re.compile(r"\d+$")


def dump(graph: Graph) -> str:
    """YAML text that loads again to an equal graph, with every parameter, range, fallback and index worked out.

    What nodes have in common stands in ``defaults``, and the runs of a stage are a ``repeat``; a fallback stays where
    the runs choose differently. Nodes that no output depends on are not in a graph, and so not in the text.

    >>> graph = fpngraph.load("fpn")
    >>> fpngraph.loads(fpngraph.dump(graph)) == graph
    True

    Raises ValueError for a graph that no file can say: put together by hand, with names that its stages do not bind;
    TypeError for what is no graph.
    """
    check_is_graph(graph)
    return to_yaml(_Text(graph).data())


class _Text:
    """Puts one graph into words, stage after stage; ``scope`` has what every name stands for by then."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        own = {stage.name for stage in _stages(graph) if stage.used is None}
        nodes = [node for node in graph.nodes.values() if node.stage in own]
        self.writer = Writer(nodes)
        self.settings = {node.name: self.writer.node(node) for node in nodes}
        self.scope: dict[str, str] = {name: name for name in graph.inputs}

    def data(self) -> dict[str, Any]:
        graph = self.graph
        data: dict[str, Any] = {"fpngraph": 1, "name": graph.name}
        data |= {key: value for key, value in (("description", graph.description), ("source", graph.source)) if value}
        data["inputs"] = {entry.name: entry.level for entry in graph.inputs.values()}
        outer = self._outer()
        said = nested({path: value for path, value in outer.items() if value != self.writer.base[path]})
        data |= {"defaults": said} if said else {}
        stages = {
            stage.name: self._stage(stage, outer) if stage.used is None else self._used(stage, stage.used)
            for stage in _stages(graph)
        }
        data |= stages.get(None) or {"stages": stages}
        names = {source: name for name, source in reversed(self.scope.items())}
        data["outputs"] = {
            name: name if self.scope.get(name) == source else self._known(names.get(source), source)
            for name, source in graph.outputs.items()
        }
        return data

    def _outer(self) -> Flat:
        """What the file's defaults say, and what holds without them."""
        common = most_common(list(self.settings.values()), at_least=2)
        said = {path: value for path, value in common.items() if value is not None}
        return self.writer.base | said

    def _stage(self, stage: GraphStage, outer: Flat) -> dict[str, Any]:
        runs = _runs(self.graph, stage)
        flats = [self.settings[node.name] for run in runs for node in run.values()]
        own = shared(flats, outer)
        written: dict[str, Any] = {} if stage.repeat is None else {"repeat": stage.repeat}
        written |= {"defaults": nested(own)} if own and stage.name is not None else {}
        outer = outer | own if stage.name is not None else outer
        before = set(self.scope)
        members = _members(runs)
        bindings = self._bindings(stage, set(members))
        for number, run in enumerate(runs):
            place = None if stage.repeat is None else number
            self._run(run, {member: full_name(stage.name, place, member) for member in members}, bindings)
        written["nodes"] = {member: self._member(member, runs, before, outer) for member in members}
        return written | _outputs(bindings)

    def _used(self, stage: GraphStage, used: Graph) -> dict[str, Any]:
        """The entry of a stage that is a graph, which is written in it."""
        inner = current(self.graph, stage, used, self.scope)
        written: dict[str, Any] = {} if stage.repeat is None else {"repeat": stage.repeat}
        written |= {"use": _Text(inner).data()} if inner.outputs else {"nodes": {}}
        inputs = {name: " | ".join(stage.inputs[name]) for name in inner.inputs}
        written |= {"inputs": inputs} if any(name != text for name, text in inputs.items()) else {}
        bindings = self._bindings(stage, set(inner.outputs))
        for run in runs_of(stage):
            place = Placement(str(stage.name), run, sources(stage, inner, self.scope))
            check_runs(self.graph, inner, place)
            self._bind({name: place.name(source) for name, source in inner.outputs.items()}, bindings)
        return written | _outputs(bindings)

    def _bindings(self, stage: GraphStage, members: set[str]) -> Mapping[str, Sequence[str]] | None:
        """The outputs of a stage without those that stand for nodes which the graph does not have."""
        if stage.outputs is None:
            return None
        sure = {*self.scope, *members}
        there = set(sure)
        while stage.repeat:
            bound = {name for name, tried in stage.outputs.items() if there & set(tried)}
            if bound <= there:
                break
            there |= bound
        found = {name: [it for it in tried if it in there] for name, tried in stage.outputs.items()}
        kept = {name: tried for name, tried in found.items() if tried}
        return {name: it if sure & set(it) else [*it, "none"] for name, it in kept.items()}

    def _run(self, run: Mapping[str, Node], own: dict[str, str], bindings: Mapping[str, Sequence[str]] | None) -> None:
        """Checks that every edge reads what its name stands for, and binds what the run ends with."""
        visible = self.scope | own
        for node in run.values():
            for edge in node.edges:
                if visible.get(edge.reference) != edge.source:
                    raise ValueError(
                        f"graph {self.graph.name!r} cannot be written: node {node.name!r} reads {edge.source!r} as "
                        f"{edge.reference!r}, which stands for {visible.get(edge.reference)!r} there"
                    )
        self._bind(own, bindings)

    def _bind(self, own: dict[str, str], bindings: Mapping[str, Sequence[str]] | None) -> None:
        """What is in scope after a run whose own names are ``own``."""
        if bindings is None:
            self.scope |= own
            return
        visible = self.scope | own
        found = {name: next((visible[it] for it in them if it in visible), None) for name, them in bindings.items()}
        self.scope |= {name: source for name, source in found.items() if source is not None}

    def _member(self, member: str, runs: Sequence[Mapping[str, Node]], before: set[str], outer: Flat) -> dict[str, Any]:
        """The entry of a node, from what it is in each run that has it."""
        nodes = [run[member] for run in runs if member in run]
        slots = _slots([list(zip(node.edges, self.writer.edges(node), strict=True)) for node in nodes])
        inputs: list[Any] = []
        for names, settings, always in slots:
            text = " | ".join(names if always else [*names, "none"])
            if (
                member not in runs[0]
                and always
                and not any(name in there for name in names for there in (before, *runs))
            ):
                text += f" | {next(iter(self.graph.inputs))}"  # for the first runs, of which no output depends on it
            elif always and len(slots) == 1 and nodes[0].could_be_single and not nodes[0].single:
                text += " | none"  # one input without it is another thing
            inputs.append({"from": text, **settings} if settings else text)
        node = nodes[0]
        level = {} if _index(member) == node.level else {"level": node.level}
        return {"inputs": inputs, **level, **differing(self.settings[node.name], outer)}

    def _known(self, name: str | None, source: str) -> str:
        if name is None:
            raise ValueError(f"graph {self.graph.name!r} cannot be written: no name stands for {source!r} at its end")
        return name


def _outputs(bindings: Mapping[str, Sequence[str]] | None) -> dict[str, Any]:
    return {} if bindings is None else {"outputs": {name: " | ".join(tried) for name, tried in bindings.items()}}


def _stages(graph: Graph) -> Sequence[GraphStage]:
    return graph.stages or (GraphStage(None, None, None),)


def _runs(graph: Graph, stage: GraphStage) -> list[dict[str, Node]]:
    """The nodes of each run by their names within the stage."""
    runs: list[dict[str, Node]] = [{} for _ in range(stage.repeat or 1)]
    for node in graph.nodes.values():
        if node.stage == stage.name:
            runs[node.run or 0][node.member] = node
    return runs


def _members(runs: Sequence[Mapping[str, Node]]) -> Sequence[str]:
    """Every member once: family after family in the order of the run that has most of them, each from its lowest index.

    That is the order in which files declare ranges, and it decides which initial weights a node draws.
    """
    fullest = max(runs, key=len)
    members = dict.fromkeys([*fullest, *(member for run in runs for member in run)])
    families = {_INDEX.sub("", member): None for member in members}
    place = {family: number for number, family in enumerate(families)}
    return sorted(members, key=lambda member: (place[_INDEX.sub("", member)], _index(member) or 0))


def _index(member: str) -> int | None:
    found = _INDEX.search(member)
    return int(found[0]) if found else None


Slot = tuple[list[str], dict[str, Any], bool]
"""The names that an input tries, its settings, and whether every run has it."""


def _slots(runs: Sequence[Sequence[tuple[Edge, dict[str, Any]]]]) -> list[Slot]:
    """The inputs of a node from its edges in each run.

    Names stay in scope once they are there: from run to run an input may get another name, which is tried first, and
    one that was missing may be there, but none goes away.
    """
    slots: list[Slot] = [([edge.reference], settings, True) for edge, settings in runs[0]]
    last = runs[0]
    for run in runs[1:]:
        if [edge.reference for edge, _ in run] != [edge.reference for edge, _ in last]:
            slots = _aligned(slots, run)
        last = run
    return slots


def _aligned(slots: Sequence[Slot], run: Sequence[tuple[Edge, dict[str, Any]]]) -> list[Slot]:
    """The slots with the names of one more run, paired in their order such that most names are known already."""
    best: dict[tuple[int, int], tuple[int, list[Slot]]] = {(0, 0): (0, [])}
    for place in range(len(run)):
        edge, settings = run[place]
        for taken in range(min(place, len(slots)) + 1):
            if (place, taken) not in best:
                continue
            known, before = best[place, taken]
            ways = [(taken, known, ([edge.reference], settings, False))]
            if taken < len(slots) and slots[taken][1] == settings:
                names, _, always = slots[taken]
                new = [] if edge.reference in names else [edge.reference]
                ways.append((taken + 1, known + (not new), ([*new, *names], settings, always)))
            for after, score, slot in ways:
                if best.get((place + 1, after), (-1,))[0] < score:
                    best[place + 1, after] = score, [*before, slot]
    found = best.get((len(run), len(slots)))
    if found is None:
        raise ValueError("the runs of a stage read different inputs, which no file can say")
    return found[1]
