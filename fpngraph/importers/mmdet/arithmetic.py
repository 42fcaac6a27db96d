"""What a configuration in Python works out: sums of numbers, lists that are joined."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

_GREATEST = 10**18
_LONGEST = 1000  # entries of a list that is repeated
_OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


def result(op: ast.operator, left: Any, right: Any) -> Any:
    """Of numbers, and of lists that are joined or repeated; None for anything else, and for what gets too large."""
    apply = _OPERATIONS.get(type(op))
    if apply is None:
        return None
    if isinstance(left, list):
        joined = isinstance(right, list) and isinstance(op, ast.Add) and len(left) + len(right) <= _LONGEST
        repeated = isinstance(right, int) and isinstance(op, ast.Mult) and len(left) * right <= _LONGEST
        return apply(left, right) if joined or repeated else None
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        return None
    try:
        found = apply(left, right)
    except ArithmeticError:
        return None
    return found if abs(found) < _GREATEST else None
