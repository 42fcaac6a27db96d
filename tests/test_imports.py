from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import fpngraph

HEAVY = ("torch", "torchvision", "timm", "numpy")

REPORT = f"""
import json, sys
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""


def run(code: str, folder: Path) -> str:
    """Standard output of a fresh interpreter in ``folder`` that reads the package from where this one does."""
    root = str(Path(fpngraph.__file__).parent.parent)
    start = f"import sys; sys.path.insert(0, {root!r})\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import fpngraph; fpngraph.load; fpngraph.GraphError; fpngraph.register", id="names"),
        pytest.param("import fpngraph; fpngraph.load('bifpn', preset='d1')", id="load"),
        pytest.param("import fpngraph; fpngraph.infer(fpngraph.load('bifpn'), [40, 112, 320])", id="infer"),
        pytest.param("import fpngraph; fpngraph.cost(fpngraph.load('bifpn'), [40, 112, 320], 512)", id="cost"),
        pytest.param("from fpngraph.editor import server, completion, hover, renaming", id="language-server"),
        pytest.param("from fpngraph.editor.live import app", id="page"),
        pytest.param("import fpngraph; fpngraph.render(fpngraph.load('bifpn'), 'out.html')", id="to html"),
        *(
            pytest.param(f"from fpngraph.cli.main import main; assert main({arguments!r}) == 0", id=arguments[0])
            for arguments in (
                ["list"],
                ["check", "bifpn", "--in-channels", "40,112,320"],
                ["expand", "bifpn"],
                ["new", "bifpn"],
                ["schema"],
                ["show", "bifpn", "--in-channels", "40,112,320"],
                ["render", "bifpn"],
            )
        ),
    ],
)
def test_what_needs_no_tensor_never_imports_torch(code: str, tmp_path: Path) -> None:
    output = run(code + REPORT, tmp_path)

    assert json.loads(output.splitlines()[-1]) == []


def test_a_check_does_not_wait_for_what_other_commands_do(tmp_path: Path) -> None:
    code = """
        import json
        from fpngraph.cli.main import main
        assert main(["check", "bifpn"]) == 0
        print(json.dumps([name for name in sys.modules if name.startswith("fpngraph.")]))
    """

    imported = {name.removeprefix("fpngraph.") for name in json.loads(run(dedent(code), tmp_path).splitlines()[-1])}

    others = ("analysis.report", "compiler", "drawing", "language.explicit", "language.lifting", "pyramid", "table")
    assert imported & set(others) == set()


@pytest.mark.parametrize("arguments", [["check", "bifpn"], ["check", "--help"]], ids=["a check", "an exit"])
def test_what_is_left_at_the_end_is_not_searched_for_garbage(arguments: list[str], tmp_path: Path) -> None:
    code = f"""
        import atexit, gc
        from fpngraph.__main__ import run
        atexit.register(lambda: print(gc.get_freeze_count() > 1000, gc.isenabled()))
        sys.argv = {["fpngraph", *arguments]}
        sys.exit(run())
    """

    assert run(dedent(code), tmp_path).splitlines()[-1] == "True False"


def test_importing_the_package_imports_none_of_its_modules(tmp_path: Path) -> None:
    code = "import fpngraph, json; print(json.dumps([m for m in sys.modules if m.startswith('fpngraph.')]))"

    assert json.loads(run(code, tmp_path)) == []


@pytest.mark.parametrize("name", fpngraph.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(fpngraph, name) is not None
    assert name in dir(fpngraph)


def test_a_public_name_is_the_same_object_however_it_is_imported() -> None:
    from fpngraph import GraphError
    from fpngraph.errors import GraphError as Original

    assert GraphError is Original
    assert fpngraph.GraphError is Original


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError) as caught:
        fpngraph.nonsense  # noqa: B018

    assert str(caught.value) == "module 'fpngraph' has no attribute 'nonsense'"


def test_what_type_checkers_see_is_what_exists() -> None:
    source = Path(fpngraph.__file__).read_text(encoding="utf-8")
    block = source.split("if TYPE_CHECKING:\n")[1].split("\n\n")[0]
    imported = {line.split(" import ")[1].split(" as ")[1]: line.split()[1] for line in block.splitlines()}

    assert imported.keys() | {"__version__"} == set(fpngraph.__all__)
    assert imported == {name: f"fpngraph.{home}" for name, home in fpngraph._HOME.items()}
