"""From declared members to nodes: runs the stages in order and connects every input to what is in scope."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from fpngraph.codes import Code, Severity
from fpngraph.errors import Problem, Span
from fpngraph.graph.nodes import Edge, Input, Node, full_name
from fpngraph.language.hints import way_out
from fpngraph.language.limits import MAX_EDGES, MAX_NODES
from fpngraph.language.members import Binding, Candidates, Key, Member, Stage, text_of
from fpngraph.language.problems import Problems
from fpngraph.language.settings import Finished, finished


@dataclass(frozen=True, slots=True)
class Bound:
    """What a name in scope stands for: a node or input by its full name, and the line that bound it."""

    source: str
    level: int
    span: Span


@dataclass(frozen=True, slots=True)
class Output:
    """An output: its public name, the name in scope that it stands for, and the node or input behind that."""

    key: Key
    found: Key
    source: str
    level: int
    span: Span

    @property
    def name(self) -> str:
        return text_of(self.key)


Scope = MutableMapping[Key, Bound]
Choices = dict[tuple[str | None, int], set[Key]]
"""Per output of a stage (stage, position): the names that it stood for, over all runs."""


@dataclass(slots=True)
class Binder:
    """Connects the stages of one file; gathers what is wrong and what is odd."""

    nodes: list[Node] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    warnings: list[Problem] = field(default_factory=list)
    choices: Choices = field(default_factory=dict)
    _declared: dict[Key, Stage] = field(default_factory=dict)
    _done: list[Stage] = field(default_factory=list)
    _edges: int = 0
    _places: set[tuple[Span | None, Code]] = field(default_factory=set)
    _finished: dict[tuple[int, int], Finished] = field(default_factory=dict)

    def run(self, inputs: Mapping[Key, Input], stages: Sequence[Stage]) -> Scope:
        """Makes the nodes of every run; what is in scope at the end."""
        scope = {key: Bound(entry.name, entry.level, _known(entry.span)) for key, entry in inputs.items()}
        self._declared = {member.key: stage for stage in stages for member in stage.members}
        for stage in stages:
            if self._exceeds(stage):
                break
            for run in stage.runs:
                self._run(stage, run, scope)
                if self.problems:  # later runs would only say the same again
                    break
            self._done.append(stage)
        return scope

    def _exceeds(self, stage: Stage) -> bool:
        """Whether a stage makes more than a graph may have, which is then a problem; outputs count as edges."""
        runs = len(stage.runs)
        edges = sum(len(member.inputs) for member in stage.members) + len(stage.outputs or ())
        self._edges += runs * edges
        if len(self.nodes) + runs * len(stage.members) <= MAX_NODES and self._edges <= MAX_EDGES:
            return False
        message = f"stage {stage.name!r} makes {runs * len(stage.members)} nodes with {runs * edges} inputs and outputs"
        hint = f"a graph has at most {MAX_NODES} nodes with {MAX_EDGES} inputs and outputs"
        self._report("limit-exceeded", message, stage.span, hint)
        return True

    def _run(self, stage: Stage, run: int | None, scope: Scope) -> None:
        """Makes the nodes of one run and binds its outputs in ``scope``."""
        own = {
            member.key: Bound(full_name(stage.name, run, text_of(member.key)), member.level, member.span)
            for member in stage.members
        }
        for key in own.keys() & scope.keys():
            message = f"node {text_of(key)!r} takes a name that is in scope already, from line {scope[key].span.line}"
            self._report("name-taken", message, own[key].span, "choose another name; only 'outputs' can rebind one")
        visible = ChainMap(own, scope)
        for member in stage.members:
            node = self._node(stage, run, member, visible)
            if node is not None:
                self.nodes.append(node)
        bound: dict[Key, Bound] = own if stage.outputs is None else {}
        for position, output in enumerate(self.outputs(stage.outputs or (), visible)):
            self.choices.setdefault((stage.name, position), set()).add(output.found)
            bound[output.key] = Bound(output.source, output.level, output.span)
        scope.update(bound)

    def outputs(self, bindings: Iterable[Binding], visible: Scope) -> Iterator[Output]:
        """The outputs of a stage or of the graph; a problem for one that stands for nothing, or is there twice."""
        names: set[str] = set()
        for binding in bindings:
            candidates = binding.candidates
            found = next((key for key in candidates.keys if key in visible), None)
            key = binding.key or found
            if found is None or key is None:
                name = text_of(binding.key) if binding.key else candidates.text
                self._report_missing(f"output {name!r} stands for", candidates, visible)
                continue
            if text_of(key) in names:
                self._report("declared-twice", f"output {text_of(key)!r} is there twice", candidates.span)
            names.add(text_of(key))
            chosen = visible[found]
            yield Output(key, found, chosen.source, chosen.level, candidates.span)

    def _node(self, stage: Stage, run: int | None, member: Member, visible: Scope) -> Node | None:
        name = full_name(stage.name, run, text_of(member.key))
        settings = self._settings(member, name)
        edges: list[Edge] = []
        for candidates in member.inputs:
            found = next((key for key in candidates.keys if key in visible), None)
            if found is not None:
                path = settings.path if candidates.resample is None else settings.path_with(candidates.resample)
                edges.append(Edge(visible[found].source, text_of(found), **path, span=candidates.span))
            elif not candidates.optional:
                self._report_missing(f"node {name!r} reads", candidates, visible, "none")
        if not edges and all(candidates.optional for candidates in member.inputs):
            hint = "each of its inputs may be 'none', and here all are"
            self._report("no-inputs", f"node {name!r} has no input", member.span, hint)
        self._warn(name, edges, settings, member)
        if settings.missing_level:
            return None
        return settings.node(stage, run, member, tuple(edges))

    def _settings(self, member: Member, name: str) -> Finished:
        key = (id(member.settings), member.level)
        if key not in self._finished:
            self._finished[key] = finished(member.settings, member.level)
        settings = self._finished[key]
        if settings.missing_level:
            levels = ", ".join(map(str, settings.missing_level))
            message = f"node {name!r}: 'channels' says nothing of level {member.level}"
            self._report("channels-unknown", message, member.span, f"it has the levels {levels}")
        return settings

    def _warn(self, name: str, edges: list[Edge], settings: Finished, member: Member) -> None:
        if len(edges) == 1 and settings.fusion.weighted:
            message = f"node {name!r} has one input, but its fusion {settings.fusion.name!r} learns a weight for it"
            self._report("one-weighted-input", message, member.span, "write 'fusion: sum'", "warning")
        sources: dict[str, Edge] = {}
        for edge in edges:
            if sources.setdefault(edge.source, edge) is not edge:
                message = f"node {name!r} reads {edge.source!r} twice"
                self._report("reads-twice", message, edge.span, "each edge counts, with its own weight", "warning")

    def _report_missing(self, who: str, candidates: Candidates, visible: Scope, *fallbacks: str) -> None:
        if (candidates.span, "unresolved-reference") in self._places:  # a hint takes its time
            return
        names = [repr(text_of(key)) for key in candidates.keys]
        message = f"{who} {names[0]}, which does not exist"
        if len(names) > 1:
            message = f"{who} {' or '.join(names)}, of which none exists"
        hint = self._elsewhere(candidates) or way_out(candidates, visible, fallbacks)
        self._report("unresolved-reference", message, candidates.span, hint)

    def _elsewhere(self, candidates: Candidates) -> str | None:
        """Which stage has what is out of sight here."""
        for key in candidates.keys:
            if key in self._declared:
                stage, name = self._declared[key], text_of(key)
                if stage in self._done:
                    return f"stage {stage.name!r} has a node {name!r}, but its 'outputs' do not bind that name"
                return f"stage {stage.name!r} has a node {name!r}, but it runs later"
        return None

    def _report(
        self, code: Code, message: str, span: Span | None, hint: str | None = None, severity: Severity = "error"
    ) -> None:
        """One problem (or warning) of a code per place: the members and runs after the first say the same."""
        if (span, code) not in self._places:
            self._places.add((span, code))
            found = self.warnings if severity == "warning" else self.problems
            found.append(Problem(code, message, span, hint, severity))


def _known(span: Span | None) -> Span:
    return span or Span("<graph>", 0, 0, 0, "")
