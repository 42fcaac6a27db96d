"""A configuration of mmdet or mmengine with what it is based on, and what of it is about the neck."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fpngraph.errors import GraphError, Problem
from fpngraph.files import did_you_mean
from fpngraph.importers.mmdet.laying import Unread, merged
from fpngraph.importers.mmdet.python import read_python
from fpngraph.importers.settings import values_within
from fpngraph.language.keys.findings import shown
from fpngraph.language.yaml.source import read, read_file
from fpngraph.language.yaml.value import Value

_TAG = re.compile(r"!!python/\S+")
_LARGEST = 2_000_000  # bytes of a file
_MOST = 5000  # values of a neck's settings


@dataclass(frozen=True)
class Found:
    """What a configuration says of its neck, or of several that follow each other, and of the backbone before them."""

    necks: Sequence[Value]
    listed: bool
    backbone: Value | None


def read_config(path: Path, chain: tuple[Path, ...] = ()) -> Value:
    """A file of Python, YAML or JSON over those that its ``_base_`` names. Raises GraphError."""
    if path.suffix != ".py":
        value = read_plain(path)
        bases = value.entries.get("_base_")
        return value if bases is None else merged(_bases(path, chain, bases), value)
    text = _text(path)
    return read_python(path, text, lambda value: _bases(path, chain, value))


def read_plain(path: Path) -> Value:
    """A file of YAML or JSON, in which values of Python's types are plain ones."""
    text = _text(path)
    return read(_TAG.sub(lambda found: " " * len(found[0]), text), str(path))


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is not a regular file")
        if path.stat().st_size > _LARGEST:
            raise OSError(f"it has more than {_LARGEST} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        read_file(path)
        raise
    except OSError as error:
        message = f"cannot read {str(path)!r}: {error.strerror or error}"
        raise GraphError([Problem("unreadable-file", message, None, did_you_mean(path))]) from None


def _bases(path: Path, chain: tuple[Path, ...], value: Value) -> Value:
    entries = value.data if isinstance(value.data, tuple) else (value,)
    whole = Value({}, value.span, {}, False)
    for entry in entries:
        said = entry.data
        if not isinstance(said, str) or isinstance(said, Unread):
            message = f"'_base_' is {said!r}" if isinstance(said, Unread) else f"'_base_' is {shown(entry)}"
            raise GraphError([Problem("not-converted", f"{message}, but must be the path of a file", entry.span)])
        if "::" in said:
            hint = "give a file that 'Config.fromfile(...).dump(...)' of mmengine has written, which has no bases"
            raise GraphError([Problem("not-converted", f"{said!r} is in another package", entry.span, hint)])
        other = (path.parent / said).resolve()
        if other in chain or other == path.resolve():
            raise GraphError([Problem("not-converted", f"{said!r} is based on itself", entry.span)])
        if not other.is_file():
            message = f"there is no file {str(other)!r}"
            raise GraphError([Problem("unreadable-file", message, entry.span, did_you_mean(other))])
        whole = merged(whole, read_config(other, (*chain, path.resolve())))
    return whole


def find_neck(value: Value) -> Found:
    """The neck of a model, of the detector in one, or the whole file. Raises GraphError where there is none."""
    model = value.entries.get("model", value)
    inner = model.entries.get("detector", model)
    holder = next((it for it in (model, inner) if "neck" in it.entries), None)
    alone = "type" in value.entries and "in_channels" in value.entries
    if holder is None and not alone:
        if isinstance(model.data, Unread):
            raise GraphError([_computed(model)])
        kind = inner.entries.get("type")
        what = f"a model of type {kind.plain()!r} without a neck" if kind else "no model with a neck"
        raise GraphError([Problem("not-converted", f"the file has {what}", inner.span)])
    neck = value if holder is None else holder.entries["neck"]
    necks = neck.data if isinstance(neck.data, tuple) else (neck,)
    if not necks:
        raise GraphError([Problem("not-converted", "the list of necks is empty", neck.span)])
    if problems := [problem for one in necks for problem in _no_data(one)]:
        raise GraphError(problems)
    backbone = holder.entries.get("backbone") if holder else None
    return Found(tuple(necks), isinstance(neck.data, tuple), backbone)


def _no_data(neck: Value) -> list[Problem]:
    if not isinstance(neck.data, Mapping):
        return [_computed(neck)]
    found = []
    for number, value in enumerate(values_within(neck)):
        if number > _MOST:
            return [Problem("limit-exceeded", f"the neck has more than {_MOST} settings", neck.span)]
        if isinstance(value.data, Unread):
            found.append(_computed(value))
    return found


def _computed(value: Value) -> Problem:
    if not isinstance(value.data, Unread):
        return Problem("not-converted", f"the neck is {shown(value)}, but must be a mapping", value.span)
    hint = "give a file that 'Config.fromfile(...).dump(...)' of mmengine has written: this one is read, not run"
    return Problem("not-converted", f"{str(value.data)!r} is no plain value", value.span, hint)
