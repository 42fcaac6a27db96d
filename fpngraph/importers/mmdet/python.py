"""A configuration in Python as data: read, never run.

What is no data (calls but for ``dict``, loops, imports) is marked, and is a problem only where it is needed.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Problem, Span
from fpngraph.importers.mmdet.arithmetic import result
from fpngraph.importers.mmdet.laying import Unread, merged
from fpngraph.language.yaml.value import Value


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
        self.known: dict[str, Value] = {}
        self.same: dict[str, ast.expr] = {}  # variables that are a part of another value: a change is one of both

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
            self._assigned(statement.targets[0], statement.value)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return
        elif targets := _deleted(statement):
            for target in targets:
                if isinstance(target, ast.Name):
                    self.known.pop(target.id, None)
                else:
                    self._assign(target, None)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            self._called(statement.value)
        else:
            for name in _touched(statement):
                self.known[name] = self._unread(statement)

    def _assigned(self, target: ast.expr, value: ast.expr) -> None:
        if ast.unparse(target) == "_base_":
            return
        self._assign(target, self.value(value))
        if isinstance(target, ast.Name):
            self.same.pop(target.id, None)
            if isinstance(value, ast.Attribute | ast.Subscript):
                self.same[target.id] = value

    def _called(self, call: ast.Call) -> None:
        """``a.b.update(dict(c=1))``; another method leaves ``a.b`` unread, and a function what it is given."""
        match call:
            case ast.Call(func=ast.Attribute(attr="update", value=target), args=[more], keywords=[]):
                old, new = self.value(target), self.value(more)
                if isinstance(old.data, Mapping) and isinstance(new.data, Mapping):
                    spans = {**old.key_spans, **new.key_spans}
                    self._assign(target, Value({**old.data, **new.data}, old.span, spans, False))
                    return
        if isinstance(call.func, ast.Attribute):
            self._assign(call.func.value, self._unread(call))
        for name in (name for given in (*call.args, *call.keywords) for name in _touched(given)):
            self.known[name] = self._unread(call)

    def _assign(self, target: ast.expr, value: Value | None) -> None:
        """``a = value``, ``a.b = value`` and ``a['b'] = value``; without a value the entry is taken away."""
        keys: list[Any] = []
        inner = target
        while isinstance(inner, ast.Attribute | ast.Subscript):
            keys.insert(0, inner.attr if isinstance(inner, ast.Attribute) else getattr(inner.slice, "value", None))
            inner = inner.value
        if isinstance(inner, ast.Name) and (inner.id in self.known or (not keys and value is not None)):
            known = self.known.get(inner.id, self._unread(target))
            self.known[inner.id] = self._with(known, keys, value or self._unread(target), target, gone=value is None)
            if keys and inner.id in self.same:
                self._assign_same(inner.id, keys, value, target)
        elif not isinstance(inner, ast.Name):
            for name in _touched(target):
                self.known[name] = self._unread(target)

    def _assign_same(self, name: str, keys: list[Any], value: Value | None, node: ast.expr) -> None:
        """A change of a variable, where it is a part of another value."""
        source = other = self.same.pop(name)  # so that two which are parts of each other come to an end
        for key in keys:
            other = ast.copy_location(ast.Subscript(other, ast.copy_location(ast.Constant(key), node)), node)
        self._assign(other, value)
        self.same[name] = source

    def _with(self, outer: Value, keys: list[Any], value: Value, node: ast.AST, *, gone: bool) -> Value:
        """A value with another one at the end of a path; what the path does not lead through is unread."""
        if not keys:
            return value
        key = keys[0]
        if isinstance(outer.data, tuple) and isinstance(key, int) and -len(outer.data) <= key < len(outer.data):
            parts = list(outer.data)
            parts[key] = self._with(parts[key], keys[1:], value, node, gone=gone)
            return Value(tuple(parts), outer.span, {}, outer.verbatim)
        if not isinstance(outer.data, Mapping) or not isinstance(key, str):
            return self._unread(node)
        entries = dict(outer.data)
        if gone and len(keys) == 1:
            entries.pop(key, None)
        else:
            entries[key] = self._with(entries.get(key, self._unread(node)), keys[1:], value, node, gone=gone)
        spans = {name: outer.key_spans.get(name, outer.span) for name in entries}
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
        found = result(node.op, self.value(node.left).data, self.value(node.right).data)
        return self._unread(node) if found is None else Value(found, self._span(node), {}, False)

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
