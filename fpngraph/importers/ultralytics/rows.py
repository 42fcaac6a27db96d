"""A model file as rows that know their channels and levels."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Problem, Span, nearest
from fpngraph.language.yaml.source import read_file
from fpngraph.language.yaml.value import Value

_STRIDE_AT = {"Conv": 2, "DWConv": 2, "GhostConv": 2, "SCDown": 2, "nn.MaxPool2d": 1}
"""Where the stride of a module stands among its arguments. It is 1 by default, but for a pooling: its window."""
_STRIDES = {"ADown": 2, "AConv": 2, "Focus": 2, "HGStem": 4}
_UP_AT = {"nn.Upsample": 1, "nn.ConvTranspose2d": 2}
_REPEATS = frozenset(
    ("C2", "C2f", "C3k2", "C2fAttn", "C3", "C3TR", "C3Ghost", "C3x", "RepC3", "C2fPSA", "C2fCIB", "C2PSA", "A2C2f")
)
"""Modules that are told how many blocks they have."""
_WIDE = _REPEATS | {
    *("Conv", "DWConv", "GhostConv", "Bottleneck", "SPP", "SPPF", "SPPELAN", "PSA", "ADown", "AConv", "ELAN1"),
    *("RepNCSPELAN4", "SCDown", "Focus", "nn.ConvTranspose2d"),
}
"""Modules whose first argument is the channels that they give, before the width of the scale."""
_SAME = frozenset(["nn.Upsample", "nn.MaxPool2d", "nn.ZeroPad2d", "nn.Identity", "nn.BatchNorm2d", "AIFI"])
"""Modules that give as many channels as they take."""
_SEVERAL, _ADDS = "CBLinear", "CBFuse"
"""What gives several maps, and what adds one of each of these to its last source (YOLOv9's second branch)."""
_JOINS = frozenset({"Concat", _SEVERAL, _ADDS})
_GIVEN_AT = {"HGStem": 1, "HGBlock": 1}
"""Modules that are told their channels elsewhere, and without the width of the scale."""
_ACTIVATIONS: Mapping[Any, str] = {
    f"{home}nn.{name}()": name.lower() for home in ("", "torch.") for name in ("ReLU", "SiLU")
}
"""What a model file says of its activation."""
_SCALE_IN_NAME = re.compile(r"yolo(?:e-)?v?\d+([nslmx])")
"""How Ultralytics finds the scale in the name of a file: yolo11m.yaml is scale m of what it says."""


@dataclass(frozen=True)
class Row:
    """A row of a model file."""

    number: int
    span: Span
    sources: tuple[int, ...]
    module: str
    arguments: tuple[Any, ...]
    """As the module is called: without the channels it takes, its own scaled, with the number of its blocks."""
    times: int
    """How often the module stands one after the other."""
    channels: int
    """What it gives; 0 if that is not known."""
    level: int


@dataclass(frozen=True)
class Model:
    """A model file: where its neck begins, and which rows its head reads."""

    name: str
    rows: Sequence[Row]
    first: int
    outputs: Sequence[int]
    act: str
    """The activation of its convolutions."""
    scale: str | None

    @property
    def neck(self) -> Sequence[Row]:
        """The rows between the backbone and the head."""
        return self.rows[self.first :]


def read_model(path: Path, scale: str | None) -> Model:
    """The model in a file, at one of its scales: by default that in the name of the file, else the first.

    Raises GraphError with all that is wrong.
    """
    value = read_file(path)
    said = value.entries
    backbone, head = (_listed(value, key) for key in ("backbone", "head"))
    depth, width, most, scale = _scale(said, value, scale, path.stem)
    act = _activation(said.get("activation"))
    rows: list[Row] = []
    problems: list[Problem] = []
    entries = [*backbone, *head]
    for entry in entries[:-1]:
        try:
            rows.append(_Reader(depth, width, most, rows, scale).row(entry))
        except Unknown as reason:
            problems.append(Problem("not-converted", f"row {len(rows)} {reason}", entry.span, reason.hint))
            break  # what follows reads its channels and level
    try:
        outputs = () if problems else _sources(entries[-1].plain(), len(rows))
    except Unknown as reason:
        problems.append(Problem("not-converted", f"row {len(rows)} {reason}", entries[-1].span, reason.hint))
    if not problems and len(rows) == len(backbone):
        hint = "rows between the backbone and the last row of the head are one"
        problems.append(Problem("not-converted", "the file has no neck", entries[-1].span, hint))
    if problems:
        raise GraphError(problems)
    return Model(path.stem, rows, len(backbone), outputs, act, scale)


def _listed(value: Value, key: str) -> tuple[Value, ...]:
    """The rows that a model file has under ``key``."""
    rows = value.entries[key].data if key in value.entries else None
    if not isinstance(rows, tuple) or not rows:
        message = f"a model file has a list {key!r}"
        raise GraphError([Problem("not-converted", message, value.span, "give a file of Ultralytics'")])
    return rows


def _activation(said: Value | None) -> str:
    """The activation's name in a graph."""
    if said is None:
        return "silu"
    if not isinstance(said.data, str) or said.data not in _ACTIVATIONS:
        hint = "leave 'activation' out, and write 'act' into the converted graph"
        raise GraphError([Problem("not-converted", f"there is no rule for {said.plain()!r}", said.span, hint)])
    return _ACTIVATIONS[said.data]


def _scale(
    said: Mapping[Any, Value], value: Value, scale: str | None, file: str
) -> tuple[float, float, float, str | None]:
    """Depth, width, the most channels, and the scale's name."""
    scales = said["scales"].plain() if "scales" in said else {}
    span = said.get("scales", value).span
    if not isinstance(scales, dict):
        raise GraphError([Problem("not-converted", f"'scales' is {scales!r}, not names with numbers", span)])
    if scale is not None and scale not in scales:
        hint = nearest(scale, scales) if scales else "the file has no 'scales'"
        raise GraphError([Problem("unknown-scale", f"there is no scale {scale!r}", span, hint)])
    if scales:
        named = _SCALE_IN_NAME.search(file)
        scale = scale or (named[1] if named and named[1] in scales else next(iter(scales)))
        found = scales[scale]
    else:
        multiples = ("depth_multiple", "width_multiple")
        found = [*(said[key].plain() if key in said else 1.0 for key in multiples), math.inf]
    try:
        depth, width, most = map(float, found)
    except (TypeError, ValueError) as error:
        what = f"scale {scale!r} is {found!r}" if scales else f"the multiples are {found[:2]!r}"
        message = f"{what}, not depth, width and the most channels"
        raise GraphError([Problem("not-converted", message, span)]) from error
    return depth, width, most, scale


class Unknown(Exception):
    """Why a row cannot be read, or said as layers, and a way out."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True)
class _Reader:
    """Reads one row after those before it."""

    depth: float
    width: float
    most: float
    before: Sequence[Row]
    scale: str | None

    def row(self, entry: Value) -> Row:
        """The row. Raises Unknown."""
        plain = entry.plain()
        number = len(self.before)
        if not (isinstance(plain, list) and len(plain) == 4 and isinstance(plain[3], list)):
            raise Unknown("is no list [from, repeats, module, arguments]")
        _, times, module, said = plain
        arguments = [None if argument == "None" else argument for argument in said]
        sources = _sources(plain, number)
        if not isinstance(times, int):
            raise Unknown(f"is there {times!r} times, which is no integer")
        times = max(round(times * self.depth), 1) if times > 1 else times
        try:
            level = self._level(module, sources, arguments, times)
            channels, own = self._channels(module, sources, arguments, times)
        except (IndexError, TypeError) as error:  # too few arguments, or of other kinds
            raise Unknown(f"is {module!r} with the arguments {said}, which it does not take") from error
        times = 1 if module in _REPEATS else times
        return Row(number, entry.span, sources, str(module), tuple(own), times, channels, level)

    def _level(self, module: str, sources: Sequence[int], arguments: Sequence[Any], times: int) -> int:
        source = sources[-1 if module == _ADDS else 0]
        level = 0 if source < 0 else self.before[source].level
        return level + times * self._coarser(module, arguments)

    def _coarser(self, module: str, arguments: Sequence[Any]) -> int:
        """By how many levels a module is."""
        if module in _UP_AT:
            return -_octaves(arguments[_UP_AT[module]])
        if module in _STRIDE_AT:
            at = _STRIDE_AT[module]
            said = arguments[at] if len(arguments) > at else None
            default = arguments[0] if module == "nn.MaxPool2d" else 1
            return _octaves(default if said is None else said)
        if module == "ResNetLayer":
            return 2 if arguments[3] else _octaves(arguments[2])
        if module not in _STRIDES and module not in _WIDE | _SAME | set(_GIVEN_AT) | _JOINS:
            raise Unknown(
                f"is a {module!r}, whose stride and channels are not known",
                "a neck with one backbone of Ultralytics' own layers can be converted",
            )
        return _octaves(_STRIDES.get(module, 1))

    def _channels(
        self, module: str, sources: Sequence[int], arguments: Sequence[Any], times: int
    ) -> tuple[int, Sequence[Any]]:
        taken = [3 if source < 0 else self.before[source].channels for source in sources]
        if module == "Concat":
            if list(arguments) not in ([], [1]):
                raise Unknown(f"joins maps along the dimension {arguments[0]!r}, where 1 is that of channels")
            return sum(taken) if all(taken) else 0, arguments
        if module in _SAME or module == _ADDS:
            return taken[-1], arguments
        if module == _SEVERAL:
            return 0, arguments
        if module == "ResNetLayer":
            return arguments[1] * (1 if arguments[3] else 4), arguments
        if module in _GIVEN_AT:
            return arguments[_GIVEN_AT[module]], arguments
        channels = math.ceil(min(arguments[0], self.most) * self.width / 8) * 8
        own = [channels, *([times] if module in _REPEATS else ()), *arguments[1:]]
        if module == "C3k2" and self.scale in ("m", "l", "x"):
            own[2:3] = [True]
        return channels, own


def _sources(plain: Any, number: int) -> tuple[int, ...]:
    """The rows that a row reads; a negative number counts back from it, and -1 is the image before the first."""
    said = plain[0] if isinstance(plain, list) and plain else ()
    found = [said] if isinstance(said, int) else said
    if not isinstance(found, list) or not found or not all(isinstance(source, int) for source in found):
        raise Unknown("does not say which rows it reads")
    sources = tuple(number + source if source < 0 else source for source in found)
    if any(not (0 if number else -1) <= source < number for source in sources):
        raise Unknown("reads what does not come before it")
    return sources


def _octaves(stride: Any) -> int:
    if not isinstance(stride, int) or stride < 1 or stride & (stride - 1):
        raise Unknown(f"has the stride {stride!r}, which is no power of two")
    return stride.bit_length() - 1
