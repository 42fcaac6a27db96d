"""A configuration in Python as data: read, never run.

What is no data (calls but for ``dict``, loops, imports) is marked, and is a problem only where it is needed.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Problem, Span
from fpngraph.importers.mmdet.arithmetic import result
from fpngraph.importers.mmdet.laying import Unread, merged
from fpngraph.importers.mmdet.objects import Object, from_value, to_value
from fpngraph.language.yaml.value import Value

_HARMLESS = frozenset(("copy", "format", "get", "index", "items", "join", "keys", "split", "values"))
"""Methods that change nothing."""


def read_python(path: Path, text: str, bases: Callable[[Value], Value]) -> Value:
    """The variables of a file, over those of the files that its ``_base_`` names, which ``bases`` reads.

    Raises GraphError for a file that is no Python.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a text in it escapes
            tree = ast.parse(text)
    except SyntaxError as error:
        line = max(error.lineno or 1, 1)
        source = lines[min(line, len(lines)) - 1]
        span = Span(str(path), line, max(error.offset or 1, 1), max(error.offset or 1, 1) + 1, source)
        raise GraphError([Problem("not-converted", f"the file is no Python: {error.msg}", span)]) from None
    except (ValueError, RecursionError, MemoryError):
        raise GraphError([Problem("not-converted", f"{str(path)!r} is no Python that can be read")]) from None
    try:
        return _Reader(str(path), lines, bases).read(tree)
    except RecursionError:
        raise GraphError([Problem("not-converted", f"{str(path)!r} is nested too deep")]) from None


class _Reader:
    def __init__(self, file: str, lines: list[str], bases: Callable[[Value], Value]) -> None:
        self.file, self.lines, self.bases = file, lines, bases
        self.known: dict[str, Object] = {}

    def read(self, tree: ast.Module) -> Value:
        first = self._span(ast.Constant(None, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0))
        base = Object({}, first)
        for statement in tree.body:  # mmengine reads the bases before all else, wherever they are named
            if isinstance(statement, ast.Assign) and _is_base(statement.targets[0]):
                base = from_value(self.bases(to_value(self.value(statement.value), {})), {})
        self.known["_base_"] = base
        for statement in tree.body:
            self._statement(statement)
        own = {name: it for name, it in self.known.items() if name[:2] != "__" and name != "_base_"}
        return merged(to_value(base, {}), to_value(Object(own, first), {}))

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                found = self.value(value)
                for target in targets:
                    self._assign(target, found)
            case ast.Delete(targets=targets):
                for target in targets:
                    self._delete(target)
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr(value=ast.Call() as call):
                if isinstance(self.value(call).data, Unread):
                    self._touch((*call.args, *call.keywords), call)
            case _:
                self._touch([statement], statement)

    def _assign(self, target: ast.expr, found: Object) -> None:
        """``a = found``, ``a.b = found`` and ``a['b'] = found``."""
        if isinstance(target, ast.Name):
            if not _is_base(target):
                self.known[target.id] = found
        elif isinstance(target, ast.Attribute | ast.Subscript):
            outer, key = self.value(target.value), self._key(target)
            if isinstance(outer.data, dict) and key is not None:
                outer.data[key] = found
            elif isinstance(outer.data, list) and isinstance(key, int) and -len(outer.data) <= key < len(outer.data):
                outer.data[key] = found
            else:
                self._spoil(outer, target)
        else:
            self._touch([target], target)

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.known.pop(target.id, None)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            outer, key = self.value(target.value), self._key(target)
            if isinstance(outer.data, dict) and key in outer.data:
                del outer.data[key]
            else:
                self._spoil(outer, target)

    def _touch(self, nodes: Iterable[ast.AST], why: ast.AST) -> None:
        """What is named there may be anything from here on."""
        for name in (name for node in nodes for name in _named(node)):
            known = self.known.get(name)
            if known is not None and isinstance(known.data, list | dict):
                self._spoil(known, why)
            else:
                self.known[name] = self._unread(why)

    def _spoil(self, it: Object, why: ast.AST) -> None:
        """It, and what is in it, may have any entries."""
        if isinstance(it.data, list | dict):
            inner = it.data.values() if isinstance(it.data, dict) else it.data
            unread = self._unread(why)
            it.data, it.span = unread.data, unread.span
            for one in inner:
                self._spoil(one, why)

    def value(self, node: ast.expr) -> Object:
        """What an expression says, as far as it is data."""
        match node:
            case ast.Constant(value=str() | int() | float() | None as scalar):
                return Object(scalar, self._span(node))
            case ast.List() | ast.Tuple() if not any(isinstance(it, ast.Starred) for it in node.elts):
                return Object(list(map(self.value, node.elts)), self._span(node))
            case ast.Dict():
                return self._dict(zip(node.keys, node.values, strict=True), node)
            case ast.Set(elts=[ast.Set(elts=[inner])]):  # {{_base_.model}}
                return self.value(inner)
            case ast.Name() if node.id in self.known:
                return self.known[node.id]
        return self._found(node)

    def _found(self, node: ast.expr) -> Object:
        """What an expression says that is neither data nor the name of some."""
        match node:
            case ast.Attribute() | ast.Subscript():
                return self._part(node)
            case ast.UnaryOp() | ast.BinOp():
                return self._computed(node)
            case ast.Call():
                return self._called(node)
        return self._opaque(node)

    def _called(self, call: ast.Call) -> Object:
        """``dict(b=1)``, ``a.update(dict(b=1))`` and ``a.pop('b')``."""
        match call:
            case ast.Call(func=ast.Name(id="dict")):
                return self._given(call)
            case ast.Call(func=ast.Attribute(attr="update", value=target)):
                old, more = self.value(target).data, self._given(call).data
                if isinstance(old, dict) and isinstance(more, dict):
                    old |= more
                    return Object(None, self._span(call))
            case ast.Call(func=ast.Attribute(attr="pop", value=target), args=[ast.Constant(value=key), *default]):
                owner = self.value(target).data
                if isinstance(owner, dict) and (key in owner or default):
                    return owner.pop(key) if key in owner else self.value(default[0])
        return self._opaque(call)

    def _given(self, call: ast.Call) -> Object:
        """The mapping of what a call is given, mappings and keywords."""
        mappings = [(None, it) for it in call.args]
        return self._dict([*mappings, *((it.arg and ast.Constant(it.arg), it.value) for it in call.keywords)], call)

    def _dict(self, items: Iterable[tuple[Any, ast.expr]], node: ast.expr) -> Object:
        entries: dict[Any, Object] = {}
        for key, value in items:
            if key is None:  # **other
                other = self.value(value)
                if not isinstance(other.data, dict):
                    return self._opaque(node)
                entries |= other.data
            elif isinstance(key, ast.Constant) and isinstance(key.value, str | int):
                entries[key.value] = self.value(value)
            else:
                return self._opaque(node)
        return Object(entries, self._span(node))

    def _part(self, node: ast.Attribute | ast.Subscript) -> Object:
        outer, key = self.value(node.value), self._key(node)
        if isinstance(outer.data, dict) and key in outer.data:
            return outer.data[key]
        if isinstance(outer.data, list) and isinstance(key, int) and -len(outer.data) <= key < len(outer.data):
            return outer.data[key]
        return self._unread(node)

    def _key(self, node: ast.Attribute | ast.Subscript) -> str | int | None:
        """The name of a part; None where it is worked out."""
        if isinstance(node, ast.Attribute):
            return node.attr
        match node.slice:
            case ast.Constant() | ast.Name() | ast.UnaryOp(operand=ast.Constant()):
                key = self.value(node.slice).data
                return key if isinstance(key, str | int) and not isinstance(key, Unread) else None
        return None

    def _computed(self, node: ast.UnaryOp | ast.BinOp) -> Object:
        if isinstance(node, ast.UnaryOp):
            inner = self.value(node.operand).data
            if isinstance(node.op, ast.USub) and isinstance(inner, int | float):
                return Object(-inner, self._span(node))
            return self._opaque(node)
        found = result(node.op, self.value(node.left).data, self.value(node.right).data)
        return self._opaque(node) if found is None else Object(found, self._span(node))

    def _opaque(self, node: ast.expr) -> Object:
        """An expression that is no data, after what it may change is spoiled."""
        for inner in ast.walk(node):
            match inner:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name() | ast.Attribute() | ast.Subscript() as owner, attr=attr)
                ):
                    if attr not in _HARMLESS and _is_path(owner):
                        self._spoil(self.value(owner), node)
                case ast.NamedExpr():
                    self._touch([inner.target], node)
        return self._unread(node)

    def _unread(self, node: ast.AST) -> Object:
        return Object(Unread(ast.unparse(node).splitlines()[0][:60]), self._span(node))

    def _span(self, node: Any) -> Span:
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        start = len(line.encode()[: node.col_offset].decode(errors="ignore"))
        stop = len(line.encode()[: node.end_col_offset].decode(errors="ignore"))
        return Span(
            self.file, node.lineno, start + 1, (stop if node.end_lineno == node.lineno else len(line)) + 1, line
        )


def _is_base(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "_base_"


def _is_path(node: ast.expr) -> bool:
    """Whether it is a variable, or a part of one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name)


def _named(node: ast.AST) -> Iterator[str]:
    """The variables that a part of a program may change."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.alias):
            yield (inner.asname or inner.name).partition(".")[0]
        elif isinstance(inner, ast.FunctionDef | ast.ClassDef):
            yield inner.name
