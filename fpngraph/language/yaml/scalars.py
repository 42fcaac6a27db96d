"""Plain scalars by the core schema of YAML 1.2: ``1e-3`` is a number, while ``on``, ``1:30`` and dates are text."""

from __future__ import annotations

import math
import re

from fpngraph.language.limits import MAX_DIGITS
from fpngraph.language.yaml.value import Scalar

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_NUMBER_STARTS = frozenset("+-.0123456789")


class TooLarge(Exception):
    """A number that is beyond what a graph file may say; the text is the reason."""


def resolve(text: str) -> Scalar:
    """What a plain scalar stands for. Raises TooLarge."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise TooLarge("a number too large for a 64-bit float")
        return number
    if _INFINITY.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    return math.nan if text in _NAN else text


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    digits = len(text.lstrip("+-")) if base == 10 else len(text) - 2
    if digits > MAX_DIGITS:
        raise TooLarge(f"an integer of {digits} digits, where at most {MAX_DIGITS} are allowed")
    return int(text, base)
