"""What the JSON schema of graph files says of a place: the keys, words and operators that may stand there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from fpngraph.editor.places import Path
from fpngraph.language.keys.json_schema import schema

Schema = Mapping[str, Any]


@cache
def _all() -> Schema:
    return schema()


def forms(path: Path) -> list[Schema]:
    """The forms that the value at a path may have, none of them a choice or a reference to another part."""
    found = list(_opened(_all()))
    for step in path:
        found = [opened for form in found for inner in _inside(form, step) for opened in _opened(inner)]
    return found


def keys(path: Path) -> dict[str, str]:
    """The keys that a mapping at a path may have, with what each means."""
    found: dict[str, str] = {}
    for form in forms(path):
        for name, inner in form.get("properties", {}).items():
            found.setdefault(name, _meaning(inner))
    return found


def one_key(path: Path) -> bool:
    """Whether a mapping at a path has one key alone, as one that gives an operator its settings."""
    found = [form for form in forms(path) if "properties" in form]
    return bool(found) and all(form.get("maxProperties") == 1 for form in found)


def words(path: Path) -> dict[str, str]:
    """The words and numbers that a value at a path may be, with what each means."""
    found: dict[str, str] = {}
    for form in forms(path):
        for word in form.get("enum", [form["const"]] if "const" in form else []):
            found.setdefault(_written(word), form.get("description", ""))
        if form.get("type") == "boolean":
            found |= {"true": "", "false": ""}
    return found


def operators(path: Path) -> dict[str, str]:
    """The operators that a value at a path may name as ``{name: settings}``, with what each is."""
    alone = (form for form in forms(path) if form.get("maxProperties") == 1)
    return {name: _meaning(inner) for form in alone for name, inner in form["properties"].items()}


def meaning(path: Path) -> str:
    """What the key at the end of a path means; empty where nothing says it."""
    return keys(path[:-1]).get(str(path[-1]), "")


def _written(word: object) -> str:
    return str(word).lower() if isinstance(word, bool) else str(word)


def _meaning(form: Schema) -> str:
    return str(form.get("description", ""))


def _opened(form: Any) -> Iterator[Schema]:
    """The forms that one stands for; what a choice says of itself, each of them says where it says nothing."""
    if not isinstance(form, Mapping):
        return
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        yield from _opened(_all() if name == "#" else _all()["$defs"][name])
    elif "anyOf" in form:
        for inner in form["anyOf"]:
            yield from _opened(inner)
    elif form.get("type") != "null":
        yield form


def _inside(form: Schema, step: Any) -> Iterator[Any]:
    """The forms of what is at a key or index."""
    if isinstance(step, int) and form.get("type") == "array":
        yield form.get("items")
    elif str(step) in form.get("properties", {}):
        yield form["properties"][str(step)]
    elif "additionalProperties" in form and not (isinstance(step, int) and form.get("type") == "array"):
        yield form["additionalProperties"]
