"""What is published: a wheel and an archive of the sources, with the metadata that an index shows."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.specifiers import SpecifierSet

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
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the sources of this checkout."""
    folder = tmp_path_factory.mktemp("sources")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (path,) = folder.glob("*.tar.gz")
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
    graphs = {path.relative_to(ROOT) for path in shipped().values()}
    assert {Path(path).relative_to(site / "fpngraph") for path in found["graphs"]} == graphs


def test_an_installed_command_line_works(scripts: Path, tmp_path: Path) -> None:
    listed = json.loads(run(scripts / "fpngraph", "list", "--format", "json", cwd=tmp_path))

    assert [entry["name"] for entry in listed] == sorted(shipped())


def test_the_metadata_are_valid_and_the_page_of_an_index_is_the_readme(wheel: Path) -> None:
    folder = f"fpngraph-{fpngraph.__version__}.dist-info"
    metadata = Metadata.from_email(zipfile.ZipFile(wheel).read(f"{folder}/METADATA"), validate=True)

    assert metadata.requires_python == SpecifierSet(">=3.11")
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata.license_expression == "Apache-2.0 AND MIT AND OFL-1.1"
    assert [name for name in metadata.license_files or () if not (ROOT / name).is_file()] == []
    assert {"docs", "onnx", "train"} <= set(metadata.provides_extra or ())


@pytest.mark.slow
def test_the_archive_has_all_that_a_checkout_has_but_what_services_of_a_checkout_read(sources: Path) -> None:
    with tarfile.open(sources) as archive:
        files = {Path(*Path(member.name).parts[1:]).as_posix() for member in archive if member.isfile()}
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    known = {path for path in listed if path and not path.startswith(".")}

    assert files - {"PKG-INFO", ".gitignore"} == known


@pytest.mark.slow
def test_the_archive_makes_the_same_wheel(sources: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sources) as archive:
        # Python 3.11.4 and newer ask for a filter
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (unpacked,) = tmp_path.iterdir()
    out = tmp_path / "out"
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, unpacked, cwd=tmp_path)

    (made,) = out.glob("*.whl")
    contents = [
        {name: archive.read(name) for name in archive.namelist()} for archive in map(zipfile.ZipFile, (made, wheel))
    ]
    assert made.name == wheel.name
    assert contents[0] == contents[1]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("twine") is None, reason="no twine: pip install 'fpngraph[release]'")
def test_an_index_would_take_both_and_can_show_the_readme(sources: Path, wheel: Path, tmp_path: Path) -> None:
    said = run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", sources, wheel, cwd=tmp_path)

    assert said.count("PASSED") == 2
