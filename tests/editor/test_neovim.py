"""Neovim with the configuration of the documentation as it stands, on the file that stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fpngraph

ROOT = Path(__file__).parents[2]


def version() -> tuple[int, ...]:
    """Of the Neovim that is installed; (0, 0) where none is."""
    if shutil.which("nvim") is None:
        return 0, 0
    said = subprocess.run(["nvim", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"NVIM v(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0, 0)


def written(pattern: str) -> str:
    """What a block of the documentation says."""
    text = (ROOT / "docs/editor.md").read_text(encoding="utf-8")
    found = re.search(f"{pattern}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.slow
def test_neovim_does_all_that_the_documentation_says(tmp_path: Path) -> None:
    if version() < (0, 11):
        pytest.skip("needs Neovim 0.11 or later")
    (tmp_path / "init.lua").write_text(written("```lua"), encoding="utf-8")
    (tmp_path / "typed.yaml").write_text(written("file: typed.yaml -->\n```yaml"), encoding="utf-8")
    program = tmp_path / "fpngraph"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m fpngraph "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    homes = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    environment = os.environ | {
        **dict.fromkeys(homes, str(tmp_path / "home")),
        "ANSWERS": str(tmp_path / "answers"),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(fpngraph.__file__).parent.parent),
    }

    command = ["nvim", "--headless", "-n", "-u", "init.lua", "-S", str(ROOT / "tests/editor/neovim.lua")]
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=100, check=True)

    answers = dict(map(json.loads, (tmp_path / "answers").read_text(encoding="utf-8").splitlines()))
    offered = answers.pop("completion")
    assert {"merged(l)", "merged3", "C5"} <= {*offered}
    assert answers == {
        "problem": "8:45 unknown key 'fuson'",
        "correction": "  P(3..5): {inputs: [td(l), P(l-1) | none], fusion: sum}",
        "no problem": "none",
        "rename": "  merged(3..5): {inputs: [C(l), merged(l+1) | none]}"
        "  P(3..5): {inputs: [merged(l), P(l-1) | none], fusion: sum}",
        "hover": "**merged(l)**",
        "definition": "line 7",
    }
