"""A training on several devices as a process of its own, so that one which fails takes nothing else with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpngraph.cli.output import is_quiet
from fpngraph.cli.values import UsageError

if TYPE_CHECKING:
    from fpngraph.cli.starting import Start
    from fpngraph.cli.training import Pair


def launch(command: Sequence[str]) -> None:
    """Run ``fpngraph`` with these arguments; what it prints is left out. Raises UsageError where it fails."""
    quiet = ["--quiet"] if is_quiet() else []
    done = subprocess.run([sys.executable, "-m", "fpngraph", *command, *quiet], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise UsageError(f"its training ended with status {done.returncode}")


def train_command(  # noqa: PLR0913  (the options of a run)
    data: tuple[Pair, Pair],
    start: Start,
    folder: Path,
    asked: Mapping[str, Any],
    *,
    skip_bad: bool,
    imports: Sequence[str],
) -> list[str]:
    """What is typed for a training that goes on in a folder; what is ``asked`` has the names of options."""
    (images, annotations), (val_images, val_annotations) = data
    pairs = ["--train", str(images), str(annotations), "--val", str(val_images), str(val_annotations)]
    flags = [flag for flag, is_set in (("--skip-bad", skip_bad), ("--resume", True)) if is_set]
    modules = [f"--import={module}" for module in imports]
    settings = _settings(asked)
    return ["train", *modules, *pairs, *_detector(start), *settings, "-o", str(folder), *flags]


def _detector(start: Start) -> Iterator[str]:
    for name in ("model", "graph", "preset", "backbone", "weights"):
        if value := getattr(start, name):
            yield f"--{name}={value}"
    for name, value in start.params.items():
        yield from ("-p", f"{name}={json.dumps(value)}")  # which YAML reads as it is
    if start.image_size:
        yield f"--image-size={'x'.join(map(str, start.image_size))}"
    if not start.pretrained:
        yield "--no-pretrained"
    if start.lean:
        yield "--lean"


def _settings(asked: Mapping[str, Any]) -> Iterator[str]:
    for name, value in asked.items():
        option = f"--{name.replace('_', '-')}"
        yield option if value is True else f"{option}={value}"
