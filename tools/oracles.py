"""Installs the libraries that tests compare with or plug necks into: ``make test-oracles`` and ``test-hosts`` run it.

What the first environment has, torch above all, is read from there and not installed again.
Example: ``.venv-oracles/bin/python tools/oracles.py .venv``
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Installed without what they ask for: versions that do not go together, or much that their necks do not need. What they
# do need is in the extras 'oracles' and 'hosts' of pyproject.toml, beside all that can be installed as usual.
ALONE = (
    "mmcv-lite==2.1.0",  # the newest that this mmdet takes; its compiled operators are not asked for
    "mmdet==3.3.0",
    "mmengine==0.10.7",
    "mmyolo==0.6.0",
    "modelscope==1.40.2",
    "super-gradients==3.7.1",
    "ultralytics==8.4.190",  # AGPL: to compare with, and no requirement of anything here
)


def share(first: Path) -> None:
    """Let this environment read the packages of another one of the same Python, behind its own."""
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(first), "platbase": str(first)}))
    if not packages.is_dir():
        raise SystemExit(f"{packages} does not exist\n  hint: 'make {first}/installed-dev' makes it")
    Path(sysconfig.get_path("purelib"), "first.pth").write_text(f"{packages}\n", encoding="utf-8")


def install(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(status)


def main() -> None:
    share(Path(sys.argv[1]).absolute())
    install("--constraint", "constraints-dev.txt", "--editable", ".[dev,oracles,hosts]")
    install("--no-deps", *ALONE)


if __name__ == "__main__":
    main()
