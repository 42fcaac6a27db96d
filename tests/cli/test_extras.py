"""Commands that need a package that is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LACKING = """
import sys
sys.modules[{package!r}] = None
from fpngraph.cli.main import main
sys.exit(main({command!r}.split()))
"""


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        ("language-server", "pygls", "editor"),
        ("language-server", "lsprotocol", "editor"),
        ("serve", "uvicorn", "serve"),
        ("completion bash", "argcomplete", "completion"),
        ("train --train none none --val none none -o run", "pycocotools", "train"),
        ("train --train none none --val none none -o run", "lightning", "train"),
        ("sweep --graph fpn --train none none --val none none -o run", "pycocotools", "train"),
        ("evaluate --val none none --results none", "pycocotools", "train"),
        ("evaluate --val none none --weights none", "matplotlib", "train"),
        ("export --weights none --int8 --calibrate none --val none none -o a.onnx", "pycocotools", "train"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_way_to_install_it(
    command: str, package: str, extra: str, tmp_path: Path
) -> None:
    code = LACKING.format(package=package, command=command)

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == (
        f"fpngraph {command.split(maxsplit=1)[0]}: it needs {package!r}, which is not installed\n"
        f"  hint: pip install 'fpngraph[{extra}]'\n"
    )


def test_what_trains_is_not_needed_to_export(tmp_path: Path) -> None:
    code = LACKING.format(package="pycocotools", command="export none.yaml --in-channels 8 -o neck.pt2")

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("fpngraph export: cannot read 'none.yaml': ")
