"""What a run of the tests says at its end about those that it skipped."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable

# By program: the package of Debian and Ubuntu that has it.
PACKAGES = {
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "neato": "graphviz",
    "npm": "npm",
    "zsh": "zsh",
    "fish": "fish",
}


def told(reasons: Iterable[str]) -> list[str]:
    """A line for each reason, with how many tests it skipped, and one command for all the programs that are missing."""
    lines = [f"{number:4} skipped: {reason}" for reason, number in Counter(reasons).most_common()]
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if lines and missing:
        lines.append(f"     what is missing: apt-get install -y {' '.join(missing)}")
    return lines
