"""Shipped graphs with the parameters of somebody else's neck: the file's own text, and the table of its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fpngraph.language.yaml.source import read, read_file
from fpngraph.language.yaml.writing import flow, to_yaml
from fpngraph.library import shipped
from fpngraph.weights.tables import Table, shipped_tables

_BOUND = re.compile(r"\b(min|max)\b(?=[^{}]*\})")
Path = tuple[str, ...]
Values = dict[Path, Any]


def params(**values: Any) -> Values:
    """Parameters of a graph as values of its file."""
    return {("params", key): value for key, value in values.items()}


@dataclass(frozen=True)
class Piece:
    """A neck of theirs: the shipped graph that it is, what differs in that file, and what its weights are called.

    ``values`` are what stands there instead, by keys: ``("params", "channels")``. ``levels`` are those that come in,
    ``outputs`` those that come out. ``rename`` says which module of theirs is called otherwise.
    """

    graph: str
    source: str
    levels: Sequence[int]
    outputs: Sequence[int]
    values: Mapping[Path, Any] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The file, with the values in it."""
        path = shipped()[self.graph]
        value, lines = read_file(path), path.read_text(encoding="utf-8").splitlines()
        spans = [(value.at(keys).span, new) for keys, new in self.values.items() if value.at(keys).plain() != new]
        for span, new in sorted(spans, key=lambda it: (it[0].line, -it[0].column)):
            line = lines[span.line - 1]
            lines[span.line - 1] = f"{line[: span.column - 1]}{flow(new)}{line[span.end - 1 :]}"
        return "\n".join(lines) + "\n"

    @property
    def used(self) -> Mapping[str, Any]:
        """The graph as a stage of another one."""
        if all(keys[0] == "params" for keys in self.values):
            return {"use": self.graph, "params": {keys[1]: new for keys, new in self.values.items()}}
        return {"use": read(self.text, self.graph).plain()}

    def table(self) -> Mapping[str, Any]:
        """What its tensors are called."""
        name = read_file(shipped()[self.graph]).entries["name"].plain()
        tables = [it for it in _tables() if it.source == self.source and it.graph in (name, None)]
        found = next((it for it in tables if it.graph == name), tables[0])
        said = _said(found) | {"graph": name}
        return {key: _renamed(value, self.rename) for key, value in said.items()}


def table_within(part: Piece, ours: str, theirs: str) -> Mapping[str, Any]:
    """What its tensors are called where ``ours`` is before all names of ours, and ``theirs`` before theirs."""
    bounds = {"min": str(min(part.levels)), "max": str(max(part.levels))} if ours else {}
    names = [
        {**entry, "ours": f"{ours}{entry['ours']}", "theirs": _within(entry["theirs"], theirs, bounds)}
        for entry in part.table()["names"]
    ]
    return {**part.table(), "names": names}


@cache
def _tables() -> list[Table]:
    return shipped_tables()


def _said(table: Table) -> dict[str, Any]:
    skipped = {"extra", "within", "fixed"}
    return table.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=skipped)


def _renamed(value: Any, rename: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _renamed(inner, rename) if key != "ours" else inner for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, rename) for inner in value]
    if isinstance(value, str):
        return ".".join(rename.get(part, part) for part in value.split("."))
    return value


def _within(theirs: Any, prefix: str, bounds: Mapping[str, str]) -> Any:
    if isinstance(theirs, list):
        return [_within(one, prefix, bounds) for one in theirs]
    return f"{prefix}{_BOUND.sub(lambda found: bounds.get(found[1], found[1]), theirs)}"


@dataclass(frozen=True)
class Imported:
    """A graph file, and the table of its weights as plain data."""

    text: str
    names: Mapping[str, Any]

    def table(self) -> Mapping[str, Any]:
        """The table of names, for the state dict of their neck."""
        return self.names


def imported(pieces: Sequence[Piece], description: str) -> Imported:
    """Necks one after the other, of which each begins with what the one before gives, as one graph."""
    if len(pieces) == 1:
        return Imported(pieces[0].text, pieces[0].table())
    first, last = pieces[0], pieces[-1]
    stages = {piece.graph: piece.used for piece in pieces}
    name = ", ".join(piece.source.rpartition(".")[2] for piece in pieces)
    graph = {
        "fpngraph": 1,
        "name": name,
        "description": description,
        "inputs": f"C({first.levels[0]}..{first.levels[-1]})",
        "stages": stages,
        "outputs": f"P({last.outputs[0]}..{last.outputs[-1]})",
    }
    tables = [table_within(piece, f"{piece.graph}.", f"{place}.") for place, piece in enumerate(pieces)]
    blocks = {key: block for table in tables for key, block in table.get("blocks", {}).items()}
    names = [entry for table in tables for entry in table["names"]]
    return Imported(to_yaml(graph), {"source": first.source, "graph": name, "names": names, "blocks": blocks})
