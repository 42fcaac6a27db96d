"""The floor under the forms of a neck: what its arithmetic takes on this machine with nothing around it.

A 1x1 convolution is a bare product of matrices, another one the convolution itself on ``channels_last`` maps; inputs
and outputs are copied once. Activations, sums, pooling, padding and every move of a map in between cost nothing here.
A form gets below it where a runtime multiplies faster than torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from fpngraph.bench.timing import Call

aten = torch.ops.aten
_PRODUCTS = {aten.mm: (0, 1), aten.bmm: (0, 1), aten.addmm: (1, 2), aten.baddbmm: (1, 2)}
"""Where the two matrices are among the arguments of an operator."""


class Floor(NamedTuple):
    """The arithmetic of a module for some maps: what does it once, and its multiply-accumulates."""

    call: Call
    macs: int


def floor(module: nn.Module, maps: Sequence[Tensor]) -> Floor:
    """What ``module`` multiplies for ``maps``, which it takes as a list and gives others for."""
    with _Arithmetic() as arithmetic:
        outputs = module(list(maps))
    steps = [*arithmetic.steps, _copy([*maps, *outputs])]

    def call() -> None:
        for step in steps:
            step()

    return Floor(call, arithmetic.macs)


class _Arithmetic(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no hints for it
    """Notes every convolution and product of matrices that runs, as a bare one on random numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        self.steps: list[Call] = []
        self.macs = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        packet = func.overloadpacket
        if packet is aten.scaled_dot_product_attention:
            query, key, value = (it.flatten(0, -3) for it in args[:3])
            self._multiplies(query, key.mT)
            self._multiplies(query @ key.mT, value)
            return func(*args, **(kwargs or {}))
        with self:  # in inference mode operators come as they were called, conv2d in place of convolution
            result = func.decompose(*args, **(kwargs or {}))
        if result is not NotImplemented:
            return result
        result = func(*args, **(kwargs or {}))
        if packet in _PRODUCTS:
            first, second = (args[place] for place in _PRODUCTS[packet])
            self._multiplies(first, second)
        elif packet is aten.convolution:
            self.steps.append(_convolution(result, *args))
            x, weight, transposed = args[0], args[1], args[6]
            self.macs += (x if transposed else result).numel() * weight[0].numel()
        return result

    def _multiplies(self, first: Tensor, second: Tensor) -> None:
        self.steps.append(_product(first.shape, second.shape, like=first))
        self.macs += first.numel() * second.shape[-1]


def _convolution(result: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any) -> Call:
    stride, _, _, transposed, _, groups = rest
    if weight[0, 0].numel() == 1 and groups == 1 and not transposed and set(stride) == {1}:
        batch, channels, *sides = x.shape
        return _product((batch * prod(sides), channels), (channels, result.shape[1]), like=x)
    x, weight = (_random(tensor.shape, tensor).to(memory_format=torch.channels_last) for tensor in (x, weight))
    return lambda: aten.convolution(x, weight, None, *rest)


def _product(first: Sequence[int], second: Sequence[int], *, like: Tensor) -> Call:
    a, b = _random(first, like), _random(second, like)
    multiply: Callable[..., Tensor] = torch.mm if len(first) == 2 else torch.bmm
    out = multiply(a, b)
    return lambda: multiply(a, b, out=out)


def _copy(maps: Iterable[Tensor]) -> Call:
    """As many bytes read and written as the maps have together: half of them copied."""
    maps = list(maps)
    half = torch.zeros(sum(it.numel() for it in maps) // 2, dtype=maps[0].dtype, device=maps[0].device)
    other = torch.empty_like(half)
    return lambda: other.copy_(half)


def _random(shape: Sequence[int], like: Tensor) -> Tensor:
    return torch.randn(tuple(shape), dtype=like.dtype, device=like.device)
