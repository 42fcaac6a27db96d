"""A configuration in Python as data: read, never run.

What is no data (calls but for ``dict``, loops, imports) is marked, and is a problem only where it is needed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Problem, Span
from fpngraph.language.yaml.value import Value

_LONGEST = 1000  # entries of a list that is repeated
_LARGEST = 2_000_000  # characters of a file
_OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


class Unread(str):
    """In place of a value: what a file does to get it."""


def read_python(path: Path, text: str, bases: Callable[[Value], Value]) -> Value:
    """The variables of a file, over those of the files that its ``_base_`` names, which ``bases`` reads.

    Raises GraphError for a file that is no Python.
    """
    if len(text) > _LARGEST:
        raise GraphError([Problem("unreadable-file", f"{str(path)!r} has {len(text)} characters, too many")])
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        line = max(error.lineno or 1, 1)
        lines = text.splitlines() or [""]
        source = lines[min(line, len(lines)) - 1]
        span = Span(str(path), line, max(error.offset or 1, 1), max(error.offset or 1, 1) + 1, source)
        raise GraphError([Problem("not-converted", f"the file is no Python: {error.msg}", span)]) from None
    except (ValueError, RecursionError, MemoryError):
        raise GraphError([Problem("not-converted", f"{str(path)!r} is no Python that can be read")]) from None
    try:
        return _Reader(str(path), text.splitlines(), bases).read(tree)
    except RecursionError:
        raise GraphError([Problem("not-converted", f"{str(path)!r} is nested too deep")]) from None


class _Reader:
    def __init__(self, file: str, lines: list[str], bases: Callable[[Value], Value]) -> None:
        self.file, self.lines, self.bases = file, lines, bases
        self.known: dict[str, Value] = {}

    def read(self, tree: ast.Module) -> Value:
        first = ast.Constant(None, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
        self.known["_base_"] = self._mapping({}, first)
        for statement in tree.body:  # mmengine reads the bases before all else, wherever they are named
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "_base_":
                self.known["_base_"] = self.bases(self.value(statement.value))
        for statement in tree.body:
            self._statement(statement)
        base = self.known.pop("_base_")
        own = self._mapping({name: it for name, it in self.known.items() if name[:2] != "__"}, first)
        return merged(base, own)

    def _statement(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if ast.unparse(target) != "_base_":
                self._assign(target, self.value(statement.value))
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return
        elif targets := _deleted(statement):
            for target in targets:
                if isinstance(target, ast.Name):
                    self.known.pop(target.id, None)
                else:
                    self._assign(target, None)
        else:
            for name in _touched(statement):
                self.known[name] = self._unread(statement)

    def _assign(self, target: ast.expr, value: Value | None) -> None:
        """``a = value``, ``a.b = value`` and ``a['b'] = value``; without a value the entry is taken away."""
        if isinstance(target, ast.Name) and value is not None:
            self.known[target.id] = value
            return
        keys: list[str] = []
        inner = target
        while isinstance(inner, ast.Attribute | ast.Subscript):
            key = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner.slice, "value", None)
            keys.insert(0, key if isinstance(key, str) else "")
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in self.known and all(keys):
            self.known[inner.id] = self._with(self.known[inner.id], keys, value, target)
        else:
            for name in _touched(target):
                self.known[name] = self._unread(target)

    def _with(self, outer: Value, keys: list[str], value: Value | None, node: ast.AST) -> Value:
        if not isinstance(outer.data, Mapping):
            return self._unread(node)
        entries = dict(outer.data)
        if len(keys) > 1:
            entries[keys[0]] = self._with(entries.get(keys[0], self._unread(node)), keys[1:], value, node)
        elif value is None:
            entries.pop(keys[0], None)
        else:
            entries[keys[0]] = value
        spans = {key: outer.key_spans.get(key, outer.span) for key in entries}
        return Value(entries, outer.span, spans, outer.verbatim)

    def value(self, node: ast.expr) -> Value:
        """What an expression says, as far as it is data."""
        match node:
            case ast.Constant(value=str() | int() | float() | None as scalar):
                return Value(scalar, self._span(node), {}, False)
            case ast.List() | ast.Tuple() if not any(isinstance(it, ast.Starred) for it in node.elts):
                return Value(tuple(map(self.value, node.elts)), self._span(node), {}, False)
            case ast.Dict():
                return self._dict(zip(node.keys, node.values, strict=True), node)
            case ast.Call(func=ast.Name(id="dict"), args=[]):
                keys = [ast.Constant(word.arg) if word.arg else None for word in node.keywords]
                return self._dict(zip(keys, (word.value for word in node.keywords), strict=True), node)
        return self._found(node)

    def _found(self, node: ast.expr) -> Value:
        """What an expression says that is no literal."""
        match node:
            case ast.Set(elts=[ast.Set(elts=[inner])]):  # {{_base_.model}}
                return self.value(inner)
            case ast.Name() if node.id in self.known:
                return self.known[node.id]
            case ast.Attribute() | ast.Subscript():
                return self._part(node)
            case ast.UnaryOp() | ast.BinOp():
                return self._computed(node)
        return self._unread(node)

    def _dict(self, items: Any, node: ast.expr) -> Value:
        entries: dict[Any, Value] = {}
        for key, value in items:
            if key is None:  # **other
                other = self.value(value)
                if not isinstance(other.data, Mapping):
                    return self._unread(node)
                entries |= other.data
            elif isinstance(key, ast.Constant) and isinstance(key.value, str | int):
                entries[key.value] = self.value(value)
            else:
                return self._unread(node)
        return self._mapping(entries, node)

    def _part(self, node: ast.Attribute | ast.Subscript) -> Value:
        outer = self.value(node.value)
        key = node.attr if isinstance(node, ast.Attribute) else getattr(node.slice, "value", None)
        if isinstance(outer.data, Mapping) and key in outer.data:
            return outer.data[key]
        if isinstance(outer.data, tuple) and isinstance(key, int) and key < len(outer.data):
            return outer.data[key]
        return self._unread(node)

    def _computed(self, node: ast.UnaryOp | ast.BinOp) -> Value:
        if isinstance(node, ast.UnaryOp):
            inner = self.value(node.operand).data
            if isinstance(node.op, ast.USub) and isinstance(inner, int | float):
                return Value(-inner, self._span(node), {}, False)
            return self._unread(node)
        left, right = self.value(node.left).data, self.value(node.right).data
        numbers = all(isinstance(it, int | float) for it in (left, right))
        lists = isinstance(left, tuple) and (
            (isinstance(right, tuple) and isinstance(node.op, ast.Add))
            or (isinstance(right, int) and isinstance(node.op, ast.Mult) and len(left) * right <= _LONGEST)
        )
        if (numbers or lists) and type(node.op) in _OPERATIONS:
            try:
                return Value(_OPERATIONS[type(node.op)](left, right), self._span(node), {}, False)
            except ArithmeticError:
                return self._unread(node)
        return self._unread(node)

    def _mapping(self, entries: dict[Any, Value], node: ast.expr) -> Value:
        span = self._span(node)
        return Value(entries, span, {key: it.span for key, it in entries.items()}, False)

    def _unread(self, node: ast.AST) -> Value:
        return Value(Unread(ast.unparse(node).splitlines()[0][:60]), self._span(node), {}, False)

    def _span(self, node: Any) -> Span:
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        start = len(line.encode()[: node.col_offset].decode(errors="ignore"))
        stop = len(line.encode()[: node.end_col_offset].decode(errors="ignore"))
        return Span(
            self.file, node.lineno, start + 1, (stop if node.end_lineno == node.lineno else len(line)) + 1, line
        )


def _deleted(statement: ast.stmt) -> list[ast.expr]:
    """What ``del a.b`` and ``a.pop('b')`` take away."""
    match statement:
        case ast.Delete():
            return statement.targets
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="pop"), args=[ast.Constant(value=str()), *_]) as call):
            assert isinstance(call.func, ast.Attribute)
            return [ast.Subscript(call.func.value, call.args[0], lineno=call.lineno, col_offset=call.col_offset)]
    return []


def _touched(node: ast.AST) -> Iterator[str]:
    """The variables that a statement may change."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.alias):
            yield (inner.asname or inner.name).partition(".")[0]
        elif isinstance(inner, ast.FunctionDef | ast.ClassDef):
            yield inner.name


def merged(base: Value, own: Value) -> Value:
    """A mapping over another one as mmengine lays it: key by key, or alone where it has ``_delete_``.

    Raises GraphError where a mapping comes over something else.
    """
    entries, spans = dict(base.entries), dict(base.key_spans)
    for key, value in own.entries.items():
        spans[key] = own.key_spans[key]
        entries[key] = _laid(key, entries.get(key), value)
    return Value(entries, own.span, spans, False)


def _laid(key: object, base: Value | None, own: Value) -> Value:
    if not isinstance(own.data, Mapping):
        return own
    alone = "_delete_" in own.data and bool(own.data["_delete_"].data)
    value = Value({name: it for name, it in own.data.items() if name != "_delete_"}, own.span, own.key_spans, False)
    if base is None or alone:
        return merged(Value({}, value.span, {}, False), value)
    if isinstance(base.data, Unread):
        return base
    if not isinstance(base.data, Mapping):
        hint = "'_delete_=True' in it puts it in the place of the other"
        message = f"{key!r} is a mapping, but there is none in the base to lay it over"
        raise GraphError([Problem("not-converted", message, own.span, hint)])
    return merged(base, value)
