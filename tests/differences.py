"""How far necks were off from the references that tests compared them with; ``--junitxml`` writes it down.

Each test that compared necks of graphs has properties named ``difference``, which ``tools/necks_doc.py`` reads: a list
in JSON of the graph's name, the library, its version, and the largest difference of an output in eval mode and in
training mode, as parts of the largest value of that output. Library and version are null for a reference that is
written anew in the tests, and a number is where a test did not compare that mode.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # torch reads settings when it is imported, which is after conftest.py
    from torch import nn

PROPERTY = "difference"
_BELOW = {"torch", "tests", "timm", "mmcv", "mmengine"}  # what references are built of, not what they are

_found: dict[tuple[str, str | None], dict[str, float]] = {}


def note(ours: nn.Module, theirs: nn.Module, mode: Literal["eval", "training"], off: float) -> None:
    """Remember for the test that runs how far the outputs of the two are off."""
    if graph := getattr(ours, "source_graph", None):
        modes = _found.setdefault((graph.name, library_of(theirs)), {})
        modes[mode] = max(off, modes.get(mode, 0.0))


def library_of(module: nn.Module) -> str | None:
    """The library whose classes a reference is made of."""
    packages = (type(part).__module__.partition(".")[0] for part in module.modules())
    return next((package for package in packages if package not in _BELOW), None)


def taken() -> list[tuple[str, object]]:
    """The properties of the test that has run, which are then forgotten."""
    properties: list[tuple[str, object]] = [
        (PROPERTY, json.dumps([graph, library, library and version(library), *map(modes.get, ("eval", "training"))]))
        for (graph, library), modes in _found.items()
    ]
    _found.clear()
    return properties
