"""Whether what was exported gives what the neck gives."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from fpngraph.compiler.neck import Neck
from fpngraph.exporting.program import ExportError, Run

_TOLERANCE = 1e-4  # of the largest value of an output, in float32


def random_maps(neck: Neck, batch: int, image_size: tuple[int, int]) -> list[Tensor]:
    """A map for each input, for a number of images of this height and width."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(
            batch, neck.in_channels[name], *(-(-side // 2**entry.level) for side in image_size), generator=generator
        )
        for name, entry in neck.source_graph.inputs.items()
    ]


def largest_difference(neck: Neck, run: Run, sizes: Iterable[tuple[int, tuple[int, int]]]) -> float:
    """The largest from the neck, relative to the largest value of an output, over batches of images of these sizes.

    Raises ExportError if it is too large to be rounding, or no number.
    """
    differences = [_difference(neck, run, random_maps(neck, batch, size)) for batch, size in sizes]
    difference = max(differences)
    if not all(found <= _TOLERANCE for found in differences):  # nor a NaN
        raise ExportError(f"what was exported differs from the neck by {difference:.1e}, more than {_TOLERANCE:.0e}")
    return difference


def _difference(neck: Neck, run: Run, maps: list[Tensor]) -> float:
    pairs = zip(run(maps), neck(maps), strict=True)
    tiny = torch.finfo(torch.float32).tiny  # for an output of zeros only
    return float(
        torch.stack([(found - wanted).abs().max() / (wanted.abs().max() + tiny) for found, wanted in pairs]).max()
    )
