"""The programs beside the package still run with it: each can be imported, and what it patches is there."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path

import pytest

TOOLS = sorted(path.stem for path in (Path(__file__).parents[1] / "tools").glob("*.py"))
NEEDS = {"griffe": "'make docs' installs it"}


@pytest.mark.parametrize("name", TOOLS)
def test_a_program_can_be_imported(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that are compared with
        try:
            importlib.import_module(f"tools.{name}")
        except ModuleNotFoundError as error:
            if error.name not in NEEDS:
                raise
            pytest.skip(f"{error.name} is not installed: {NEEDS[error.name]}")


def test_every_technique_can_be_switched_off() -> None:
    from tools.bench_techniques import variants

    for patches in variants().values():
        for each in patches():
            with each:
                pass
