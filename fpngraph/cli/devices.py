"""Devices by name, where they are here and compute."""

from __future__ import annotations

import warnings

import torch

from fpngraph.cli.values import UsageError
from fpngraph.errors import first_line


def device(name: str | None) -> torch.device:
    """The device of this name, by default a GPU where there is one. Raises UsageError where it computes nothing."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = torch.device(name)
        except RuntimeError as error:  # torch's text has the names of two dozen kinds of hardware
            raise UsageError(
                f"--device {name!r} is no device\n  hint: cpu, cuda, cuda:1 for the second GPU, mps, xpu"
            ) from error
        try:
            if found.type == "meta":
                raise UsageError(f"--device {name!r}: it holds no numbers")
            torch.ones(1, device=found).item()
        except (RuntimeError, AssertionError, ImportError) as error:  # no such device, or torch is built without it
            raise UsageError(f"--device {name!r}: {first_line(error)}") from error
    return found
