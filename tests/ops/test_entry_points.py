"""Operators that an installed package brings along under the entry point group ``fpngraph.operators``."""

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = """\
from typing import ClassVar

from fpngraph.ops import Fusion, register


@register
class Least(Fusion):
    name: ClassVar[str] = "least"
"""
PROGRAM = """\
import sys

import fpngraph

text = "{{fpngraph: 1, name: t, inputs: P(3..4), nodes: {{a3: {{inputs: [P3, P4], fusion: {fusion}}}}}, outputs: a3}}"
before = "plugin" in sys.modules
try:
    graph = fpngraph.loads(text)
    print(before, "plugin" in sys.modules, graph.nodes["a3"].fusion.name)
except fpngraph.GraphError as error:
    print(error.problems[0].message)
"""


def run(folder: Path, plugin: str, fusion: str) -> subprocess.CompletedProcess[str]:
    """A process in which a package with that entry point is installed in ``folder``."""
    info = folder / "plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[fpngraph.operators]\nplugin = plugin\n", encoding="utf-8")
    (folder / "plugin.py").write_text(plugin, encoding="utf-8")
    path = os.pathsep.join([str(folder), *sys.path])
    program = PROGRAM.format(fusion=fusion)
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )


def test_an_installed_package_is_imported_for_a_name_that_nobody_else_has(tmp_path: Path) -> None:
    assert run(tmp_path, PLUGIN, "least").stdout == "False True least\n"


def test_no_package_is_imported_where_all_names_are_known(tmp_path: Path) -> None:
    assert run(tmp_path, PLUGIN, "sum").stdout == "False False sum\n"


def test_a_package_that_cannot_be_imported_is_warned_about_and_does_not_end_the_check(tmp_path: Path) -> None:
    result = run(tmp_path, "raise RuntimeError('no such device')\n", "least")

    assert "UserWarning: operators of 'plugin' cannot be imported: no such device" in result.stderr
    expected = "'fusion' is 'least', but must be the name of a fusion, or {name: {settings}}\n"
    assert result.stdout == expected
