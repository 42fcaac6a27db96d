"""Single files of libraries that cannot be imported as a whole: what the rest of them asks for is not installed."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


def bare(library: str, *packages: str) -> None:
    """Let modules of ``packages`` be imported without what the packages import themselves.

    ``packages`` are dotted names behind the library's own, which is one of them.
    """
    spec = find_spec(library)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    for name in (library, *(f"{library}.{package}" for package in packages)):
        relative = name.split(".")[1:]
        folders = ["/".join([folder, *relative]) for folder in spec.submodule_search_locations]
        module = ModuleType(name)
        module.__path__ = folders
        module.__spec__ = ModuleSpec(name, None, is_package=True)
        module.__spec__.submodule_search_locations = folders
        sys.modules[name] = module


def stand_in(name: str, **contents: object) -> None:
    """A module of that name that has only ``contents``."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(contents)
    sys.modules[name] = module
