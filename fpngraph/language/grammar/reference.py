"""References and declarations: ``td(l+1) | P(l+1) | none``, ``P(3..7)``, ``merge``. Text in, parsed names out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fpngraph.language.grammar.arithmetic import (
    INDEX,
    Expression,
    constant,
    parse_expression,
    unexpected,
)
from fpngraph.language.grammar.tokens import Reason, Tokens, clipped

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALLOWED = "a reference is made of names such as 'P3', 'td(l+1)' and 'merge', joined by '|'"


@dataclass(frozen=True, slots=True)
class Name:
    """A node or a range of nodes: ``P3`` and ``P(3)`` are family ``P`` at index 3, ``merge`` has no index."""

    family: str
    index: Expression | None
    stop_index: Expression | None
    """Of a range ``P(index..stop_index)`` the last index, which belongs to it."""
    start: int
    end: int
    text: str

    @property
    def parameters(self) -> frozenset[str]:
        """What its indices name."""
        indices = (index for index in (self.index, self.stop_index) if index)
        return frozenset().union(*(index.names for index in indices))


@dataclass(frozen=True, slots=True)
class Reference:
    """What a node reads: the first of ``alternatives`` that exists; if ``optional``, nothing where none does."""

    alternatives: tuple[Name, ...]
    optional: bool
    text: str


def is_name(text: str) -> bool:
    """Whether ``text`` is a name of the language: ASCII letters, digits and ``_``, no digit first."""
    return _NAME.fullmatch(text) is not None


def parse_reference(text: str) -> Reference:
    """The reference in ``text``. Raises Reason."""
    tokens = Tokens(text)
    alternatives: list[Name] = []
    while True:
        if tokens.now.text == "none":
            return _ended_by_none(tokens, alternatives)
        alternatives.append(_name(tokens))
        if tokens.now.kind != "|":
            break
        tokens.take()
    _end(tokens, "'|' or the end")
    return _reference(alternatives, text, optional=False)


def parse_declaration(text: str) -> Name:
    """The node or range of nodes that a key declares. Raises Reason."""
    tokens = Tokens(text)
    name = _name(tokens)
    if tokens.now.kind == "|":
        raise Reason("a declaration names one node or one range, without '|'", tokens.now.start, tokens.now.stop)
    _end(tokens, "the end")
    return name


def _ended_by_none(tokens: Tokens, alternatives: list[Name]) -> Reference:
    word = tokens.take()
    if tokens.now.kind == "(":
        raise Reason("'none' is reserved and names no node", word.start, word.stop, code="reserved-name")
    if tokens.now.kind == "|":
        raise Reason("nothing can follow 'none'", word.start, word.stop, "'none' is the last of the alternatives")
    _end(tokens, "the end")
    if not alternatives:
        hint = "'none' follows what may be missing: 'td(l+1) | none'"
        raise Reason("'none' alone is no reference", word.start, word.stop, hint)
    return _reference(alternatives, tokens.text, optional=True)


def _reference(alternatives: list[Name], text: str, *, optional: bool) -> Reference:
    if optional or len(alternatives) > 1:
        for name in alternatives:
            if name.stop_index:
                hint = "write the members one by one, each with its own fallback"
                raise Reason(f"a range has no fallbacks, found {clipped(name.text)}", name.start, name.end, hint)
    return Reference(tuple(alternatives), optional, text)


def _name(tokens: Tokens) -> Name:
    word = tokens.now
    if word.kind != "name":
        wanted = "a name" if tokens.before.kind == "start" else f"a name after {tokens.before.text!r}"
        if word.kind in ("integer", "number"):
            raise Reason(f"{word.said()} is no name", word.start, word.stop, "a name starts with a letter or '_'")
        raise Reason(f"expected {wanted}, found {word.said()}", word.start, word.stop)
    tokens.take()
    family = word.text.rstrip("0123456789")
    digits = word.text[len(family) :]
    if family == "none":
        raise Reason("'none' is reserved and names no node", word.start, word.stop, code="reserved-name")
    if tokens.now.kind == "(":
        return _indexed(tokens)
    if tokens.now.kind == "..":
        raise Reason("a range is written in parentheses", word.start, tokens.now.stop, "such as 'P(3..7)'")
    if not digits:
        return Name(family, None, None, word.start, word.stop, word.text)
    start = word.start + len(family)
    if digits[0] == "0" and digits != "0":
        hint = f"write {clipped(family + (digits.lstrip('0') or '0'))}"
        better = digits.lstrip("0") or "0"
        raise Reason(f"the index of {word.said()} has a leading zero", start, word.stop, hint, better=better)
    return Name(family, constant(word, start), None, word.start, word.stop, word.text)


def _indexed(tokens: Tokens) -> Name:
    """The rest of a name after its family: ``(index)`` or ``(first..last)``."""
    word, opening = tokens.before, tokens.now
    if word.stop != opening.start:
        raise Reason(
            f"a space between {word.said()} and its index", word.stop, opening.start, "leave the space out", better=""
        )
    if word.text[-1].isdigit():
        other = clipped(f"{word.text}_")
        hint = f"a name that ends in digits is one node: 'P3' is 'P(3)'; a family can be called {other}"
        raise Reason(f"the family name {word.said()} ends in a digit", word.start, word.stop, hint)
    tokens.take()
    index = _index(tokens)
    stop_index = None
    if tokens.now.kind == "..":
        tokens.take()
        stop_index = _index(tokens)
    if tokens.now.kind == "end":
        raise Reason("'(' is not closed", opening.start, opening.stop)
    if tokens.now.kind == ",":
        hint = "several inputs are several items of the list"
        raise Reason("an index is one integer or one range", tokens.now.start, tokens.now.stop, hint)
    if tokens.now.kind != ")":
        raise unexpected(tokens, "an operator or ')'", INDEX.allowed)
    end = tokens.take().stop
    return Name(word.text, index, stop_index, word.start, end, tokens.text[word.start : end])


def _index(tokens: Tokens) -> Expression:
    return parse_expression(tokens, INDEX)


def _end(tokens: Tokens, wanted: str) -> None:
    token = tokens.now
    if token.kind == "end":
        return
    if token.kind == ")":
        raise Reason("')' without '('", token.start, token.stop)
    raise unexpected(tokens, wanted, _ALLOWED)
