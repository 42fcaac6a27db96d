"""From the text of a graph file to its nodes: every parameter, range, default, stage and run worked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fpngraph.errors import Problem, Span
from fpngraph.graph.nodes import Input, Node
from fpngraph.language.bind import Binder, Choices, Output
from fpngraph.language.keys.findings import About, validate
from fpngraph.language.keys.models import OF_NODES, OF_USE, GraphSpec, StageSpec
from fpngraph.language.members import Stage
from fpngraph.language.names import Names
from fpngraph.language.params import read_params
from fpngraph.language.ports import read_inputs, read_outputs
from fpngraph.language.problems import Problems
from fpngraph.language.stages import StageReader
from fpngraph.language.substitution import substitute
from fpngraph.language.uses import Uses
from fpngraph.language.yaml.value import Scalar, Value


@dataclass(frozen=True, slots=True)
class Expansion:
    """A graph file worked out: what it declares, and the nodes of every run in the order of declaration."""

    spec: GraphSpec
    inputs: tuple[Input, ...]
    stages: tuple[Stage, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    choices: Choices
    warnings: tuple[Problem, ...]


Preset = Value | str | None
Given = Value | Mapping[str, Any] | None


def expand(document: Value, preset: Preset, params: Given, uses: Uses) -> Expansion:
    """Everything that a document says. Raises GraphError with all problems of the first phase that has any."""
    values = read_params(document, preset, params)
    problems = Problems()
    document = substitute(document, values, problems, uses.spent)
    spec = validate(GraphSpec, document, problems, document.plain(), About(params=values))
    misspelt = {it.span: it.replacement.text for it in problems if it.span and it.replacement}
    problems.extend(_not_one_of_two(document, misspelt))
    problems.extend(_mixed_stages(document, misspelt))
    if spec is None or problems:
        raise problems.error()
    names = Names(values, problems, uses.spent)
    inputs = read_inputs(document.at(["inputs"]), names)
    entries = document.entries
    reader = StageReader(names, entries.get("defaults"), uses)
    stages = _stages(spec, document, reader)
    bindings = read_outputs(entries["outputs"], names)
    names.declared.report_unknown(problems)
    if problems:
        raise problems.error()
    binder = Binder(spent=uses.spent)
    scope = binder.run(inputs, stages)
    outputs = () if binder.problems else tuple(binder.outputs(bindings, scope))
    if binder.problems:
        raise binder.problems.error()
    nodes = tuple(binder.nodes)
    return Expansion(spec, tuple(inputs.values()), stages, nodes, outputs, binder.choices, tuple(reader.warnings))


def _not_one_of_two(document: Value, misspelt: Mapping[Span, str]) -> Iterator[Problem]:
    """A problem for a graph with neither nodes nor stages, or both. What is ``misspelt`` is a problem already."""
    spans = document.key_spans
    for key in ("nodes", "stages"):
        if key in spans and document.at([key]).data is None:
            yield Problem("wrong-value", f"{key!r} is empty, but must be a mapping", document.at([key]).span)
    if not {"nodes", "stages"} & _meant(spans, misspelt):
        yield Problem("nodes-or-stages", "a graph needs 'nodes' or 'stages', and this has neither", document.span)
    elif "nodes" in spans and "stages" in spans:
        hint = "put the nodes into a stage, or the stages' nodes under 'nodes'"
        message = "a graph has 'nodes' or 'stages', and this has both"
        yield Problem("nodes-or-stages", message, spans["nodes"], hint)


def _meant(spans: Mapping[Scalar, Span], misspelt: Mapping[Span, str]) -> set[object]:
    """The keys of a mapping, those that are misspelt as they should be."""
    return {misspelt.get(span, key) for key, span in spans.items()}


def _mixed_stages(document: Value, misspelt: Mapping[Span, str]) -> Iterator[Problem]:
    """A problem for every stage that is neither nodes nor a graph, or both."""
    stages = document.at(["stages"])
    for name, stage in stages.entries.items() if "stages" in document.entries else ():
        keys = stage.key_spans
        if not isinstance(stage.data, Mapping):
            continue
        if not {"use", "nodes"} & _meant(keys, misspelt):
            message = f"stage {name!r} needs 'nodes' or 'use', and has neither"
            yield Problem("nodes-or-use", message, stages.key_spans[name])
        for key in ("nodes", *OF_NODES) if "use" in keys else OF_USE:
            if key not in keys:
                continue
            hint = "'use' takes the place of nodes: put them into a stage of their own"
            if "use" not in keys:
                hint = f"{key!r} is for the graph that a stage uses"
            also = "" if "use" in keys else "out"
            yield Problem("nodes-or-use", f"a stage with{also} 'use' has no {key!r}", keys[key], hint)


def _stages(spec: GraphSpec, document: Value, reader: StageReader) -> tuple[Stage, ...]:
    if spec.stages is None:
        span = document.key_spans["nodes"]
        only = replace(document, data={"nodes": document.at(["nodes"])})
        return (reader.stage(None, StageSpec(nodes=spec.nodes or {}), only, span),)
    stages = document.at(["stages"])
    return tuple(
        reader.stage(name, stage, stages.at([name]), stages.key_spans[name]) for name, stage in spec.stages.items()
    )
