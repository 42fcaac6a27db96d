"""Integer expressions, as they stand in indices (``td(l+1)``) and in ``$(width(l) // 2)``: parsed, never executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from fpngraph.language.grammar.tokens import Reason, Token, Tokens, clipped
from fpngraph.language.limits import MAX_INTEGER, MAX_NESTING

Tables = Mapping[str, Mapping[int, int]]
_KNOWN = 30  # entries that a hint lists

_DIVIDE = "integers are divided by '//'"
_BAR = "what stands in for another is joined by '|': 'td(l) | P(l)'"
_TWO = "two inputs are two items, 'P3, td4'; what stands in for another follows '|', 'td(l) | P(l)'"
_FOREIGN: Mapping[str, str] = {
    **dict.fromkeys(("/", "//", "%", "**"), "the operator {}"),
    **dict.fromkeys(("<", ">", "=", "<=", ">=", "==", "!="), "the comparison {}"),
    **dict.fromkeys(("'", '"'), "a string"),
    "[": "a subscript",
    "attribute": "the attribute look-up {}",
}


class Dialect(NamedTuple):
    """What an expression may consist of, at its place."""

    products: tuple[str, ...]
    tables: bool
    """Whether ``name(index)`` looks something up."""
    allowed: str
    """The same in words."""


INDEX = Dialect(("*",), False, "an index is made of integers, names, '+', '-', '*' and parentheses")
EXPRESSION = Dialect(
    ("*", "//"), True, "an expression is made of integers, names, tables as in 'width(l)', '+', '-', '*', '//' and '('"
)


class Step(NamedTuple):
    """One step of a stack program. ``sign`` is an operator, ``name``, ``table``, ``integer`` or ``negate``."""

    sign: str
    operand: int | str
    start: int
    stop: int


_OPERATIONS: Mapping[str, Callable[[int, int], int]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "//": lambda left, right: left // right,
}


@dataclass(frozen=True, slots=True)
class Expression:
    """An integer expression as a stack program: no depth of nesting or length can exhaust the interpreter."""

    steps: tuple[Step, ...]
    start: int
    stop: int

    @property
    def names(self) -> frozenset[str]:
        """The names it reads."""
        return frozenset(str(step.operand) for step in self.steps if step.sign == "name")

    def evaluate(self, variables: Mapping[str, int], tables: Tables = MappingProxyType({})) -> int:
        """Its value, where all names and tables that it reads are there.

        Raises Reason for an entry that a table has not, a division by zero, or too large a result.
        """
        stack: list[int] = []
        for step in self.steps:
            if step.sign == "name":
                stack.append(variables[str(step.operand)])
            elif step.sign == "table":
                stack.append(_entry(step, stack.pop(), tables))
            elif step.sign == "integer":
                stack.append(int(step.operand))
            elif step.sign == "negate":
                stack.append(-stack.pop())
            else:
                right, left = stack.pop(), stack.pop()
                if step.sign == "//" and right == 0:
                    raise Reason("division by zero", step.start, step.stop, code="division-by-zero")
                stack.append(_OPERATIONS[step.sign](left, right))
            if abs(stack[-1]) > MAX_INTEGER:
                message = f"the result is beyond {MAX_INTEGER}, the largest integer"
                raise Reason(message, step.start, step.stop, code="number-too-large")
        return stack.pop()


def _entry(step: Step, index: int, tables: Tables) -> int:
    """What a table has at an index."""
    name = str(step.operand)
    table = tables[name]
    if index not in table:
        has = ", ".join([*map(str, islice(table, _KNOWN)), *(["..."] if len(table) > _KNOWN else [])])
        message = f"{clipped(name)} says nothing of {index}"
        raise Reason(message, step.start, step.stop, f"it has {has}", "table-entry")
    return table[index]


def constant(token: Token, start: int) -> Expression:
    """The expression that is the integer in ``token`` from offset ``start`` of the text on."""
    digits = Token("integer", token.text[start - token.start :], start, token.stop)
    return Expression((_integer(digits),), start, token.stop)


def parse_arithmetic(text: str) -> Expression:
    """What stands inside ``$( ... )``. Raises Reason."""
    tokens = Tokens(text)
    expression = parse_expression(tokens, EXPRESSION)
    if tokens.now.kind != "end":
        raise unexpected(tokens, "an operator or the end", EXPRESSION.allowed)
    return expression


def parse_expression(tokens: Tokens, dialect: Dialect) -> Expression:
    """The expression from the current token on, as far as one goes."""
    return _Parser(tokens, dialect).parse()


def unexpected(tokens: Tokens, wanted: str, allowed: str) -> Reason:
    """Why the current token cannot stand where it does."""
    before, token = tokens.before, tokens.now
    if token.kind == "number":
        return Reason(f"{token.said()} is not an integer", token.start, token.stop, allowed)
    if token.kind == "(" and before.kind in ("name", "integer", ")"):
        return Reason("a call is not allowed", before.start, token.stop, allowed)
    if token.kind == "..":
        hint = "a range is written 'P(3..7)', with one '..' right inside the parentheses of a family"
        return Reason("'..' is not allowed here", token.start, token.stop, hint)
    if token.kind in _FOREIGN:
        what = _FOREIGN[token.kind].format(token.said())
        divides = token.kind == "/" and "'//'" in allowed
        return Reason(f"{what} is not allowed", token.start, token.stop, _DIVIDE if divides else allowed)
    way, better = _way_out(token, wanted)
    return Reason(f"expected {wanted}, found {token.said()}", token.start, token.stop, way, better=better)


def _way_out(token: Token, wanted: str) -> tuple[str | None, str | None]:
    """A hint for what belongs to another notation, and what can be written in its place."""
    if token.kind == "$":
        return "names stand without '$' in an index and within '$(...)'", ""
    if token.kind == "name" and "|" in wanted:
        return (_BAR, "|") if token.text == "or" else (_TWO, None)
    return None, None


class _Parser:
    """A recursive descent over tokens that ends before the first one that cannot go on with an expression."""

    def __init__(self, tokens: Tokens, dialect: Dialect) -> None:
        self._tokens = tokens
        self._dialect = dialect
        self._steps: list[Step] = []
        self._depth = 0

    def parse(self) -> Expression:
        start = self._sum()
        return Expression(tuple(self._steps), start, self._tokens.before.stop)

    def _unexpected(self, wanted: str) -> Reason:
        return unexpected(self._tokens, wanted, self._dialect.allowed)

    def _sum(self) -> int:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> int:
        return self._chain(self._dialect.products, self._factor)

    def _chain(self, signs: tuple[str, ...], operand: Callable[[], int]) -> int:
        """Operands joined from left to right; returns the offset at which the first one starts."""
        start = operand()
        while self._tokens.now.kind in signs:
            sign = self._tokens.take().text
            operand()
            self._steps.append(Step(sign, "", start, self._tokens.before.stop))
        return start

    def _factor(self) -> int:
        start = self._tokens.now.start
        negative = False
        while self._tokens.now.kind == "-":
            self._tokens.take()
            negative = not negative
        self._atom()
        if negative:
            self._steps.append(Step("negate", "", start, self._tokens.before.stop))
        return start

    def _atom(self) -> None:
        token = self._tokens.now
        if token.kind == "(":
            self._parentheses()
        elif token.kind == "integer":
            self._steps.append(_integer(self._tokens.take()))
        elif token.kind == "name":
            self._name()
        else:
            raise self._unexpected("an integer, a name or '('")
        if self._tokens.now.kind in ("(", "attribute", "["):
            raise self._unexpected("an operator")

    def _name(self) -> None:
        """A name, or with an index in parentheses what it has there."""
        name = self._tokens.take()
        if self._tokens.now.kind == "(" and self._dialect.tables:
            self._parentheses()
            self._steps.append(Step("table", name.text, name.start, self._tokens.before.stop))
        else:
            self._steps.append(Step("name", name.text, name.start, name.stop))

    def _parentheses(self) -> None:
        opening = self._tokens.take()
        self._depth += 1
        if self._depth > MAX_NESTING:
            message = f"parentheses are nested deeper than {MAX_NESTING} levels"
            raise Reason(message, opening.start, opening.stop, code="limit-exceeded")
        self._sum()
        self._depth -= 1
        if self._tokens.now.kind == "end":
            raise Reason("'(' is not closed", opening.start, opening.stop)
        if self._tokens.now.kind != ")":
            raise self._unexpected("an operator or ')'")
        self._tokens.take()


def _integer(token: Token) -> Step:
    digits = token.text
    if digits[0] == "0" and len(digits) > 1:
        better = digits.lstrip("0") or "0"
        raise Reason("an integer with a leading zero", token.start, token.stop, f"write '{better[:20]}'", better=better)
    if len(digits) > len(str(MAX_INTEGER)) or int(digits) > MAX_INTEGER:
        message = f"an integer beyond {MAX_INTEGER}, the largest allowed"
        raise Reason(message, token.start, token.stop, code="number-too-large")
    return Step("integer", int(digits), token.start, token.stop)
