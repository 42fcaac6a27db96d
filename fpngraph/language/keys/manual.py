"""What people are told of an operator: what it is, where it may stand, its settings, and a file that has it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from fpngraph.ops import Fusion, Operator

PLACES: Mapping[str, str] = {
    "layer": "in a list of layers: 'op', or a list of 'down', 'up' or another layer",
    "norm": "as 'norm', and wherever a layer may stand",
    "act": "as 'act', and wherever a layer may stand",
    "down": "as 'down', or once in its list",
    "up": "as 'up', or once in its list",
    "fusion": "as 'fusion'",
    "init": "as 'init'",
}
"""Where the operators of each kind may stand in a graph file."""
_NODES: Mapping[str, str] = {
    "layer": "P3: {inputs: [C3], op: [%s, conv]}",
    "norm": "P3: {inputs: [C3], norm: %s, op: [conv, norm, act]}",
    "act": "P3: {inputs: [C3], act: %s, op: [conv, norm, act]}",
    "down": "P4: {inputs: [C4, {from: C3, down: %s}]}",
    "up": "P3: {inputs: [C3, {from: C4, up: %s}]}",
    "fusion": "P3: {inputs: [C3, C4], fusion: %s}",
    "init": "P3: {inputs: [C3], op: [conv, norm, act], init: %s}",
}
_FILE = """\
fpngraph: 1
name: example
inputs: C(3..%d)
defaults: {channels: 64}
nodes:
  %s
outputs: [%s]
"""
_NAMED: Mapping[str, str] = {"layers": "a list of layers", "branches": "lists of layers", "act": "an activation"}
"""Values that the JSON schema has a definition of."""
_PAPER = re.compile(r"arXiv:(\d{4}\.\d{5})")


def about(operator: type[Operator]) -> str:
    """What it is, in one line."""
    return _doc(operator).partition("\n")[0]


def page(operator: type[Operator]) -> dict[str, Any]:
    """All of an operator as plain data; ``example`` is the text of a graph file."""
    doc = _doc(operator)
    return {
        "name": operator.name,
        "kind": operator.kind,
        "about": about(operator),
        "more": [" ".join(part.split()) for part in doc.partition("\n")[2].split("\n\n") if part.strip()],
        "place": PLACES[operator.kind],
        "papers": [f"https://arxiv.org/abs/{number}" for number in dict.fromkeys(_PAPER.findall(doc))],
        "in_place_of_settings": operator.in_place_of_settings or None,
        "settings": _settings(operator),
        "example": _example(operator),
    }


def _doc(operator: type[Operator]) -> str:
    return inspect.cleandoc(vars(operator).get("__doc__") or operator.name)


def _settings(operator: type[Operator]) -> list[dict[str, Any]]:
    schema = operator.model_json_schema()
    return [
        {
            "name": name,
            "takes": takes(entry),
            "required": name in schema.get("required", ()),
            "default": entry.get("default"),
            "description": entry.get("description", ""),
        }
        for name, entry in schema.get("properties", {}).items()
    ]


def takes(schema: Mapping[str, Any]) -> str:
    """The values that a setting takes, in words, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(takes(part) for part in schema["anyOf"] if part != {"type": "null"})
    if "const" in schema:
        return f"'{schema['const']}'"
    if "enum" in schema:
        return " or ".join(f"'{word}'" for word in schema["enum"])
    if "definition" in schema:
        return _NAMED[schema["definition"]]
    words = {"boolean": "true or false", "string": "text", "array": "list", "object": "mapping"}
    kind = str(schema.get("type", "anything"))
    text = words.get(kind, kind)
    for key, word in (
        ("exclusiveMinimum", "above"),
        ("minimum", "from"),
        ("exclusiveMaximum", "below"),
        ("maximum", "to"),
    ):
        text += f" {word} {schema[key]:g}" if key in schema else ""
    return text


def _example(operator: type[Operator]) -> str:
    written = f"{{{operator.name}: {operator.example}}}" if operator.example else operator.name
    node = _NODES[operator.kind] % written
    number = (issubclass(operator, Fusion) and operator.takes) or 2
    names = ", ".join(f"C{level}" for level in range(3, 3 + number))
    return _FILE % (2 + number, node.replace("C3, C4]", f"{names}]"), node[:2])
