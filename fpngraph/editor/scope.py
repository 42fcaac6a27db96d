"""What a file has in store for the place at which somebody types: names in scope, parameters, used graphs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as File

from fpngraph.editor.documents import Document, Documents
from fpngraph.editor.names import Occurrence
from fpngraph.editor.places import Path
from fpngraph.errors import GraphError
from fpngraph.language.keys.findings import shown
from fpngraph.language.members import text_of
from fpngraph.language.names import Names, Place
from fpngraph.language.params import Params, read_params
from fpngraph.language.problems import Problems
from fpngraph.language.spent import Spent
from fpngraph.language.uses import is_path
from fpngraph.language.yaml.value import Value
from fpngraph.library import Description, describe, named

_MEMBERS = 40  # of one declaration that are listed


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in a file something stands: the graph around it, the path within that, and the stage, if one is around."""

    documents: Documents
    document: Document
    tree: Value
    home: Path
    """Keys that lead to the graph: none, or those of one that is written in a stage of another one."""
    path: Path
    stage: str | None

    @property
    def graph(self) -> Value:
        return self.tree.at(self.home)

    @property
    def is_reference(self) -> bool:
        """Whether a value here names what a node reads, or what an output or an input of a used graph stands for."""
        path = self.path[2:] if self.stage is not None else self.path
        if path[:1] == ("nodes",):
            return len(path) in (4, 5) and path[2] == "inputs" and path[4:] in ((), ("from",))
        return path[:1] == ("outputs",) or (self.stage is not None and path[:1] == ("inputs",) and len(path) == 2)

    def names(self) -> dict[str, str]:
        """What can be referred to, with where it is from: members, and ``P(l)`` for each family."""
        here = [it for it in self.document.names if it.home == self.home and it.declares]
        stages = list(dict.fromkeys(it.text for it in here if it.kind == "stage"))
        number = stages.index(self.stage) if self.stage in stages else len(stages)
        before = {None, *stages[: number + 1]}
        reader = Names(params_of(self.graph), Problems(), Spent())
        found: dict[str, str] = {}
        for it in here:
            if it.kind in ("family", "node") and it.stage in before:
                about = f"{it.name.text if it.name else it.text}, {_from(it)}"
                if it.kind == "family":
                    found.setdefault(f"{it.text}(l)", about)
                for member in _members(it, reader):
                    found.setdefault(member, about)
        for name in stages[:number]:
            used = self.description(name)
            found = dict.fromkeys(used.outputs if used else (), f"an output of stage {name!r}") | found
        return found

    def used(self, stage: str | None) -> tuple[File | None, Value | None]:
        """The file and the values of the graph that a stage uses; no file for one that is written in place."""
        use = self.graph.at(["stages", stage]).entries.get("use") if stage else None
        if use is None or use.entries:
            return None, use
        place = file_of(self.documents, self.document, use.data)
        text = self.documents.text(place) if place else None
        return (place, text.tree) if text and text.tree else (None, None)

    def description(self, stage: str | None) -> Description | None:
        """What the graph says of itself that a stage uses; None where it cannot be read, or has no file."""
        place, _ = self.used(stage)
        try:
            return describe(place) if place else None
        except GraphError:
            return None


def scope_at(documents: Documents, document: Document, tree: Value, path: Path) -> Scope:
    """The place that a path leads to, within its graph."""
    home: Path = ()
    inner = path
    while len(inner) > 3 and inner[0] == "stages" and inner[2] == "use" and tree.at(path[: len(home) + 3]).entries:
        home, inner = (*home, *inner[:3]), inner[3:]
    stage = str(inner[1]) if len(inner) > 1 and inner[0] == "stages" else None
    return Scope(documents, document, tree, home, inner, stage)


def _from(it: Occurrence) -> str:
    return f"line {it.span.line}" if it.stage is None else f"stage {it.stage!r}, line {it.span.line}"


def _members(it: Occurrence, reader: Names) -> Iterator[str]:
    """The members that a declaration has by the defaults of the parameters."""
    if it.name is None:
        return
    try:
        keys = reader.keys(it.name, Place(it.said, it.name.text))
    except GraphError:  # too many
        return
    yield from map(text_of, keys[:_MEMBERS])


def params_of(graph: Value) -> Params:
    """The parameters of a graph with their defaults; none where they cannot be read."""
    try:
        return read_params(graph, None, None)
    except GraphError:
        return {}


def parameters(graph: Value) -> dict[str, str]:
    """The parameters of a graph, each with its default in words."""
    return {
        str(name): shown(value) for name, value in graph.at(["params"]).entries.items() if "params" in graph.entries
    }


def file_of(documents: Documents, document: Document, use: object) -> File | None:
    """The file of a used graph, by its name or its path."""
    if not isinstance(use, str) or "\0" in use:
        return None
    if not is_path(use):
        path = named().get(use)
        return File(os.path.realpath(path)) if path else None
    folders = [document.place.parent] if document.place else []
    folders += [File(documents.folder)] if documents.folder else []
    found = [File(os.path.realpath(folder / use)) for folder in folders]
    return next((path for path in found if path.is_file() or documents.at(path)), None)
