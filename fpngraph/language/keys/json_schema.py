"""The JSON schema of graph files, made from the models and from the fields of every registered operator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from fpngraph.graph.nodes import When
from fpngraph.language.keys.manual import about
from fpngraph.language.keys.models import (
    OF_NODES,
    OF_USE,
    Defaults,
    EdgeSpec,
    GraphSpec,
    NodeSpec,
    Project,
    StageSpec,
)
from fpngraph.ops import Operator, operators
from fpngraph.ops.reading import LAYERS, MAX_LAYERS, WORDS

Schema = dict[str, Any]
_PARAMETER: Schema = {"type": "string", "pattern": r"^\$", "description": "$name, or $(arithmetic)"}
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_KEY = r"^[A-Za-z_][A-Za-z0-9_]*\s*(\(.*\)\s*)?$"
_WITHOUT_PARAMETERS = ("fpngraph", "name", "description", "source", "params", "presets", "stages")


def schema() -> Schema:
    """JSON schema (draft 2020-12) that editors complete and check graph files by.

    It says what each key may hold; what only the whole graph shows (names, levels, cycles) is for ``check``.
    """
    models: list[type[BaseModel]] = [GraphSpec, StageSpec, NodeSpec, Defaults, EdgeSpec, Project]
    _, generated = models_json_schema([(model, "validation") for model in models], by_alias=True)
    definitions = {name: _with_parameters(definition) for name, definition in generated["$defs"].items()}
    definitions |= _definitions()
    _separate_stages(definitions["StageSpec"])
    graph = _resolved(definitions.pop("GraphSpec"))
    for name in ("nodes", "stages"):  # one of them is absent, but none is null
        graph["properties"][name] |= graph["properties"][name].pop("anyOf")[0]
    graph["properties"]["stages"]["propertyNames"] = {"pattern": _NAME}
    graph["oneOf"] = [{"required": ["nodes"]}, {"required": ["stages"]}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fpngraph",
        **graph,
        "$defs": {name: _resolved(definition) for name, definition in definitions.items()},
    }


def _separate_stages(stage: Schema) -> None:
    """A stage has nodes or is a graph, and each of the two has keys that the other one has not."""
    stage["oneOf"] = [
        {"required": ["nodes"], "properties": dict.fromkeys(("use", *OF_USE), False)},
        {"required": ["use"], "properties": dict.fromkeys(("nodes", *OF_NODES), False)},
    ]


def _with_parameters(model: Schema) -> Schema:
    """A model's schema in which every value may also be a parameter."""
    properties = {}
    for name, value in model.get("properties", {}).items():
        kept = {key: value[key] for key in ("description",) if key in value}
        inner = {key: part for key, part in value.items() if key not in ("title", "description", "default")}
        header = name == "nodes" or (model.get("title") == "GraphSpec" and name in _WITHOUT_PARAMETERS)
        properties[name] = kept | (inner if header else {"anyOf": [inner, _PARAMETER]})
    return {**{key: value for key, value in model.items() if key != "title"}, "properties": properties}


def _definitions() -> dict[str, Schema]:
    reference = {"type": "string", "minLength": 1, "description": "a reference: P5, td(l+1) | P(l+1), P(3..5)"}
    by_key = {"type": "object", "propertyNames": {"pattern": _KEY}, "minProperties": 1}
    levels = {"anyOf": [{"type": "integer", "minimum": 0}, _PARAMETER]}
    channels = {"anyOf": [{"type": "integer", "minimum": 1}, _PARAMETER]}
    level = {"pattern": r"^(0|[1-9][0-9]?)$"}
    entries = {"anyOf": [reference, {"type": "array", "items": reference, "minItems": 1}]}
    kinds = {kind: _operators([kind]) for kind in ("fusion", "norm", "act", "init", "down", "up")}
    return kinds | {
        "layers": _list_of("layers", LAYERS),
        "down_layers": _list_of("down_layers", [*LAYERS, "down"]),
        "up_layers": _list_of("up_layers", [*LAYERS, "up"]),
        "branches": {
            "type": "array",
            "items": {"anyOf": [{"$ref": "#/$defs/layers"}, _PARAMETER]},
            "minItems": 2,
            "maxItems": MAX_LAYERS,
        },
        "op": {"anyOf": [{"const": "none"}, {"$ref": "#/$defs/layers"}]},
        "down_path": {"anyOf": [{"$ref": "#/$defs/down"}, {"$ref": "#/$defs/down_layers"}]},
        "up_path": {"anyOf": [{"$ref": "#/$defs/up"}, {"$ref": "#/$defs/up_layers"}]},
        "channels": {
            "anyOf": [
                channels,
                {"type": "object", "minProperties": 1, "propertyNames": level, "additionalProperties": channels},
            ]
        },
        "project": {"anyOf": [{"enum": list(get_args(When))}, {"$ref": "#/$defs/Project"}]},
        "input": {"anyOf": [reference, {"$ref": "#/$defs/EdgeSpec"}]},
        "inputs": {"anyOf": [*entries["anyOf"], {**by_key, "additionalProperties": levels}]},
        "outputs": {"anyOf": [*entries["anyOf"], {**by_key, "additionalProperties": reference}]},
        "use": {
            "anyOf": [
                {"type": "string", "minLength": 1, "description": "the name of a graph, or the path of a file"},
                {"$ref": "#", "description": "a graph"},
            ]
        },
        "used_inputs": {**by_key, "additionalProperties": reference},
    }


def _list_of(name: str, kinds: Iterable[str]) -> Schema:
    """The definition ``name``: a list of layers of these kinds, or of such lists."""
    nested = {"description": "a list in a list stands for its layers", "$ref": f"#/$defs/{name}"}
    items = [{"enum": list(WORDS)}, _operators(kinds), nested, _PARAMETER]
    return {"type": "array", "items": {"anyOf": items}, "maxItems": MAX_LAYERS}


def _operators(kinds: Iterable[str]) -> Schema:
    """``name`` or ``{name: {settings}}`` of each operator of these kinds."""
    wanted = set(kinds)
    chosen = [operator for operator in operators() if operator.kind in wanted]
    alone = [operator for operator in chosen if _needs_no_settings(operator)]
    names = [{"const": operator.name, "description": about(operator)} for operator in alone]
    settings = {
        "type": "object",
        "properties": {operator.name: _settings(operator) for operator in chosen},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [*names, settings]}


def _needs_no_settings(operator: type[Operator]) -> bool:
    try:
        operator.model_validate({})
    except ValidationError:
        return False
    return True


def _settings(operator: type[Operator]) -> Schema:
    own = _with_parameters(operator.model_json_schema())
    own.pop("description", None)
    if operator.in_place_of_settings:
        return {"description": about(operator), "anyOf": [own["properties"][operator.in_place_of_settings]]}
    if not _needs_no_settings(operator):
        return {"description": about(operator), **own}
    return {"description": about(operator), "anyOf": [own, {"type": "null"}]}


def _resolved(schema: Any) -> Any:
    """The schema with ``$ref`` for the parts that the models only name."""
    if isinstance(schema, list):
        return [_resolved(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(name := schema.get("definition"), str):
        return {key: value for key, value in schema.items() if key == "description"} | {"$ref": f"#/$defs/{name}"}
    return {key: _resolved(value) for key, value in schema.items()}
