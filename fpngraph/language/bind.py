"""From declared members to nodes: runs the stages in order and connects every input to what is in scope."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from fpngraph.codes import Code
from fpngraph.errors import Problem, Span
from fpngraph.graph.nodes import Edge, Input, Node, full_name
from fpngraph.language.hints import way_out
from fpngraph.language.limits import MAX_EDGES, MAX_NODES, MAX_NODES_READ
from fpngraph.language.members import Binding, Candidates, Key, Member, Stage, UsedGraph, key_of, text_of
from fpngraph.language.placing import Placement
from fpngraph.language.problems import Problems
from fpngraph.language.settings import Finished, finished
from fpngraph.language.spent import Spent

_LISTED = 4  # levels that a message has one by one


@dataclass(frozen=True, slots=True)
class Bound:
    """What a name in scope stands for: a node or input by its full name, and the line that bound it."""

    source: str
    level: int
    span: Span


@dataclass(frozen=True, slots=True)
class Output:
    """An output: its public name, the name in scope that it stands for, and the node or input behind that."""

    position: int
    """Among the outputs as declared."""
    key: Key
    found: Key
    source: str
    level: int
    span: Span

    @property
    def name(self) -> str:
        return text_of(self.key)


Scope = MutableMapping[Key, Bound]
Choices = dict[tuple[str | None, int | str], set[Key]]
"""Per output of a stage (by position), and per input of a graph that it uses: what it stood for, over all runs."""


@dataclass(slots=True)
class Binder:
    """Connects the stages of one file; gathers what is wrong."""

    nodes: list[Node] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    choices: Choices = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)
    _declared: dict[Key, Stage] = field(default_factory=dict)
    _done: list[Stage] = field(default_factory=list)
    _lacking: dict[tuple[Span, tuple[int, ...]], dict[int, str]] = field(default_factory=dict)
    _edges: int = 0
    _places: set[tuple[Span | None, Code]] = field(default_factory=set)
    _finished: dict[int, Finished] = field(default_factory=dict)

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
        self._report_lacking()
        return scope

    def _exceeds(self, stage: Stage) -> bool:
        """Whether a stage makes more than a graph may have, which is then a problem; outputs count as edges."""
        nodes, edges = (len(stage.runs) * number for number in stage.size)
        self._edges += edges
        self.spent.nodes += nodes
        if len(self.nodes) + nodes > MAX_NODES or self._edges > MAX_EDGES:
            message = f"stage {stage.name!r} makes {nodes} nodes with {edges} inputs and outputs"
            hint = f"a graph has at most {MAX_NODES} nodes with {MAX_EDGES} inputs and outputs"
            self._report("limit-exceeded", message, stage.span, hint)
        elif self.spent.nodes > MAX_NODES_READ:
            message = f"graphs that use each other make more than {MAX_NODES_READ} nodes, which is the limit"
            self._report("limit-exceeded", message, stage.span, "nodes that nobody needs count, and those of each use")
        else:
            return False
        return True

    def _run(self, stage: Stage, run: int | None, scope: Scope) -> None:
        """Makes the nodes of one run and binds its outputs in ``scope``."""
        own = self._members(stage, run, scope) if stage.used is None else self._used(stage, stage.used, run, scope)
        if own is None:
            return
        visible = ChainMap(own, scope)
        bound = own if stage.outputs is None else {}
        for output in self.outputs(stage.outputs or (), visible, "none"):
            self.choices.setdefault((stage.name, output.position), set()).add(output.found)
            bound[output.key] = Bound(output.source, output.level, output.span)
        scope.update(bound)

    def _members(self, stage: Stage, run: int | None, scope: Scope) -> Scope:
        """Makes the nodes that a stage declares; what each name stands for."""
        own: Scope = {
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
        return own

    def _used(self, stage: Stage, used: UsedGraph, run: int | None, scope: Scope) -> Scope | None:
        """Makes the nodes of a graph that a stage uses; what its outputs stand for, None where it lacks an input."""
        sources: dict[str, str] = {}
        levels = {node.name: node.level for node in used.graph.nodes.values()}
        for entry, candidates in used.inputs:
            found = next((key for key in candidates.keys if key in scope), None)
            if found is None and candidates.keys == (key_of(entry.name),):
                message = f"the graph that is used takes {entry.name!r}, which does not exist here"
                hint = f"say what it is: 'inputs: {{{entry.name}: ...}}'"
                self._report("unresolved-reference", message, candidates.span, hint)
                continue
            if found is None:
                self._report_missing(f"input {entry.name!r} of the graph that is used reads", candidates, scope)
                continue
            self.choices.setdefault((stage.name, entry.name), set()).add(found)
            sources[entry.name] = scope[found].source
            levels[entry.name] = entry.level
            if scope[found].level != entry.level:
                here, there = scope[found].level, entry.level
                message = f"{text_of(found)!r} is at level {here}, but stands for {entry.name!r}, at level {there}"
                self._report("used-input", message, candidates.span)
        if len(sources) < len(used.inputs):
            return None
        place = Placement(str(stage.name), run, sources)
        self.nodes.extend(place.nodes(used.graph))
        return {key: Bound(place.name(source), levels[source], stage.span) for key, source in used.outputs.items()}

    def outputs(self, bindings: Iterable[Binding], visible: Scope, *fallbacks: str) -> Iterator[Output]:
        """The outputs of a stage or of the graph; a problem for one that stands for nothing, or is there twice.

        There is none where ``| none`` says so: what its name was bound to before stays.
        """
        names: set[str] = set()
        for position, binding in enumerate(bindings):
            candidates = binding.candidates
            found = next((key for key in candidates.keys if key in visible), None)
            key = binding.key or found
            name = text_of(key) if key else candidates.text
            if key and name in names:
                self._report("declared-twice", f"output {name!r} is there twice", candidates.span)
            names.add(name)
            if found is not None and key is not None:
                chosen = visible[found]
                yield Output(position, key, found, chosen.source, chosen.level, candidates.span)
            elif not candidates.optional:
                self._report_missing(f"output {name!r} stands for", candidates, visible, *fallbacks)

    def _node(self, stage: Stage, run: int | None, member: Member, visible: Scope) -> Node | None:
        name = full_name(stage.name, run, text_of(member.key))
        settings = self._settings(member)
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
        if lacking := settings.lacks(member.level):
            self._lacking.setdefault((member.channels_span, lacking), {}).setdefault(member.level, name)
            return None
        return settings.node(stage, run, member, tuple(edges))

    def _settings(self, member: Member) -> Finished:
        """Those of a member, which are the same object for all of its family that are alike."""
        key = id(member.settings)
        if key not in self._finished:
            self._finished[key] = finished(member.settings)
        return self._finished[key]

    def _report_lacking(self) -> None:
        """One problem per mapping of channels, with all the levels that it lacks."""
        for (span, levels), lacks in self._lacking.items():
            found = [f"level {level}, at which node {lacks[level]!r} is" for level in sorted(lacks)[:_LISTED]]
            more = f", and {len(lacks) - _LISTED} more levels" if len(lacks) > _LISTED else ""
            message = f"'channels' says nothing of {'; of '.join(found)}{more}"
            self._report("channels-unknown", message, span, f"it has the levels {', '.join(map(str, levels))}")

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

    def _report(self, code: Code, message: str, span: Span | None, hint: str | None = None) -> None:
        """One problem of a code per place: the members and runs after the first say the same."""
        if (span, code) not in self._places:
            self._places.add((span, code))
            self.problems.append(Problem(code, message, span, hint))


def _known(span: Span | None) -> Span:
    return span or Span("<graph>", 0, 0, 0, "")
