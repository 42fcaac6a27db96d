"""The rules of the house: which way imports go, how long things get, and who may name a topology."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import networkx
import pytest

import fpngraph

PACKAGE = Path(__file__).parent.parent / "fpngraph"
TOOLS = PACKAGE.parent / "tools"

# A row imports from its own and from earlier rows. Rows before "layers" never import torch.
ROWS: tuple[tuple[str, ...], ...] = (
    ("errors", "feature", "storage", "table"),
    ("ops",),
    ("language",),
    ("graph",),
    ("steps",),
    ("shapes", "costs"),
    ("drawing",),
    ("loader",),
    ("arguments", "photos", "report", "commands", "running", "rendering", "parsers", "cli", "__main__"),
    ("layers",),
    ("compiler", "compiled", "neck", "folding", "fused", "fusing", "measuring"),
    ("backbone", "pyramid", "devices", "state", "trained", "matching", "exporting"),
    ("efficientdet",),
    ("adapters", "findings", "detecting", "bench"),
)
RANK = {name: rank for rank, row in enumerate(ROWS) for name in row}
TORCH_FREE = RANK["layers"]

# Imports inside functions that go the other way: what builds torch modules waits until somebody builds, and a graph
# that shows itself in a notebook is drawn when it is shown.
LATE = {
    ("ops", "layers"),
    ("costs", "measuring"),
    ("commands", "backbone"),
    ("running", "bench"),
    ("running", "compiler"),
    ("running", "detecting"),
    ("running", "exporting"),
    ("running", "state"),
    ("running", "trained"),
    ("rendering", "trained"),
    ("graph", "drawing"),
}

TOPOLOGY = re.compile(
    r"bi-?fpn|qu-?fpn|pa-?fpn|nas[-_ ]?fpn|hr-?fpn|retina-?net|panet|pan_effdet|yolo|(?<![a-z])fpn(?![a-z])", re.I
)
MAX_FILE = 265  # "about 250" lines
MAX_FUNCTION = 42  # "about 40"


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def home(path: Path) -> str:
    """The top-level module or subpackage that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path, *, late: bool) -> Iterator[str]:
    """Full names of the modules that a file imports: at its top, or inside its functions.

    Imports for type checkers only count as at the top, except torch's, which are no imports when it runs.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    typed = {inner for node in ast.walk(tree) if _is_type_checking(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and (node in functions) is late:
            for name in _names(node):
                if node not in typed or name.startswith("fpngraph"):
                    yield name


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "imports are absolute"
    names = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if _is_module(name) else str(node.module) for name in names]


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def homes(path: Path, *, late: bool) -> set[str]:
    """The homes in this package that a file imports from."""
    names = (name.split(".") for name in imported(path, late=late) if name.startswith("fpngraph."))
    return {parts[1] for parts in names}


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


@pytest.mark.parametrize("path", modules(), ids=named)
def test_every_module_has_its_place_in_the_order(path: Path) -> None:
    assert home(path) in RANK


@pytest.mark.parametrize("path", modules(), ids=named)
def test_imports_go_one_way(path: Path) -> None:
    upwards = {other for other in homes(path, late=False) if RANK[other] > RANK[home(path)]}

    assert upwards == set()


@pytest.mark.parametrize("path", modules(), ids=named)
def test_late_imports_go_one_way_too_but_for_those_that_keep_torch_out(path: Path) -> None:
    upwards = {(home(path), other) for other in homes(path, late=True) if RANK[other] > RANK[home(path)]}

    assert upwards <= LATE


def test_no_two_modules_import_each_other() -> None:
    imports = networkx.DiGraph()
    for path in modules():
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        imports.add_edges_from((name, other) for other in imported(path, late=False) if other.startswith("fpngraph."))

    assert list(networkx.simple_cycles(imports)) == []


@pytest.mark.parametrize("path", [path for path in modules() if RANK.get(home(path), 0) < TORCH_FREE], ids=named)
def test_the_half_that_checks_graphs_does_not_import_torch(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(path, late=False)}

    assert libraries & {"torch", "torchvision", "timm", "effdet", "numpy"} == set()


@pytest.mark.parametrize("path", [path for path in modules() if home(path) != "efficientdet"], ids=named)
def test_no_file_names_a_topology(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if TOPOLOGY.search(line)] == []


def test_the_search_for_topologies_would_find_one() -> None:
    found = [
        text for text in ("BiFPN", "as in FPN", "nas_fpn", "fpn_channels", "import fpngraph") if TOPOLOGY.search(text)
    ]

    assert found == ["BiFPN", "as in FPN", "nas_fpn", "fpn_channels"]


def test_no_module_has_the_name_of_something_public() -> None:
    assert {home(path) for path in modules()} & set(fpngraph.__all__) == set()


@pytest.mark.parametrize("path", [PACKAGE / "__init__.py", *modules(), *sorted(TOOLS.glob("*.py"))], ids=named)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert len(text.splitlines()) <= MAX_FILE
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION} == {}
