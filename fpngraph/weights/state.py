"""State dicts: from files, and whether their tensors fit where they are to go."""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import safe_globals

_SHOWN = 3  # names that an error lists
_FORBIDDEN = re.compile(r"GLOBAL (\S+) was not an allowed global")


class StateError(ValueError):
    """Tensors that cannot be read, or that do not fit where they are to go."""


def read_content(path: str | os.PathLike[str]) -> Any:
    """What a file holds that ``torch.save`` or safetensors wrote (ending ``.safetensors``), on the CPU.

    Of types other than torch's only those pass that training programs store beside tensors and that hold nothing but
    values. Raises OSError for a file that cannot be read and StateError for one that holds anything else.
    """
    named = os.fspath(path)
    try:
        if Path(path).suffix == ".safetensors":
            return load_file(path)
        with safe_globals(_harmless()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
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


def read_state(path: str | os.PathLike[str]) -> Mapping[str, Tensor]:
    """The state dict that a file holds. Raises as ``read_content``, and StateError for other content."""
    state = read_content(path)
    if not is_state(state):
        raise StateError(f"{os.fspath(path)!r} holds no state dict, names with a tensor each")
    return state  # type: ignore[no-any-return]  # as just found


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
    """How two state dicts differ, a line each: counts, and the first names."""
    shapes = {name: (list(found[name].shape), list(tensor.shape)) for name, tensor in wanted.items() if name in found}
    unlike = [f"{name!r} is {theirs}, not {ours}" for name, (theirs, ours) in shapes.items() if theirs != ours]
    yield from listed("missing", [repr(name) for name in wanted if name not in found])
    yield from listed("unexpected", [repr(name) for name in found if name not in wanted])
    yield from listed("of another shape", unlike)


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


def _harmless() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Settings of a training program, and numpy's numbers (a metric), by the names of all versions of numpy."""
    number = np.float64(0).__reduce__()[0]
    assert callable(number)
    return [
        argparse.Namespace,
        np.dtype,
        *(type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64)),
        *((number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    ]
