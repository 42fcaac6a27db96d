"""Where a graph or a stage begins and ends: ``inputs`` and ``outputs``, in each of their forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fpngraph.errors import Span, nearest
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Input
from fpngraph.language.declared import check_name, level_of
from fpngraph.language.grammar.reference import Name
from fpngraph.language.limits import MAX_LEVEL, MAX_NODES
from fpngraph.language.members import Binding, Candidates, Key, key_of, text_of
from fpngraph.language.names import Names, Place
from fpngraph.language.yaml.value import Value

_LEVEL = "write name and level, such as 'inputs: {image: 0}'"

_CHANNELS = "the number here is a level; channels are told to '--in-channels', or to fpngraph.build"


def read_inputs(value: Value, names: Names) -> dict[Key, Input]:
    """The graph's inputs: a name or range, a list of them, or a mapping of name to level."""
    inputs: dict[Key, Input] = {}
    before = len(names.problems)
    for text, span, explicit in _entries(value, names):
        name = names.declaration(text, span)
        if name and name.stop_index is not None and explicit is not None:
            hint = f"a level for each: write 'inputs: {name.text}', or name after name"
            names.problems.once("wrong-value", f"the range {name.text!r} is given one level, {explicit}", span, hint)
            continue
        keys = names.keys(name, Place(span, text)) if name else []
        if len(inputs) + len(keys) > MAX_NODES:
            names.problems.stop(f"the graph has more than {MAX_NODES} inputs, which is the limit", span)
        for key in keys:
            check_name(key, span, names.problems)
            hint = _LEVEL if explicit is None or explicit <= MAX_LEVEL else _CHANNELS
            level = level_of(key, explicit, span, hint, names.problems)
            if key in inputs:
                names.problems.once("declared-twice", f"input {text_of(key)!r} is declared twice", span)
            elif level is not None:
                inputs[key] = Input(text_of(key), level, span)
    if not inputs and len(names.problems) == before:
        hint = "name the maps of the backbone, such as 'inputs: C(3..5)'"
        names.problems.once("no-inputs", "the graph has no inputs", value.span, hint)
    if len(names.problems) > before:
        names.declared.incomplete()
    return inputs


def _entries(value: Value, names: Names) -> Iterator[tuple[Any, Span, int | None]]:
    if not isinstance(value.data, Mapping):
        for entry in value.data if isinstance(value.data, tuple) else (value,):
            yield entry.plain(), entry.span, None
        return
    for text, level in value.data.items():
        if type(level.data) is int and level.data >= 0:
            yield text, value.key_spans[text], level.data
        else:
            message = f"input {text!r} needs its level, an integer of 0 or more"
            names.problems.once("missing-level", message, level.span, _LEVEL)


def read_bindings(value: Value, names: Names) -> tuple[Binding, ...]:
    """``outputs`` of a stage: a reference or range, a list of them, or a mapping of names that it binds."""
    return tuple(_bindings(value, names, names.declaration))


def read_used_inputs(value: Value | None, graph: Graph, names: Names, use: Span) -> Iterator[tuple[Input, Candidates]]:
    """Each input of a graph that a stage uses, with what stands for it: by default what has its name."""
    said: dict[Key, Candidates] = {}
    known = {key_of(name) for name in graph.inputs}
    if value is not None and not isinstance(value.data, Mapping):
        hint = "such as 'inputs: {C(3..5): P(l)}'"
        message = "'inputs' of a graph that is used is a mapping of its inputs to references"
        names.problems.once("wrong-value", message, value.span, hint)
    for binding in _bound(value, names, names.name) if value else ():
        assert binding.key is not None
        if binding.key not in known:
            hint = nearest(text_of(binding.key), graph.inputs)
            span = binding.candidates.span
            message = f"the graph that is used has no input {text_of(binding.key)!r}"
            names.problems.once("unknown-input", message, span, hint)
        elif binding.candidates.optional:
            message = "an input of a graph that is used cannot be 'none'"
            names.problems.once("used-input", message, binding.candidates.span, "leave '| none' out")
        said[binding.key] = binding.candidates
    for entry in graph.inputs.values():
        key = key_of(entry.name)
        yield entry, said.get(key) or Candidates((key,), optional=False, span=use, text=entry.name)


def read_outputs(value: Value, names: Names) -> tuple[Binding, ...]:
    """``outputs`` of the graph, in the same forms, none of which may be missing. Nothing can refer to their names."""
    before = len(names.problems)
    bindings = tuple(_bindings(value, names, names.name))
    for binding in bindings:
        if binding.candidates.optional:
            hint = "leave '| none' out, or leave out the output"
            message = "an output of the graph cannot be 'none'"
            names.problems.once("output-reference", message, binding.candidates.span, hint)
    if not bindings and len(names.problems) == before:
        hint = "name what the neck gives, such as 'outputs: P(3..7)'"
        names.problems.once("no-outputs", "the graph has no outputs", value.span, hint)
    return bindings


def _bindings(value: Value, names: Names, read: Callable[[Any, Span], Name | None]) -> Iterator[Binding]:
    if isinstance(value.data, Mapping):
        yield from _bound(value, names, read)
        return
    for entry in value.data if isinstance(value.data, tuple) else (value,):
        reference = names.reference(entry)
        for candidates in names.candidates(reference, entry) if reference else ():
            yield Binding(None, candidates)


def _bound(value: Value, names: Names, read: Callable[[Any, Span], Name | None]) -> Iterator[Binding]:
    for text, entry in value.entries.items():
        span = value.key_spans[text]
        name, reference = read(text, span), names.reference(entry)
        if name is None or reference is None:
            continue
        if reference.alternatives[0].stop_index is not None:
            hint = "write the range on both sides with 'l', such as '{P(3..7): out(l)}'"
            message = "an output of a name stands for one node, not for a range"
            names.problems.once("output-reference", message, entry.span, hint)
            continue
        for key in names.keys(name, Place(span, str(text))):
            check_name(key, span, names.problems)
            for candidates in names.candidates(reference, entry, key[1]):
                yield Binding(key, candidates)
