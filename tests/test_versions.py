"""What pyproject.toml, README.md and constraints-dev.txt say of versions agrees, and is what the package checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fpngraph.exporting.torch_export import OLDEST_TORCH
from tools.lowest import lowest
from tools.oracles import ALONE

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIRED = {entry.name: entry for entry in map(Requirement, [*PROJECT["dependencies"], *EXTRAS["dev"]])}
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints-dev.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
TORCHS_OWN = re.compile(r"torch|torchvision|triton|nvidia-.*|cuda-.*")


def test_the_readme_says_what_is_declared_and_checked() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    found = re.search(
        r"fpngraph needs Python ([\d.]+) or newer and torch ([\d.]+) or newer; exports need torch ([\d.]+) or newer\.",
        readme,
    )
    assert found is not None
    python, torch, exports = found.groups()

    assert PROJECT["requires-python"] == f">={python}"
    assert REQUIRED["torch"].specifier == SpecifierSet(f">={torch}")
    assert tuple(map(int, exports.split("."))) == OLDEST_TORCH


def test_torchvision_is_the_one_of_the_lowest_torch() -> None:
    versions = dict(line.split("==") for line in lowest(PROJECT))

    major, minor = map(int, versions["torch"].split("."))

    assert versions["torchvision"] == f"0.{minor + 15}"
    assert major == 2


def test_the_extras_ask_for_the_versions_that_are_tested() -> None:
    tested = set(EXTRAS["dev"])

    assert set().union(*(EXTRAS[extra] for extra in ("png", "pdf", "onnx"))) <= tested


def test_every_pin_is_within_the_declared_bounds() -> None:
    names = {canonicalize_name(name): entry for name, entry in REQUIRED.items()}

    beyond = [
        str(pin)
        for pin in PINS
        for version in (next(iter(pin.specifier)).version,)
        if (entry := names.get(canonicalize_name(pin.name))) and not entry.specifier.contains(version)
    ]

    assert beyond == []


def test_everything_is_pinned_but_for_torch_and_what_comes_with_it() -> None:
    pinned = {canonicalize_name(pin.name) for pin in PINS}

    missing = {name for name in map(canonicalize_name, REQUIRED) if not TORCHS_OWN.fullmatch(name)} - pinned

    assert missing == set()
    assert [name for name in pinned if TORCHS_OWN.fullmatch(name)] == []
    assert all(pin.url is None and str(pin.specifier).startswith("==") for pin in PINS)


def test_the_lowest_versions_are_those_of_the_bounds() -> None:
    project = {"dependencies": ["a>=1.2", "b==3"], "optional-dependencies": {"x": ["c", "a>=1.2"], "y": ["d_e>=0.5"]}}

    assert list(lowest(project)) == ["a==1.2", "b==3", "d_e==0.5"]


def test_what_tests_compare_with_is_a_fixed_version_and_asks_nothing_of_users() -> None:
    compared = {"transformers", "segmentation-models-pytorch"}
    extra = {entry.name: str(entry.specifier) for entry in map(Requirement, EXTRAS["oracles"])}

    assert all(extra[name].startswith("==") for name in compared)
    assert all(str(Requirement(library).specifier).startswith("==") for library in ALONE)
    asked = {Requirement(entry).name for entries in [PROJECT["dependencies"], *EXTRAS.values()] for entry in entries}
    assert asked & {Requirement(library).name for library in ALONE} == set()
