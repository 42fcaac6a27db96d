"""docs/api: every public name is there and says what it is, and the examples of docstrings run."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "api"
PACKAGE = Path(__file__).parents[1] / "fpngraph"
MODULES = (
    "fpngraph",
    "fpngraph.training",
    "fpngraph.exporting",
    "fpngraph.detection",
    "fpngraph.efficientdet",
    "fpngraph.importers",
)
NAMES = [(module, name) for module in MODULES for name in import_module(module).__all__ if name != "__version__"]
ADAPTERS = ("torchvision", "ultralytics", "mmdet", "detectron2", "transformers", "smp", "effdet")
OWN = {"ultralytics": {"Made", "Sources", "Row", "Expansion"}}
"""Names without a line, of what a row of Ultralytics becomes inside it."""
VALUES = {"BACKGROUND"}
"""Names of what is no class and no function."""
ELSEWHERE = {"fit"}
"""Functions whose examples need data; their tests run them."""
PAGES = {
    "docs/training.md": {"read_coco", "read_saved"},
    "docs/deploy.md": {"export_detector", "export_neck", "export_pyramid", "export_torchvision"},
}
"""Pages that have the examples of functions which need data or files to run."""
FETCHES = {"load_pretrained"}


def on_page(page: str) -> list[str]:
    return re.findall(r"^::: (\S+)$", (FOLDER / page).read_text(encoding="utf-8"), re.M)


def told_of_values() -> Iterator[tuple[str, str]]:
    """Names at the top of modules that have a string behind them, with it."""
    for path in PACKAGE.rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, after in pairwise(body):
            if isinstance(node, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                yield ast.unparse(node.targets[0]), str(after.value.value)


def of_adapter(library: str) -> list[str]:
    """Public classes and functions of the adapter for a library, which need not be installed."""
    path = PACKAGE / "adapters" / f"{library}.py"
    if not path.is_file():
        tree = ast.parse((PACKAGE / "adapters" / library / "__init__.py").read_text(encoding="utf-8"))
        (names,) = (node for node in tree.body if isinstance(node, ast.Assign))
        return list(ast.literal_eval(names.value))
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = [node.name for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [name for name in names if not name.startswith("_") and name not in OWN.get(library, set())]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_on_its_page_once(module: str) -> None:
    names = [f"{of}.{name}" for of, name in NAMES if of == module]

    assert sorted(on_page(f"{module.rpartition('.')[2]}.md")) == sorted(names)


def test_every_public_name_of_an_adapter_is_on_the_page_once() -> None:
    names = [f"fpngraph.adapters.{library}.{name}" for library in ADAPTERS for name in of_adapter(library)]

    assert sorted(on_page("adapters.md")) == sorted([*names, "fpngraph.adapters.HostError"])


def test_every_adapter_is_known_here() -> None:
    found = {path.stem for path in (PACKAGE / "adapters").iterdir() if not path.stem.startswith("__")}

    assert found == {*ADAPTERS, "host"}


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_name_says_what_it_is(module: str, name: str) -> None:
    value = getattr(import_module(module), name)
    text = dict(told_of_values())[name] if name in VALUES else vars(value).get("__doc__") or value.__doc__ or ""

    first = text.partition("\n")[0]
    assert first
    assert not first.startswith(f"{name}("), "that of dataclasses, which only repeats the fields"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_an_example(module: str) -> None:
    public = {name: getattr(import_module(module), name) for of, name in NAMES if of == module}

    without = {name for name, it in public.items() if inspect.isfunction(it) and ">>> " not in str(it.__doc__)}
    assert without == set().union(FETCHES, *PAGES.values()) & public.keys()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_examples_that_a_docstring_cannot_have(page: str) -> None:
    text = (PACKAGE.parent / page).read_text(encoding="utf-8")
    code = "".join(re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S))

    assert [name for name in PAGES[page] if f"{name}(" not in code] == []


@pytest.mark.parametrize("library", ADAPTERS)
def test_every_public_name_of_an_adapter_says_what_it_is(library: str) -> None:
    path = PACKAGE / "adapters" / library
    files = path.glob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    nodes = [node for file in files for node in ast.parse(file.read_text(encoding="utf-8")).body]
    told = {
        node.name: ast.get_docstring(node) or "" for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }

    assert [name for name in of_adapter(library) if not told[name]] == []


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_docstrings_run(module: str, workshop: Path) -> None:
    public = {name: getattr(import_module(module), name) for of, name in NAMES if of == module}
    libraries = {name: import_module(name) for name in ("effdet", "fpngraph", "json", "torch", "torchvision")}
    names = public | libraries | {"Path": Path}

    failed = []
    for name in public.keys() - VALUES - ELSEWHERE:
        for example in doctest.DocTestFinder(recurse=False).find(public[name], name, module=False, globs=names):
            failed += [name] * doctest.DocTestRunner().run(example).failed
    assert failed == []
