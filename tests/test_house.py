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

# A row is a room, or rooms that know nothing of each other; it imports only from rows above it here.
ROWS: tuple[tuple[str, ...], ...] = (
    ("codes", "errors", "feature", "files", "fonts", "reserved", "table"),
    ("layers",),
    ("inference",),
    ("ops",),
    ("graph",),
    ("language",),
    ("analysis",),
    ("library",),
    ("drawing",),
    ("compiler",),
    ("weights",),
    ("pyramid",),
    ("detection",),
    ("exporting",),
    ("training",),
    ("efficientdet",),
    ("importers",),
    ("adapters",),
    ("bench",),
    ("editor",),
    ("cli", "__main__"),
)
RANK = {name: rank for rank, row in enumerate(ROWS) for name in row}
# What reads, checks and shows graphs answers before torch is imported; what of it needs torch imports it late.
TORCH_FREE = {*ROWS[0], "ops", "graph", "language", "analysis", "library", "drawing", "editor", "cli"}
WITH_TORCH = {
    "devices",
    "benching",
    "detecting",
    "detectors",
    "exporting",
    "quantising",
    "findings",
    "starting",
    "training",
    "evaluating",
    "sweeping",
    "comparing",
}  # of the command line: commands that run a network

# Imports inside functions that go the other way: a graph draws itself in a notebook, and an operator that does not say
# what it costs is measured.
LATE = {("graph", "drawing"), ("analysis", "compiler")}

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


@pytest.mark.parametrize("path", [path for path in modules() if home(path) == "detection"], ids=named)
def test_what_detectors_of_every_kind_need_knows_no_graph_no_drawing_and_no_one_detector(path: Path) -> None:
    assert homes(path, late=False) | homes(path, late=True) <= {"detection", "errors", "feature", "fonts", "storage"}


def test_no_two_modules_import_each_other() -> None:
    imports = networkx.DiGraph()
    for path in modules():
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        imports.add_edges_from((name, other) for other in imported(path, late=False) if other.startswith("fpngraph."))

    assert list(networkx.simple_cycles(imports)) == []


@pytest.mark.parametrize(
    "path", [path for path in modules() if home(path) in TORCH_FREE and path.stem not in WITH_TORCH], ids=named
)
def test_the_half_that_checks_graphs_does_not_import_torch(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(path, late=False)}

    assert libraries & {"torch", "torchvision", "timm", "effdet", "numpy"} == set()


# What was typed is read where it is declared; what a command calls has parameters of its own, which mypy can check.
@pytest.mark.parametrize("path", [path for path in modules() if path.parent != PACKAGE / "cli" / "commands"], ids=named)
def test_nothing_below_a_command_is_told_what_was_typed_as_a_whole(path: Path) -> None:
    arguments = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.arg)]

    assert [it.arg for it in arguments if it.annotation and "Namespace" in ast.unparse(it.annotation)] == []


# A name has one path, that of its module, or two, with that of its room; mypy refuses what is handed on without a word.
@pytest.mark.parametrize("path", modules(), ids=named)
def test_what_a_room_re_exports_it_defines(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = ".".join(path.parent.relative_to(PACKAGE.parent).parts)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    elsewhere = [node for node in imports if path.name != "__init__.py" or not f"{node.module}.".startswith(f"{own}.")]
    exported = {
        name.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.walk(node.value)
        if isinstance(name, ast.Constant)
    }

    aliases = [alias for node in elsewhere for alias in node.names]
    assert [it.name for it in aliases if it.asname == it.name or (it.asname or it.name) in exported] == []


def said_in_code(text: str) -> Iterator[str]:
    """The names and strings of a module, without its comments and docstrings: what it could decide by."""
    tree = ast.parse(text)
    prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            yield node.value
        for field in ("id", "attr", "arg", "name"):
            said = getattr(node, field, None)
            if isinstance(said, str):
                yield said


# EfficientDet is one topology's detector; an adapter and an importer name what their library has.
@pytest.mark.parametrize(
    "path", [path for path in modules() if home(path) not in {"efficientdet", "adapters", "importers"}], ids=named
)
def test_no_code_names_a_topology(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert [said for said in said_in_code(text) if TOPOLOGY.search(said)] == []


def test_the_search_for_topologies_would_find_one() -> None:
    code = '''
"""As in FPN."""  # prose may
if name == "BiFPN" or fpn_channels: nas_fpn(yolo=1)
class PANet: "of mmdet"
import fpngraph
'''

    found = [said for said in said_in_code(code) if TOPOLOGY.search(said)]

    assert sorted(found) == ["BiFPN", "PANet", "fpn_channels", "nas_fpn", "yolo"]


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
