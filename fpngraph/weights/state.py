"""State dicts: from files, and whether their tensors fit where they are to go."""

from __future__ import annotations

import argparse
import errno
import os
import re
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.serialization import safe_globals

from fpngraph.errors import Refusal

_SHOWN = 3  # names that an error lists
_FORBIDDEN = re.compile(r"GLOBAL (\S+) was not an allowed global")
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
_CODES = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1")
_NUMBERS = dict(zip(_CODES, "dfeqihbQIHB?", strict=True))
"""numpy's codes of plain numbers and those of ``struct``."""


class StateError(Refusal, ValueError):
    """Tensors that cannot be read, or that do not fit where they are to go."""


def read_content(path: str | os.PathLike[str]) -> Any:
    """What a file holds that ``torch.save`` or safetensors wrote (ending ``.safetensors``), on the CPU.

    Of types other than torch's only those pass that training programs store beside tensors and that hold nothing but
    values. Raises OSError for a file that cannot be read and StateError for one that holds anything else.
    """
    named = os.fspath(path)
    _check_readable(named)
    try:
        if Path(path).suffix == ".safetensors":
            return load_file(path)
        with safe_globals(_harmless()):
            content = torch.load(path, map_location="cpu", weights_only=True)
        if sum(_stored(content).values()) > Path(path).stat().st_size:
            raise ValueError("tensors of more bytes than the file has, which older versions of torch let pass")
        return content
    except MemoryError as error:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), named) from error
    except OSError:
        raise
    except Exception as error:  # damaged files end in errors of many types
        forbidden = _FORBIDDEN.search(str(error))
        if forbidden:
            raise StateError(
                f"{named!r} names {forbidden[1]!r}; only tensors and plain values are read, for others may run code\n"
                "  hint: where the file is trusted, read it with torch.load(path, weights_only=False) and go on with "
                "the state dict in it"
            ) from error
        raise StateError(f"{named!r} is no file of tensors that torch.save or safetensors wrote") from error


def _stored(content: object) -> dict[int, int]:
    """The sizes in bytes of the stretches of memory that hold the tensors in ``content``, by their addresses."""
    if isinstance(content, Tensor):
        odd_one = content.layout is not torch.strided or content.is_quantized or content.is_nested
        storage = None if odd_one or content.is_meta else content.untyped_storage()
        return {} if storage is None else {storage.data_ptr(): storage.nbytes()}
    inner = content.values() if isinstance(content, Mapping) else content if isinstance(content, list | tuple) else ()
    return {address: size for part in inner for address, size in _stored(part).items()}


def read_state(path: str | os.PathLike[str], *, within: str = "") -> Mapping[str, Tensor]:
    """The state dict that a file holds, itself or as its entry ``within``.

    Raises as ``read_content``, and StateError for other content.
    """
    content = read_content(path)
    inner = content.get(within) if isinstance(content, Mapping) else None
    state = inner if isinstance(inner, Mapping) else content
    if not is_state(state):
        raise StateError(f"{os.fspath(path)!r} holds no state dict, names with a tensor each")
    return state


def is_state(content: object) -> bool:
    """Whether it is names with a tensor each."""
    return isinstance(content, Mapping) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )


def translate(
    state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], names: Mapping[str, str], what: str, hint: str = ""
) -> dict[str, Tensor]:
    """The tensors of ``state`` by the names of ``wanted``; ``names`` says how each of these is called in ``state``.

    Raises StateError if a tensor of either side has not exactly one counterpart of equal shape on the other.
    """
    theirs = {names[name]: tensor for name, tensor in wanted.items() if name in names}
    refuse(what, [*ambiguous(wanted, names), *differences(state, theirs)], hint)
    return {name: state[names[name]] for name in wanted}


def ambiguous(wanted: Iterable[str], names: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a translation, a line each."""
    yield from listed("of ours without a counterpart", [repr(name) for name in wanted if name not in names])
    uses = Counter(names[name] for name in wanted if name in names)
    yield from listed("with several counterparts of ours", [repr(name) for name, count in uses.items() if count > 1])


def differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    """How two state dicts differ, a line each: counts, and the first names.

    No differences means that all of ``found`` can be copied into ``wanted``.
    """
    unusable = dict(_unusable(found, wanted))
    yield from _told(unusable)
    names = [name for name in wanted if name in found and name not in unusable]
    shapes = {name: (list(found[name].shape), list(wanted[name].shape)) for name in names}
    unlike = [f"{name!r} is {theirs}, not {ours}" for name, (theirs, ours) in shapes.items() if theirs != ours]
    yield from listed("missing", [repr(name) for name in wanted if name not in found])
    yield from listed("unexpected", [repr(name) for name in found if name not in wanted])
    yield from listed("of another shape", unlike)


def uncopyable(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    """What cannot be copied from one state dict into the other whatever the shapes: a line, with the first names."""
    yield from _told(dict(_unusable(found, wanted)))


def _told(unusable: Mapping[str, str]) -> Iterator[str]:
    yield from listed("that cannot be copied", [f"{name!r} is {why}" for name, why in unusable.items()])


def _unusable(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """The names whose tensor cannot stand for the wanted one, whatever their shapes, and what is wrong with it."""
    for name, ours in wanted.items():
        if name in found:
            why = odd(found[name]) or _of_another_kind(name, found[name], ours) or _unwritable(ours)
            if why:
                yield name, why


def odd(tensor: Tensor) -> str | None:
    """What a tensor is that is no array of numbers in memory, which is all that can be copied; None if it is one."""
    if type(tensor) not in (Tensor, nn.Parameter):
        return f"a {type(tensor).__name__}, which is a class of its own, not a Tensor"
    if tensor.is_nested:
        return "nested, not one array"
    if tensor.layout is not torch.strided:
        return f"of the layout {str(tensor.layout).removeprefix('torch.')}, not strided"
    if tensor.is_quantized:
        return f"quantised ({str(tensor.dtype).removeprefix('torch.')}), not floating"
    return "on the device meta, without numbers" if tensor.is_meta else None


def _unwritable(ours: Tensor) -> str | None:
    """Why nothing can be copied into a tensor of a module."""
    why = odd(ours)
    if why:
        return f"for one of the module's that is {why}"
    if any(step == 0 and side > 1 for step, side in zip(ours.stride(), ours.shape, strict=True)):
        return "for one of the module's whose elements share memory"
    if ours.is_inference() and not torch.is_inference_mode_enabled():
        return "for one of the module's that was made in inference mode"
    return None


def _of_another_kind(name: str, theirs: Tensor, ours: Tensor) -> str | None:
    """What is wrong with the type of the numbers; a counter of batches, which averages make floating, takes any."""
    if ours.dtype in _FLOATS:
        allowed: tuple[torch.dtype, ...] = _FLOATS
    elif ours.dtype in _INTEGERS:
        allowed = _INTEGERS + (_FLOATS if name.endswith("num_batches_tracked") else ())
    else:
        allowed = (ours.dtype,)
    said, required = (str(dtype).removeprefix("torch.") for dtype in (theirs.dtype, ours.dtype))
    if theirs.dtype not in allowed:
        return f"{said}, not {required}"
    if ours.dtype in _FLOATS and torch.finfo(ours.dtype).max < torch.finfo(theirs.dtype).max:
        lost = theirs.isfinite() & ~theirs.to(ours.dtype).isfinite()
        return f"{said} with numbers beyond those of {required}" if lost.any() else None
    return None


def listed(what: str, items: Sequence[str]) -> Iterator[str]:
    """How many there are and the first of them, in a line, if there are any."""
    if items:
        more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        yield f"{len(items)} {what}: {', '.join(items[:_SHOWN])}{more}"


def refuse(what: str, problems: Iterable[str], hint: str = "") -> None:
    """Raise StateError if there are problems."""
    lines = [f"  {problem}" for problem in problems]
    if lines:
        raise StateError("\n".join([f"{what}:", *lines, *([f"  hint: {hint}"] if hint else [])]))


def _check_readable(named: str) -> None:
    """Raises OSError for what is no file, and StateError for records that grow when they are read."""
    try:
        mode = Path(named).stat().st_mode
    except ValueError as error:  # a path that no system call takes
        raise OSError(errno.EINVAL, str(error), named) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), named)
    if not stat.S_ISREG(mode):  # a FIFO would wait for its writer
        raise OSError(errno.EINVAL, "is no regular file", named)
    with Path(named).open("rb") as file:
        try:
            packed = any(record.compress_type != zipfile.ZIP_STORED for record in zipfile.ZipFile(file).infolist())
        except Exception:  # another format, or damaged, as its reader will say
            return
    if packed:
        raise StateError(f"{named!r} has compressed records, which torch.save does not write")


class _Dtype:
    """A numpy dtype in a file, as far as it is a plain number's: its code, and the order of its bytes."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or code not in _NUMBERS:
            raise ValueError("a dtype of no plain number")
        self.code, self.order = _NUMBERS[code], "="

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise ValueError("a dtype with a state of another kind")
        self.order = state[1].replace("|", "=")


def _number(dtype: object, data: object) -> int | float | bool:
    """The number that a file has in numpy's form."""
    if not isinstance(dtype, _Dtype) or type(data) is not bytes:
        raise ValueError("no plain number")
    (number,) = struct.unpack(dtype.order + dtype.code, data)  # of exactly as many bytes as it has
    return number  # type: ignore[no-any-return]  # as its codes are


def _harmless() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Settings of a training program, and numpy's numbers (a metric), by the names of all versions of numpy.

    numpy itself makes dtypes of a file that read memory beyond their number, so these stand in for it.
    """
    scalars = (f"numpy.{core}.multiarray.scalar" for core in ("core", "_core"))
    return [argparse.Namespace, (_Dtype, "numpy.dtype"), *((_number, name) for name in scalars)]
