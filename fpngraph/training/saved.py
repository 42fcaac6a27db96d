"""What a checkpoint of a training holds beside weights: all that is needed to use it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from fpngraph.detection.coco import Category
from fpngraph.weights.state import StateError, read_content

KEY = "fpngraph"
"""Of the entry in a checkpoint of Lightning's."""
_VERSION = 1
_PREFIX = "model."


class NotSavedError(StateError):
    """A file has tensors, but is no checkpoint of a training."""


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A model that was trained, as plain data and tensors."""

    recipe: Mapping[str, Any]
    """What the model can be built from."""
    categories: tuple[Category, ...]
    """Of each class, in order."""
    state: Mapping[str, Tensor]
    """The model's state dict; averaged weights where the training averaged them."""


def entry(recipe: Mapping[str, Any], categories: Sequence[Category], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What goes into a checkpoint, as plain data."""
    listed = [[it.id, it.name] for it in categories]
    return {"version": _VERSION, "model": dict(recipe), "categories": listed, "settings": dict(settings)}


def read_entry(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """What ``entry`` has put into a checkpoint; nothing where there is none. Raises as ``read_content``."""
    content = read_content(path)
    own = content.get(KEY) if isinstance(content, Mapping) else None
    return own if isinstance(own, Mapping) else {}


def read_saved(path: str | os.PathLike[str]) -> Saved:
    """The model in a checkpoint that ``fit`` has written.

    Raises OSError for a file that cannot be read, StateError for one that holds no tensors, NotSavedError for one that
    is no such checkpoint.
    """
    content = read_content(path)
    own = content.get(KEY) if isinstance(content, Mapping) else None
    if not (isinstance(own, Mapping) and _is_entry(own) and isinstance(content.get("state_dict"), Mapping)):
        raise NotSavedError(f"{os.fspath(path)!r} is no checkpoint of a training of fpngraph")
    state = {name.removeprefix(_PREFIX): x for name, x in content["state_dict"].items() if name.startswith(_PREFIX)}
    return Saved(own["model"], tuple(Category(*it) for it in own["categories"]), state)


def _is_entry(own: Mapping[str, Any]) -> bool:
    """Whether it is what ``entry`` gives."""
    model, categories = own.get("model"), own.get("categories")
    return (
        own.get("version") == _VERSION
        and isinstance(model, Mapping)
        and isinstance(categories, list)
        and all(isinstance(it, list) and list(map(type, it)) == [int, str] for it in categories)
    )
