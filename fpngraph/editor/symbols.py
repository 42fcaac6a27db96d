"""The outline of a file: its sections, with the parameters, presets, stages and nodes in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lsprotocol import types

from fpngraph.editor.documents import Document
from fpngraph.editor.places import Lines, leaves
from fpngraph.language.yaml.value import Value

_SECTIONS: Mapping[str, types.SymbolKind] = {
    "params": types.SymbolKind.Constant,
    "presets": types.SymbolKind.Object,
    "inputs": types.SymbolKind.Interface,
    "defaults": types.SymbolKind.Property,
    "nodes": types.SymbolKind.Function,
    "stages": types.SymbolKind.Module,
    "outputs": types.SymbolKind.Interface,
}
"""The keys that an outline has, with the kind of what is in each."""


def symbols(document: Document) -> list[types.DocumentSymbol]:
    """The outline of a document; nothing of what cannot be read."""
    tree = document.now.tree if document.is_graph else None
    return list(_sections(tree, document.now.lines)) if tree else []


def _sections(graph: Value, lines: Lines) -> Iterator[types.DocumentSymbol]:
    for section, kind in _SECTIONS.items():
        if section in graph.key_spans:
            value = graph.entries[section]
            entries = [_symbol(value, name, kind, lines) for name in value.entries]
            for symbol, entry in zip(entries, value.entries.values(), strict=True):
                symbol.children = list(_inside(section, entry, lines))
            symbol = _symbol(graph, section, types.SymbolKind.Namespace, lines)
            symbol.children = entries
            yield symbol


def _inside(section: str, entry: Value, lines: Lines) -> Iterator[types.DocumentSymbol]:
    """What an entry of a section has of its own; a graph that is written in place is a graph again."""
    if section == "stages":
        use = entry.entries.get("use")
        yield from _sections(use if use and use.entries else entry, lines)


def _symbol(holder: Value, key: Any, kind: types.SymbolKind, lines: Lines) -> types.DocumentSymbol:
    """The symbol of a key of ``holder``, as far as its value goes."""
    word = lines.range(holder.key_spans[key])
    spans = [holder.key_spans[key], *(leaf.span for leaf in leaves(holder.entries[key]))]
    end = lines.range(max(spans, key=lambda it: (it.line, it.end))).end
    return types.DocumentSymbol(str(key) or "''", kind, types.Range(word.start, end), word)
