"""The stages of a file: their members with every index worked out, before anything is connected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from fpngraph.errors import GraphError, Problem, Span
from fpngraph.language.declared import check_name, level_of
from fpngraph.language.grammar.reference import Reference, is_name
from fpngraph.language.keys.models import Defaults, EdgeSpec, NodeSpec, StageSpec
from fpngraph.language.limits import MAX_CHARACTERS, MAX_NODES, MAX_VALUES
from fpngraph.language.members import Candidates, Key, Member, Stage, UsedGraph, key_of, text_of
from fpngraph.language.names import Names, Place
from fpngraph.language.ports import read_bindings, read_used_inputs
from fpngraph.language.settings import BASE, PerMember, merged
from fpngraph.language.substitution import TOO_MANY
from fpngraph.language.uses import Uses, not_reached
from fpngraph.language.yaml.value import Value

_INDEX = "choose a name that ends in an index"
_LEVEL = "give it a 'level', or a name that ends in its level"


class StageReader:
    """Reads the stages of one file, each with the file's defaults under its own."""

    def __init__(self, names: Names, defaults: Value | None, uses: Uses) -> None:
        self.names, self.uses = names, uses
        self.warnings: list[Problem] = []
        self.defaults = self._read_defaults(defaults)

    def _read_defaults(self, value: Value | None) -> list[PerMember[Defaults]]:
        if value is None or value.data is None:
            return []
        return [PerMember(Defaults, value, self.names, "defaults")]

    def stage(self, name: str | None, spec: StageSpec, value: Value, span: Span) -> Stage:
        """One stage; ``value`` is its mapping in the file, ``span`` the place of its name."""
        if name is not None and not is_name(name):
            hint = "letters, digits and _; no digit first"
            self.names.problems.once("name-syntax", f"{name!r} is no name of a stage", span, hint)
        elif name is not None:
            check_name((name, None), span, self.names.problems)
        entries = value.entries
        used = self._used(str(name), value, span) if "use" in entries else None
        own = self._read_defaults(entries.get("defaults"))
        members = tuple(self._stage_members(value.at(["nodes"]), [*self.defaults, *own])) if spec.nodes else ()
        outputs = read_bindings(entries["outputs"], self.names) if spec.outputs is not None else None
        if spec.repeat is not None and (outputs is None or not isinstance(entries["outputs"].data, Mapping)):
            message = "a stage with 'repeat' needs 'outputs', a mapping that rebinds the names that its nodes read"
            hint = "such as 'outputs: {P(3..7): out(l)}'"
            self.names.problems.once("repeat-without-outputs", message, value.key_spans["repeat"], hint)
            self.names.declared.incomplete()  # of the names that they would bind
        return Stage(name, spec.repeat, members, outputs, span, used)

    def _used(self, name: str, value: Value, span: Span) -> UsedGraph | None:
        """The graph that a stage is; None where it cannot be used, which is then among the problems."""
        entries = value.entries
        try:
            used = self.uses.used(name, entries, span)
        except GraphError as error:
            self.names.problems.extend(error.problems)
            self.names.declared.incomplete()
            return None
        for family, index in map(key_of, used.graph.outputs):
            self.names.declared.add(family, indexed=index is not None)
        self.warnings.extend(used.graph.warnings)
        self.warnings.extend(not_reached(used.document, value, [part.value for part in self.defaults], span))
        inputs = read_used_inputs(entries.get("inputs"), used.graph, self.names, entries["use"].span)
        return UsedGraph(used.graph, tuple(inputs))

    def _stage_members(self, nodes: Value, defaults: Sequence[PerMember[Defaults]]) -> Iterator[Member]:
        declared: dict[Key, Member] = {}
        for text, entry in nodes.entries.items():
            for member in self._family(text, nodes.key_spans[text], entry, defaults):
                first = declared.setdefault(member.key, member)
                if first is member:
                    yield member
                else:
                    place = f"{first.declared!r} on line {first.span.line}"
                    message = f"node {text_of(member.key)!r} is declared by {place} already"
                    self.names.problems.once("declared-twice", message, member.span)

    def _family(self, text: Any, span: Span, value: Value, defaults: Sequence[PerMember[Defaults]]) -> Iterator[Member]:
        """The members that one entry of ``nodes`` declares."""
        names = self.names
        name = names.declaration(text, span)
        entry = PerMember(NodeSpec, value, names, str(text))
        inputs = _Inputs(names, value)
        before = len(names.problems)
        keys = names.keys(name, Place(span, text)) if name else []
        self._count(keys, span, [entry, *defaults])
        if name and not keys and not name.parameters and len(names.problems) == before:
            message = f"family {name.text!r} has no member"
            self.warnings.append(Problem("empty-family", message, span, severity="warning"))
        varies = entry.varies or any(part.varies for part in defaults)
        cache: dict[int | None, Defaults] = {}
        for key in keys:
            check_name(key, span, names.problems)
            if key[1] is None and any(part.varies for part in defaults):
                names.problems.once("no-index", f"{text_of(key)!r} has no index, but 'defaults' use 'l'", span, _INDEX)
                continue
            spec = entry.at(key[1])
            parts: list[Any] = [*(part.at(key[1]) for part in defaults), spec]
            level = level_of(key, spec.level, span, _LEVEL, names.problems) if spec else None
            if spec is None or level is None or None in parts:
                continue
            shared = key[1] if varies else None
            if shared not in cache:
                cache[shared] = reduce(merged, parts, BASE)
            place = _place_of("channels", [entry, *reversed(defaults)], span)
            yield Member(key, level, inputs.of(key[1], spec), cache[shared], span, text, inputs.single, place)

    def _count(self, keys: Sequence[Key], span: Span, parts: Sequence[PerMember[Any]]) -> None:
        """Ends the phase where the members of an entry, or what is worked out for each of them, become too many."""
        self.names.spent.members += len(keys)
        if self.names.spent.members > MAX_NODES:
            self.names.problems.stop(f"the graph has more than {MAX_NODES} nodes, which is the limit", span)
        self.names.spent.varying += len(keys) * sum(part.size for part in parts if part.varies)
        if self.names.spent.varying > MAX_VALUES:
            message = f"'$(...)' with 'l' stands for more than {MAX_VALUES} values, which is the limit"
            self.names.problems.stop(message, span)
        self.names.spent.repeated += len(keys) * sum(part.characters for part in parts)
        if self.names.spent.repeated > MAX_CHARACTERS:
            self.names.problems.stop(TOO_MANY, span)


class _Inputs:
    """The inputs of one entry: parsed once, worked out for each of its members."""

    def __init__(self, names: Names, value: Value) -> None:
        self.names = names
        self.parsed: list[tuple[Reference | None, Value]] = []
        listed = value.data.get("inputs") if isinstance(value.data, Mapping) else None
        for entry in listed.data if listed and isinstance(listed.data, tuple) else ():
            source = entry.data.get("from", entry) if isinstance(entry.data, Mapping) else entry
            if isinstance(source.data, str):  # else the specification says what is wrong
                self.parsed.append((names.reference(source), source))

    @property
    def single(self) -> bool:
        """Whether there is one, whatever exists."""
        reference = self.parsed[0][0] if len(self.parsed) == 1 else None
        return reference is not None and not reference.optional and reference.alternatives[0].stop_index is None

    def of(self, index: int | None, spec: NodeSpec) -> tuple[Candidates, ...]:
        return tuple(
            replace(candidates, resample=said) if isinstance(said, EdgeSpec) else candidates
            for (reference, value), said in zip(self.parsed, spec.inputs, strict=True)
            for candidates in (self.names.candidates(reference, value, index) if reference else ())
        )


def _place_of(setting: str, parts: Sequence[PerMember[Any]], otherwise: Span) -> Span:
    """Where a setting is said that holds: by the first of ``parts`` that says it."""
    said = (part.value.entries.get(setting) for part in parts)
    return next((value.span for value in said if value is not None and value.data is not None), otherwise)
