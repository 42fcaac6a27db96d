from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import fpngraph
from fpngraph.library import shipped

ROOT = Path(__file__).parent.parent
PROGRAM = """
import importlib.metadata, importlib.resources, json, sys
import fpngraph
from fpngraph.library import shipped
print(json.dumps({
    "file": fpngraph.__file__,
    "path": sys.path,
    "version": importlib.metadata.version("fpngraph"),
    "typed": importlib.resources.files("fpngraph").joinpath("py.typed").is_file(),
    "outputs": list(fpngraph.load("bifpn", preset="d7x").outputs),
    "graphs": [str(path) for path in shipped().values()],
}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command that knows nothing of this process's environment for Python."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_", "COV"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with what is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new virtual environment with the wheel in it.

    torch and the rest come from the environment of this process, by way of a .pth file: its own .pth files,
    such as that of an editable install, do not count there.
    """
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")
    return folder / "bin"


def test_the_wheel_has_the_package_and_the_graphs_and_nothing_else(wheel: Path) -> None:
    files = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}

    package = {path for path in files if path.parts[0] == "fpngraph"}
    sources = {path.relative_to(ROOT) for path in (ROOT / "fpngraph").rglob("*.*") if "__pycache__" not in path.parts}
    graphs = {Path("fpngraph") / path.relative_to(ROOT) for path in (ROOT / "graphs").rglob("*.yaml")}
    assert package == sources | graphs
    assert {path.parts[0] for path in files - package} == {f"fpngraph-{fpngraph.__version__}.dist-info"}


def test_an_installed_package_works_without_the_checkout(scripts: Path, tmp_path: Path) -> None:
    found = json.loads(run(scripts / "python", "-c", PROGRAM, cwd=tmp_path))

    site = next(scripts.parent.glob("lib/python*/site-packages"))
    assert Path(found["file"]) == site / "fpngraph" / "__init__.py"
    assert [path for path in found["path"] if Path(path).is_relative_to(ROOT) and "site-packages" not in path] == []
    assert found["version"] == fpngraph.__version__
    assert found["typed"] is True
    assert found["outputs"] == ["P3", "P4", "P5", "P6", "P7", "P8"]
    graphs = {Path(path).relative_to(site / "fpngraph" / "graphs") for path in found["graphs"]}
    assert graphs == {path.relative_to(ROOT / "graphs") for path in shipped().values()}


def test_an_installed_command_line_works(scripts: Path, tmp_path: Path) -> None:
    listed = json.loads(run(scripts / "fpngraph", "list", "--format", "json", cwd=tmp_path))

    assert [entry["name"] for entry in listed] == list(shipped())
