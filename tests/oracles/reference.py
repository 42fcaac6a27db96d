"""The neck of another library as a plain module, with random weights that tell its parts apart, and maps for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Reference:
    """What a comparison needs to know of a neck that another library has built.

    ``neck`` takes a list of maps, finest first, leaves the list as it is, and gives a list.
    """

    neck: nn.Module
    in_channels: Mapping[int, int]  # by level, finest first
    levels: tuple[int, ...]  # of the maps that it gives, in its order
    multiple: int = 1  # of what both sides of an image have to be: some necks take no other sizes


@contextmanager
def library(name: str, module: str | None = None, hint: str = "'make test-oracles' runs this") -> Iterator[None]:
    """Where a library is imported and builds its necks, and may warn of what it likes.

    A test that asks for one that is not installed is skipped; one that is broken fails it.
    """
    if find_spec(module or name) is None:
        pytest.skip(f"{name} is not installed: {hint}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module itself with a random value in every parameter and every buffer that its state dict has.

    Convolutions keep the size of what goes through them, scales and variances are positive. Where names, order and
    shapes are the same, the same seed gives the same values.
    """
    generator = torch.Generator().manual_seed(seed)
    saved = set(module.state_dict())
    tensors = [*module.named_parameters(), *((name, x) for name, x in module.named_buffers() if name in saved)]
    with torch.no_grad():
        for name, tensor in tensors:
            tensor.copy_(_random(name.rpartition(".")[2], tensor, generator))
    return module


def _random(leaf: str, like: Tensor, generator: torch.Generator) -> Tensor:
    if not like.is_floating_point():
        return torch.randint(1, 10, like.shape, generator=generator)
    if leaf in ("bias", "running_mean"):
        return torch.randn(like.shape, generator=generator) / 2
    if like.dim() <= 1:  # scales and variances
        return torch.rand(like.shape, generator=generator) + 0.5
    return torch.randn(like.shape, generator=generator) * like[0].numel() ** -0.5


def maps(
    reference: Reference, height: int, width: int, *, batch: int = 2, dtype: torch.dtype = torch.float64
) -> list[Tensor]:
    """One random map per input of the neck for images of ``height`` x ``width`` pixels."""
    generator = torch.Generator().manual_seed(height * 10_000 + width)
    return [
        torch.randn(batch, channels, -(-height // 2**level), -(-width // 2**level), generator=generator, dtype=dtype)
        for level, channels in reference.in_channels.items()
    ]
