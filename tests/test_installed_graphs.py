"""Graphs that an installed package brings along under the entry point group ``fpngraph.graphs``."""

import os
import subprocess
import sys
from pathlib import Path

GRAPH = (
    "{{fpngraph: 1, name: {name}, description: of somebody, inputs: P3, nodes: {{a3: {{inputs: [P3]}}}}, outputs: a3}}"
)


def run(folder: Path, program: str, module: str = "necks.files") -> subprocess.CompletedProcess[str]:
    """A process in which a package that names a folder of graphs is installed in ``folder``."""
    info = folder / "necks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: necks\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[fpngraph.graphs]\nnecks = {module}\n", encoding="utf-8")
    files = folder / "necks" / "files"
    files.mkdir(parents=True)
    (folder / "necks" / "__init__.py").write_text("", encoding="utf-8")
    (files / "theirs.yaml").write_text(GRAPH.format(name="theirs"), encoding="utf-8")
    (files / "fpn.yaml").write_text(GRAPH.format(name="another"), encoding="utf-8")
    (files / "notes.txt").write_text("no graph", encoding="utf-8")
    outer = "{fpngraph: 1, name: t, inputs: P3, stages: {s: {use: theirs}}, outputs: a3}"
    return subprocess.run(
        [sys.executable, "-c", f"import fpngraph\nouter = {outer!r}\n{program}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_graph_of_an_installed_package_has_its_name_for_load_and_for_use(tmp_path: Path) -> None:
    result = run(tmp_path, "print(fpngraph.load('theirs').name, list(fpngraph.loads(outer).nodes))")

    assert result.stdout == "theirs ['s.a3']\n"


def test_a_graph_that_comes_with_the_package_keeps_its_name(tmp_path: Path) -> None:
    result = run(tmp_path, "print(fpngraph.load('fpn').name); fpngraph.load('theirs')")

    assert result.stdout == "FPN\n"
    file = tmp_path / "necks" / "files" / "fpn.yaml"
    assert f"UserWarning: there is a graph named 'fpn' already, and so no {file}" in result.stderr


def test_they_are_listed(tmp_path: Path) -> None:
    result = run(tmp_path, "from fpngraph.cli.main import main; main(['list'])")

    assert "\ntheirs: of somebody\n  P3 -> a3\n" in result.stdout


def test_a_folder_that_is_not_there_is_warned_about(tmp_path: Path) -> None:
    result = run(
        tmp_path, "print(fpngraph.load('fpn').name)\nfrom fpngraph.library import named; named()", "necks.none"
    )

    assert result.stdout == "FPN\n"
    assert "UserWarning: graphs of 'necks.none' cannot be found: it is no package" in result.stderr
