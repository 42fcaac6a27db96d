"""The lowest versions that pyproject.toml allows, as constraints for pip; ``make test-lowest`` installs them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BOUND = re.compile(r"(?P<name>[\w-]+)(>=|==)(?P<version>[\d.]+)")


def lowest(project: dict[str, Any]) -> Iterator[str]:
    """``name==version`` for each requirement of ``[project]`` that says a version, those of all extras included."""
    requirements = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    for requirement in sorted(set(requirements)):
        if found := _BOUND.fullmatch(requirement):
            yield f"{found['name']}=={found['version']}"


if __name__ == "__main__":
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8")
    print("\n".join(lowest(tomllib.loads(text)["project"])))
