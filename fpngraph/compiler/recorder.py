"""One run of a module as straight Python code: the operators that torch ran, in their order, with their sizes.

What was decided on the way stays decided: the code has no module and no ``if``. A view of a map is one ``as_strided``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from inspect import isbuiltin, ismethoddescriptor
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Run = Callable[..., tuple[Tensor, ...]]
"""Called with the maps, in their order."""
_BY_VALUES = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)


class UnrecordableError(Exception):
    """The reason why a run says nothing of the next one: it depends on more than shapes."""


def record(call: Callable[[list[Tensor]], Sequence[Tensor]], maps: Sequence[Tensor], weights: Iterable[Tensor]) -> Run:
    """A function that runs the operators of ``call(maps)`` again, for maps of the same shapes, strides and types.

    It holds the storages of ``weights``, so that it sees what is written into them later, and frees each map after the
    last operator that reads it. ``maps`` begin where their storages begin.
    Random numbers are drawn again. Raises UnrecordableError where the run depends on values or on other tensors.
    """
    recorder = _Recorder(maps, weights)
    with recorder:
        outputs = call(list(maps))
    return recorder.code(outputs)


@dataclass(frozen=True, slots=True)
class _Geometry:
    """How a tensor lies in its storage."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    dtype: torch.dtype


def _geometry(x: Tensor) -> _Geometry:
    return _Geometry(tuple(x.shape), x.stride(), int(x.storage_offset()), x.dtype)


@dataclass(slots=True)
class _Base:
    """The first tensor of a storage, and the names of this and others of it."""

    geometry: _Geometry
    names: dict[_Geometry, str]
    given: bool = False
    """Whether it is a map of the caller's."""
    weight: Tensor | None = None


@dataclass(frozen=True, slots=True)
class _Statement:
    results: Sequence[str]
    text: str
    reads: Sequence[str]


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no hints for it
    """Writes a statement for each operator that gives a tensor of its own, or writes into one."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: nothing of a recorder is ever compiled, and torch would import its compiler, for a second or more."""
        return False

    def __init__(self, maps: Sequence[Tensor], weights: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        self.bases: WeakKeyDictionary[torch.UntypedStorage, _Base] = WeakKeyDictionary()
        self.statements: list[_Statement] = []
        self.constants: dict[str, object] = {}
        self.known: dict[int, str] = {}
        self.count = 0
        self.maps = [self._new(x, given=True) for x in maps]
        for weight in weights:
            if weight.untyped_storage() not in self.bases:
                geometry = _geometry(weight)
                self.bases[weight.untyped_storage()] = _Base(geometry, {}, weight=weight.detach())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        writes = self._check(func, args, kwargs)
        result = func(*args, **kwargs)
        results = list(result) if isinstance(result, tuple | list) else [result]
        own = [isinstance(it, Tensor) and it.untyped_storage() not in self.bases for it in results]
        if any(own) or writes:
            reads: list[str] = []
            text = self._call(func, args, kwargs, reads)
            if not any(own):
                names = []  # it gives what it has written into
            elif isinstance(result, list):
                raise UnrecordableError(f"{func.name()} gives a list of maps")
            else:
                names = [self._new(it) if new else self._name("r") for it, new in zip(results, own, strict=True)]
            self.statements.append(_Statement(names, text, reads))
        elif not any(isinstance(it, Tensor) for it in results) and next(_tensors([args]), None) is not None:
            raise UnrecordableError(f"{func.name()} reads a number out of a map")
        return result

    def _check(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether an operator writes into a tensor, which is one of its own run."""
        if any(tag in func.tags for tag in _BY_VALUES):
            raise UnrecordableError(f"{func.name()} depends on the values of a map")
        for x in _tensors([args, list(kwargs.values())]):
            if x.untyped_storage() not in self.bases:
                raise UnrecordableError(f"{func.name()} reads a tensor that is neither a map nor a weight")
        names = [argument.name for argument in func._schema.arguments if argument.is_write]
        given = dict(zip((argument.name for argument in func._schema.arguments), args, strict=False)) | kwargs
        for x in _tensors([given.get(name) for name in names]):
            base = self.bases[x.untyped_storage()]
            if base.given or base.weight is not None:
                raise UnrecordableError(f"{func.name()} writes into a map of the caller's, or into a weight")
        return bool(names)

    def _name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def _new(self, x: Tensor, *, given: bool = False) -> str:
        """The name of a tensor with a storage of its own."""
        name, geometry = self._name("x" if given else "t"), _geometry(x)
        self.bases[x.untyped_storage()] = _Base(geometry, {geometry: name}, given)
        return name

    def _tensor(self, x: Tensor) -> str:
        """The name of a tensor, after a statement that makes it where it is a view of another."""
        base, geometry = self.bases[x.untyped_storage()], _geometry(x)
        if geometry.dtype != base.geometry.dtype or x.is_conj() or x.is_neg():
            raise UnrecordableError("a map is read as one of another type")
        if geometry in base.names:
            return base.names[geometry]
        sides = list(geometry.shape), list(geometry.strides)
        if base.weight is not None:
            base.names[geometry] = self._constant(base.weight.as_strided(*sides, geometry.offset))
            return base.names[geometry]
        base.names[geometry] = name = self._name("v")
        first = base.names[base.geometry]
        # a caller's map may begin anywhere in its storage
        offset = f"{first}.storage_offset() + {geometry.offset}" if base.given else f"{geometry.offset}"
        start = "" if geometry.offset == base.geometry.offset else f", {offset}"
        self.statements.append(_Statement([name], f"{first}.as_strided({sides[0]}, {sides[1]}{start})", [first]))
        return name

    def _constant(self, value: object) -> str:
        if id(value) not in self.known:
            self.known[id(value)] = name = self._name("k")
            self.constants[name] = value  # so its id stays its own
        return self.known[id(value)]

    def _text(self, value: object, reads: list[str]) -> str:
        if isinstance(value, Tensor):
            reads.append(self._tensor(value))
            return reads[-1]
        if isinstance(value, list | tuple):
            return f"[{', '.join(self._text(it, reads) for it in value)}]"
        if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
            return repr(value)
        return self._constant(value)

    def _call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], reads: list[str]) -> str:
        """The call of an operator, by torch's own method or function for it: they take half the time to call."""
        texts = [self._text(it, reads) for it in args]
        named = [f"{key}={self._text(it, reads)}" for key, it in kwargs.items()]
        home, _, name = func.name().partition(".")[0].partition("::")
        own = home == "aten" and len(args) > 0 and func._schema.arguments[0].name == "self"
        if own and isinstance(args[0], Tensor) and ismethoddescriptor(getattr(Tensor, name, None)):
            return f"{texts[0]}.{name}({', '.join([*texts[1:], *named])})"
        function = getattr(torch, name, None) if home == "aten" else None
        callee = self._constant(function if isbuiltin(function) else func)
        return f"{callee}({', '.join([*texts, *named])})"

    def code(self, outputs: Sequence[Tensor]) -> Run:
        """The function of the statements."""
        found = [self._tensor(y) for y in outputs]
        last = {name: index for index, it in enumerate(self.statements) for name in (*it.results, *it.reads)}
        lines = [f"def make({', '.join(self.constants)}):", f" def run({', '.join(self.maps)}):"]
        for index, it in enumerate(self.statements):
            target = f"{', '.join(it.results)} = " if it.results else ""
            lines.append(f"  {target}{it.text}")
            dead = [name for name in dict.fromkeys((*it.results, *it.reads)) if last[name] == index]
            dead = [name for name in dead if name not in found and name not in self.constants]
            if dead:
                lines.append(f"  del {', '.join(dead)}")
        lines += [f"  return ({''.join(f'{name}, ' for name in found)})", " return run"]
        space: dict[str, Any] = {}
        exec(compile("\n".join(lines), "<fpngraph, for given sizes>", "exec"), space)
        run: Run = space["make"](**self.constants)
        return run


def _tensors(values: Iterable[object]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
