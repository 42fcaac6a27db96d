"""Whether what was exported gives the maps that the module gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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


def largest_difference(
    module: Callable[[Sequence[Tensor]], Sequence[Tensor]],
    run: Run,
    given: Iterable[Sequence[Tensor]],
    what: str = "neck",
) -> float:
    """The largest from the module, ``what``, relative to the largest value of an output, for each of ``given``.

    Raises ExportError if it is too large to be rounding, or no number.
    """
    difference = float(torch.stack([_difference(run(inputs), module(inputs)) for inputs in given]).max())
    if not difference <= _TOLERANCE:  # nor a NaN
        raise ExportError(f"what was exported differs from the {what} by {difference:.1e}, more than {_TOLERANCE:.0e}")
    return difference


def _difference(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    tiny = torch.finfo(torch.float32).tiny  # for an output of zeros only
    pairs = zip(found, wanted, strict=True)
    return torch.stack([(y - x).abs().max() / (x.abs().max() + tiny) for y, x in pairs]).max()
