"""From the text of a graph file to its nodes: every parameter, range, default, stage and run worked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fpngraph.errors import Problem
from fpngraph.graph.nodes import Input, Node
from fpngraph.language.bind import Binder, Choices, Output
from fpngraph.language.keys.findings import validate
from fpngraph.language.keys.models import GraphSpec, StageSpec
from fpngraph.language.members import Stage
from fpngraph.language.names import Names
from fpngraph.language.params import read_params
from fpngraph.language.ports import read_inputs, read_outputs
from fpngraph.language.problems import Problems
from fpngraph.language.stages import StageReader
from fpngraph.language.substitution import substitute
from fpngraph.language.yaml.source import Value


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


def expand(document: Value, preset: str | None = None, params: Mapping[str, Any] | None = None) -> Expansion:
    """Everything that a document says. Raises GraphError with all problems of the first phase that has any."""
    values = read_params(document, preset, params or {})
    problems = Problems()
    document = substitute(document, values, problems)
    spec = validate(GraphSpec, document, problems, document.plain())
    problems.extend(_not_one_of_two(document))
    if spec is None or problems:
        raise problems.error()
    names = Names(values, problems)
    inputs = read_inputs(document.at(["inputs"]), names)
    entries = document.entries
    reader = StageReader(names, entries.get("defaults"))
    stages = _stages(spec, document, reader)
    bindings = read_outputs(entries["outputs"], names)
    names.report_unknown()
    if problems:
        raise problems.error()
    binder = Binder()
    scope = binder.run(inputs, stages)
    outputs = () if binder.problems else tuple(binder.outputs(bindings, scope))
    if binder.problems:
        raise binder.problems.error()
    warnings = (*reader.warnings, *binder.warnings)
    return Expansion(spec, tuple(inputs.values()), stages, tuple(binder.nodes), outputs, binder.choices, warnings)


def _not_one_of_two(document: Value) -> Iterator[Problem]:
    spans = document.key_spans
    for key in ("nodes", "stages"):
        if key in spans and document.at([key]).data is None:
            yield Problem("wrong-value", f"{key!r} is empty, but must be a mapping", document.at([key]).span)
    if "nodes" not in spans and "stages" not in spans:
        yield Problem("nodes-or-stages", "a graph needs 'nodes' or 'stages', and this has neither", document.span)
    elif "nodes" in spans and "stages" in spans:
        hint = "put the nodes into a stage, or the stages' nodes under 'nodes'"
        message = "a graph has 'nodes' or 'stages', and this has both"
        yield Problem("nodes-or-stages", message, spans["nodes"], hint)


def _stages(spec: GraphSpec, document: Value, reader: StageReader) -> tuple[Stage, ...]:
    if spec.stages is None:
        span = document.key_spans["nodes"]
        only = replace(document, data={"nodes": document.at(["nodes"])})
        return (reader.stage(None, StageSpec(nodes=spec.nodes or {}), only, span),)
    stages = document.at(["stages"])
    return tuple(
        reader.stage(name, stage, stages.at([name]), stages.key_spans[name]) for name, stage in spec.stages.items()
    )
