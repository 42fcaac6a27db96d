"""From declared members to nodes: runs the stages in order and connects every input to what is in scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fpngraph.errors import Problem, Span, nearest
from fpngraph.language.members import Binding, Candidates, Key, Member, Stage, text_of
from fpngraph.language.names import MAX_EDGES, MAX_NODES
from fpngraph.language.nodes import Edge, Input, Node
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


Scope = dict[Key, Bound]
Choices = dict[tuple[str | None, Key | None, int], dict[Key | None, None]]
"""Per input of a member (stage, member, position): the names it was connected to, over all runs.

The outputs of a stage have None as their member.
"""


@dataclass(slots=True)
class Binder:
    """Connects the stages of one file; gathers what is wrong and what is odd."""

    nodes: list[Node] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    choices: Choices = field(default_factory=dict)
    _places: set[tuple[Span | None, str]] = field(default_factory=set)
    _finished: dict[tuple[int, int], Finished] = field(default_factory=dict)

    def run(self, inputs: Mapping[Key, Input], stages: Iterable[Stage]) -> Scope:
        """Makes the nodes of every run; what is in scope at the end."""
        scope = {key: Bound(entry.name, entry.level, _known(entry.span)) for key, entry in inputs.items()}
        for stage in stages:
            count = len(stage.runs) * len(stage.members)
            edges = len(stage.runs) * sum(len(member.inputs) for member in stage.members)
            if len(self.nodes) + count > MAX_NODES or edges > MAX_EDGES:
                limits = f"{MAX_NODES} nodes and {MAX_EDGES} edges are the limit"
                message = f"stage {stage.name!r} makes {count} nodes with {edges} edges, but {limits}"
                self._report("limit", message, stage.span)
                break
            for run in stage.runs:
                scope = self._run(stage, run, scope)
                if self.problems:  # later runs would only say the same again
                    break
        return scope

    def _run(self, stage: Stage, run: int, scope: Scope) -> Scope:
        own = {
            member.key: Bound(stage.full_name(run, text_of(member.key)), member.level, member.span)
            for member in stage.members
        }
        for key in own.keys() & scope.keys():
            message = f"node {text_of(key)!r} takes a name that is in scope already, from line {scope[key].span.line}"
            self._report("scope", message, own[key].span, "choose another name; only 'outputs' can rebind one")
        visible = scope | own
        for member in stage.members:
            node = self._node(stage, run, member, visible)
            if node is not None:
                self.nodes.append(node)
        if stage.outputs is None:
            return visible
        bound: Scope = {}
        for position, output in enumerate(self.outputs(stage.outputs, visible)):
            self.choices.setdefault((stage.name, None, position), {})[output.found] = None
            bound[output.key] = Bound(output.source, output.level, output.span)
        return scope | bound

    def outputs(self, bindings: Iterable[Binding], visible: Scope) -> Iterator[Output]:
        """The outputs of a stage or of the graph; a problem for one that stands for nothing, or is there twice."""
        names: set[str] = set()
        for binding in bindings:
            candidates = binding.candidates
            found = next((key for key in candidates.keys if key in visible), None)
            key = binding.key or found
            if found is None or key is None:
                name = text_of(binding.key) if binding.key else candidates.text
                self._report_missing(f"output {name!r}", "stands for", candidates, visible)
                continue
            if text_of(key) in names:
                self._report("twice", f"output {text_of(key)!r} is there twice", candidates.span)
            names.add(text_of(key))
            chosen = visible[found]
            yield Output(key, found, chosen.source, chosen.level, candidates.span)

    def _node(self, stage: Stage, run: int, member: Member, visible: Scope) -> Node | None:
        name = stage.full_name(run, text_of(member.key))
        settings = self._settings(member, name)
        edges: list[Edge] = []
        for position, candidates in enumerate(member.inputs):
            found = next((key for key in candidates.keys if key in visible), None)
            self.choices.setdefault((stage.name, member.key, position), {})[found] = None
            if found is not None:
                path = settings.path if candidates.resample is None else settings.path_with(candidates.resample)
                edges.append(Edge(visible[found].source, text_of(found), **path, span=candidates.span))
            elif not candidates.optional:
                self._report_missing(f"node {name!r}", "reads", candidates, visible)
        if not edges and all(candidates.optional for candidates in member.inputs):
            hint = "each of its inputs may be 'none', and here all are"
            self._report("inputs", f"node {name!r} has no input", member.span, hint)
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
            self._report("channels", message, member.span, f"it has the levels {levels}")
        return settings

    def _warn(self, name: str, edges: list[Edge], settings: Finished, member: Member) -> None:
        if len(edges) == 1 and settings.fusion.weighted:
            message = f"node {name!r} has one input, but its fusion {settings.fusion.name!r} learns a weight for it"
            self._report("single", message, member.span, "write 'fusion: sum'", warning=True)
        sources: dict[str, Edge] = {}
        for edge in edges:
            if sources.setdefault(edge.source, edge) is not edge:
                message = f"node {name!r} reads {edge.source!r} twice"
                self._report("same", message, edge.span, "each edge counts, with its own weight", warning=True)

    def _report_missing(self, who: str, reads: str, candidates: Candidates, visible: Scope) -> None:
        names = [repr(text_of(key)) for key in candidates.keys]
        message = f"{who} {reads} {names[0]}, which does not exist"
        if len(names) > 1:
            message = f"{who} {reads} {' or '.join(names)}, of which none exists"
        self._report("missing", message, candidates.span, _way_out(candidates, visible))

    def _report(
        self, kind: str, message: str, span: Span | None, hint: str | None = None, *, warning: bool = False
    ) -> None:
        """One problem (or warning) of a kind per place: the members and runs after the first say the same."""
        if (span, kind) not in self._places:
            self._places.add((span, kind))
            (self.warnings if warning else self.problems).append(Problem(message, span, hint))


def _way_out(candidates: Candidates, visible: Scope) -> str:
    family, index = candidates.keys[-1]
    if index is None:
        return nearest(family, sorted(text_of(key) for key in visible))
    levels = sorted(number for name, number in visible if name == family and number is not None)
    here = f"family {family!r} has {_ranges(levels)} here" if levels else f"family {family!r} has no member here"
    text = candidates.text
    return f"{here}; write '{text} | none', or another name after '|'"


def _ranges(numbers: list[int]) -> str:
    """``3..7`` or ``3, 5..7``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    shown = [f"{part[0]}..{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts[:8]]
    return ", ".join(shown) + (", ..." if len(parts) > 8 else "")


def _known(span: Span | None) -> Span:
    return span or Span("<graph>", 0, 0, 0, "")
