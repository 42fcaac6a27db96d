"""What is told of the word under the cursor: what a node is in the end, what an operator does, what a key means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsprotocol import types

from fpngraph.editor import keys
from fpngraph.editor.documents import Document, Documents
from fpngraph.editor.figures import Assumed, Figures, Row
from fpngraph.editor.names import Occurrence
from fpngraph.editor.navigation import name_at
from fpngraph.editor.places import Leaf, leaf_at
from fpngraph.editor.scope import Scope, scope_at
from fpngraph.graph.graph import Graph
from fpngraph.graph.nodes import Edge, Node
from fpngraph.language.keys.manual import about, page
from fpngraph.language.members import key_of
from fpngraph.language.yaml.value import Value
from fpngraph.language.yaml.writing import flow
from fpngraph.ops import Operator, operators

_MOST_ROWS = 12
_WIDEST = 200  # characters of a value


def hover(documents: Documents, document: Document, position: types.Position, assumed: Assumed) -> types.Hover | None:
    """What is told of what stands at a position; None where there is nothing to say."""
    tree = document.now.tree
    line, column = document.now.lines.at(position)
    leaf = leaf_at(tree, line, column) if tree and document.is_graph else None
    if tree is None or leaf is None:
        return None
    name = name_at(document, position)
    if name and name.kind in ("family", "node"):
        text, span = _of_name(document, name, assumed), name.whole
    elif name and name.kind == "parameter":
        text, span = _of_parameter(tree.at(name.home), name.text), name.span
    elif name and name.kind == "stage" and not name.home:
        text, span = _of_stage(document.last, name.text, assumed), name.span
    else:
        text, span = _of_leaf(documents, document, tree, leaf), leaf.span
    if not text:
        return None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), document.now.lines.range(span))


def _of_name(document: Document, name: Occurrence, assumed: Assumed) -> str:
    """What a family or node is in the end: every member that is declared here, or that is read here."""
    graph = document.last
    title = f"**{name.whole.written}**"
    if graph is None or name.home:
        return f"{title}: what it is in the end is known once the file has no errors"
    figures = Figures(graph, assumed)
    edges = [(node, edge) for node in graph.nodes.values() for edge in node.edges if _is_read(edge, name)]
    if edges and document.graph and not name.declares:
        return "\n\n".join([title, *_table([figures.edge(node, edge) for node, edge in edges]), figures.note()])
    nodes = [node for node in graph.nodes.values() if _is_member(node, name, is_current=document.graph is not None)]
    if nodes:
        return "\n\n".join([title, *_table([figures.node(node) for node in nodes]), figures.note()])
    inputs = [entry for entry in graph.inputs.values() if key_of(entry.name)[0] == name.text]
    if inputs:
        rows = [{"input": f"`{it.name}`", "level": str(it.level), "stride": str(2**it.level)} for it in inputs]
        return "\n\n".join([title, *_table(rows)])
    return f"{title}: no node of this name is part of the graph" if name.stage is None else ""


def _of_stage(graph: Graph | None, name: str, assumed: Assumed) -> str:
    """How often a stage runs, what it comes to, and what it binds."""
    stage = next((it for it in graph.stages if it.name == name), None) if graph else None
    if graph is None or stage is None:
        return ""
    figures = Figures(graph, assumed)
    nodes = [node for node in graph.nodes.values() if node.name.startswith(f"{name}.")]
    runs = "" if stage.repeat is None else f", {stage.repeat} runs"
    parts = [f"**{name}**, a stage{runs}, {len(nodes)} nodes{figures.total(nodes)}"]
    for bound, sources in (stage.outputs or {}).items():
        parts.append(f"- `{bound}` is then {' or '.join(f'`{it}`' for it in sources)}")
    return "\n".join([*parts[:1], *([""] if parts[1:] else []), *parts[1:], "", figures.note()])


def _is_read(edge: Edge, name: Occurrence) -> bool:
    return edge.span == name.said and key_of(edge.reference)[0] == name.text


def _is_member(node: Node, name: Occurrence, *, is_current: bool) -> bool:
    """Whether a node is one that a name stands for; where it is declared, one that is declared there."""
    family, index = key_of(node.member)
    if family != name.text or (index is None) != (name.kind == "node"):
        return False
    return not (name.declares and is_current) or node.span == name.said


def _table(rows: Sequence[Row]) -> Iterator[str]:
    """Rows as a table of Markdown."""
    columns = list(rows[0])
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(row[column] for column in columns)} |" for row in rows[:_MOST_ROWS]]
    yield "\n".join(lines)
    if len(rows) > _MOST_ROWS:
        yield f"... and {len(rows) - _MOST_ROWS} more"


def _of_parameter(graph: Value, name: str) -> str:
    """The default of a parameter, and what presets say."""
    params = graph.at(["params"]).entries if "params" in graph.entries else {}
    if name not in params:
        return ""
    rows = [{"": "default", "value": _flow(params[name])}]
    presets = graph.at(["presets"]).entries if "presets" in graph.entries else {}
    for preset, said in presets.items():
        if name in said.entries:
            rows.append({"": f"`{preset}`", "value": _flow(said.entries[name])})
    return "\n\n".join([f"**{name}**, a parameter", *_table(rows)])


def _flow(value: Value) -> str:
    text = flow(value.plain())
    return f"`{text if len(text) <= _WIDEST else f'{text[:_WIDEST]}...'}`".replace("|", "\\|")


def _of_leaf(documents: Documents, document: Document, tree: Value, leaf: Leaf) -> str:
    """What a key, an operator, a word or the name of a graph means."""
    scope = scope_at(documents, document, tree, leaf.path)
    if scope.path[2:] in (("use",), ("preset",)) and scope.stage is not None and not leaf.is_key:
        return _of_use(scope)
    word = str(leaf.path[-1] if leaf.is_key else leaf.value.data)
    place = leaf.path[:-1] if leaf.is_key else leaf.path
    there = keys.operators(place)
    found = [it for it in operators() if it.name == word and about(it) == there.get(word, about(it))]
    if found and (word in there or scope.path[0] in ("params", "presets")):
        return "\n\n---\n\n".join(map(_of_operator, found))
    if not leaf.is_key:
        said = keys.words(place).get(word, "")
        return f"**{word}**: {said}" if said else ""
    said = keys.meaning(leaf.path)
    return f"**{word}**: {said}" if said else ""


def _of_operator(operator: type[Operator]) -> str:
    told = page(operator)
    parts = [f"**{told['name']}** ({told['kind']}): {told['about']}", *told["more"]]
    if told["settings"] and not told["in_place_of_settings"]:
        parts += _table([_of_setting(it) for it in told["settings"]])
    return "\n\n".join([*parts, *told["papers"]])


def _of_setting(setting: Mapping[str, Any]) -> Row:
    default = "required" if setting["required"] else str(setting["default"] if setting["default"] is not None else "")
    row = {"setting": f"`{setting['name']}`", "takes": setting["takes"], "default": default}
    return {key: cell.replace("|", "\\|") for key, cell in (row | {"meaning": setting["description"]}).items()}


def _of_use(scope: Scope) -> str:
    found = scope.description(scope.stage)
    if found is None:
        return ""
    title = f"**{found.name}**: {found.description}" if found.description else f"**{found.name}**"
    parts = [title, f"{', '.join(found.inputs)} → {', '.join(found.outputs)}"]
    if found.params:
        parts.append("parameters: " + ", ".join(f"`{name}`" for name in found.params))
    if found.presets:
        parts.append("presets: " + ", ".join(f"`{name}`" for name in found.presets))
    return "\n\n".join([*parts, *([found.source] if found.source else [])])
