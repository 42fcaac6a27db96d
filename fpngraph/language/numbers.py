"""What expressions are worked out with: parameters that are integers, or tables of them, and the index ``l``."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from itertools import islice

from fpngraph.errors import nearest, slip
from fpngraph.language.grammar.arithmetic import Expression, Step, Tables
from fpngraph.language.grammar.tokens import Reason, clipped
from fpngraph.language.keys.findings import shown
from fpngraph.language.params import Params
from fpngraph.language.yaml.value import Value

_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
_A_TABLE = "a table maps integers of 0 or more to integers, such as {3: 64, 4: 128}"


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers that the expressions of a file can name."""

    params: Params
    integers: MutableMapping[str, int]
    tables: Tables

    def at(self, index: int | None) -> Numbers:
        """The same in the entry of the member at ``index``."""
        return self if index is None else replace(self, integers=ChainMap({"l": index}, self.integers))

    def value(self, expression: Expression) -> int:
        """The value of an expression. Raises Reason, which says of a name why it has none."""
        self.check(expression)
        return expression.evaluate(self.integers, self.tables)

    def check(self, expression: Expression) -> None:
        """Raises Reason for the first name of an expression that is no integer, or no table, here."""
        for step in expression.steps:
            if step.sign == "table" and str(step.operand) not in self.tables:
                raise self._no_table(step)
            if step.sign == "name" and str(step.operand) not in self.integers:
                raise self._no_integer(step)

    def _no_table(self, step: Step) -> Reason:
        name = str(step.operand)
        if name in self.params:
            message = f"parameter {name!r} is no table: {_table(self.params[name])}"
            return Reason(message, step.start, step.stop, _A_TABLE, "param-type")
        hint = nearest(name, islice(self.tables, 1000)) if self.tables else _A_TABLE
        return Reason(f"there is no table {clipped(name)}", step.start, step.stop, hint, "unknown-param")

    def _no_integer(self, step: Step) -> Reason:
        name = str(step.operand)
        if name in self.params:
            message = f"parameter {name!r} is {shown(self.params[name])}, not an integer"
            hint = f"write {name + '(l)'!r} for what it has at an index" if name in self.tables else None
            return Reason(message, step.start, step.stop, hint, "param-type")
        if name == "l":
            hint = "'l' is the index of the entry that says it, and here is none"
            return Reason("'l' has no value here", step.start, step.stop, hint, "no-index")
        known = list(islice(self.integers, 1000))
        message, better = f"there is no parameter {name!r}", slip(name, known)
        return Reason(message, step.start, step.stop, nearest(name, known), "unknown-param", better=better)


def numbers(params: Params) -> Numbers:
    """The integers and tables among the parameters."""
    integers = {str(name): value.data for name, value in params.items() if type(value.data) is int}
    read = {str(name): _table(value) for name, value in params.items()}
    return Numbers(params, integers, {name: found for name, found in read.items() if isinstance(found, dict)})


def _table(value: Value) -> dict[int, int] | str:
    """The table that a parameter is, or why it is none; JSON makes its keys text."""
    if not value.entries:
        return f"it is {shown(value)}"
    table: dict[int, int] = {}
    for key, entry in value.entries.items():
        index = _INDEX.fullmatch(str(key)) if type(key) in (int, str) else None
        if index is None or type(entry.data) is not int:
            return f"it maps {key!r:.60} to {shown(entry)}"
        if int(index[0]) in table:
            return f"{index[0]} and '{index[0]}' are one key"
        table[int(index[0])] = entry.data
    return table
