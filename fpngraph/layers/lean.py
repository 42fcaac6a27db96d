"""A node that trains in little memory: it keeps the maps that it reads, and works out the rest again for gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.nn.utils import parametrize
from torch.utils.checkpoint import get_device_states, set_device_states

from fpngraph.feature import Size
from fpngraph.layers.node import Node
from fpngraph.layers.tracing import all_are_hooked, has_storage, is_traced


class LeanNode(Node):
    """A node that runs again in the backward pass, in place of keeping what it works out (arXiv:1604.06174).

    The second run sees the parameters, buffers, modes and random numbers of the first and changes none of them, so that
    results, gradients and running statistics are those of a plain node. In eval mode, while torch traces or transforms,
    without numbers, and where somebody may keep something of the first run, it is one.
    """

    def forward(self, size: Size, *maps: Tensor) -> Tensor:
        plain = super().forward
        if not self.training or is_traced():
            return plain(size, *maps)
        modules = tuple(self.modules())
        parameters = _Slots(module._parameters for module in modules)
        tensors = (*maps, *parameters.tensors())
        if _is_watched(modules) or not all(map(has_storage, tensors)):
            return plain(size, *maps)
        # Not torch.utils.checkpoint: its hooks on each tensor that is kept cost as much time as the second run.
        call = _Call(modules, parameters, lambda *given: plain(size, *given), maps)
        y: Tensor = _Recomputed.apply(call, *tensors)
        return y


def _is_watched(modules: Sequence[nn.Module]) -> bool:
    """Whether gradients may be asked for through something else than the result, the maps and the parameters.

    Hooks inside of the node may keep maps of the first run, and ``parametrize.cached`` keeps weights of it. A buffer,
    or a tensor that is neither that nor a parameter, may be what another network gives; torch.nn.DataParallel makes
    such tensors of parameters.
    """
    return (
        all_are_hooked()
        or any(module._forward_hooks or module._forward_pre_hooks for module in modules[1:])
        or any(issubclass(it, Tensor) for it in {type(value) for module in modules for value in vars(module).values()})
        or any(x is not None and x.requires_grad for module in modules for x in module._buffers.values())
        or getattr(parametrize, "_cache_enabled", 0) > 0
    )


class _Slots(list[tuple[dict[str, Any], str]]):
    """Where modules keep their parameters, or their buffers: the dicts, each with a name in it."""

    # Not torch.func.functional_call: it gives tied weights other gradients, and a training step takes a tenth longer.

    def __init__(self, places: Iterable[dict[str, Any]]) -> None:
        super().__init__((place, name) for place in places for name, tensor in place.items() if tensor is not None)

    def tensors(self) -> list[Tensor]:
        return [place[name] for place, name in self]

    @contextmanager
    def holding(self, tensors: Iterable[Tensor]) -> Iterator[None]:
        """Other tensors are there for a while."""
        own = self.tensors()
        self._put(tensors)
        try:
            yield
        finally:
            self._put(own)

    def _put(self, tensors: Iterable[Tensor]) -> None:
        for (place, name), tensor in zip(self, tensors, strict=True):
            place[name] = tensor


class _Call:
    """A call of a node that can be made again: all that it depends on but for its maps and parameters."""

    def __init__(
        self,
        modules: Sequence[nn.Module],
        parameters: _Slots,
        function: Callable[..., Tensor],
        maps: Sequence[Tensor],
    ) -> None:
        self.function = function
        self.maps = len(maps)
        self.modes = [(module, module.training) for module in modules]
        self.parameters = parameters
        self.buffers = _Slots(module._buffers for module in modules)
        self.buffers_before = [buffer.clone() for buffer in self.buffers.tensors()]
        self.random = torch.get_rng_state()
        self.device = maps[0].device.type
        # asking torch for those of no device takes a third of all that is done here
        self.devices, self.device_random = ([], []) if self.device == "cpu" else get_device_states(*maps)
        self.autocast: dict[str, Any] = {
            "device_type": self.device,
            "dtype": torch.get_autocast_dtype(self.device),
            "enabled": torch.is_autocast_enabled(self.device),
            "cache_enabled": torch.is_autocast_cache_enabled(),
        }

    @contextmanager
    def in_its_modes(self) -> Iterator[None]:
        """Each module trains, or does not, as in the first run."""
        others = [module for module, training in self.modes if module.training != training]
        for module in others:
            module.training = not module.training
        try:
            yield
        finally:
            for module in others:
                module.training = not module.training

    @contextmanager
    def first(self) -> Iterator[None]:
        """The first run records nothing for gradients, so autocast must not keep its copies of weights for others."""
        cached = torch.is_autocast_cache_enabled()
        torch.set_autocast_cache_enabled(False)
        try:
            yield
        finally:
            torch.set_autocast_cache_enabled(cached)

    def again(self, maps: Sequence[Tensor], parameters: Sequence[Tensor]) -> Tensor:
        with (
            torch.random.fork_rng(self.devices, device_type=self.device),
            torch.autocast(**self.autocast),
            self.in_its_modes(),
            self.parameters.holding(parameters),
            self.buffers.holding([buffer.clone() for buffer in self.buffers_before]),
        ):
            torch.set_rng_state(self.random)
            set_device_states(self.devices, self.device_random, device_type=self.device)
            return self.function(*maps)


class _Recomputed(torch.autograd.Function):
    """A call as one step of autograd, which keeps nothing but what it is given: the maps and the parameters."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: Tensor) -> Tensor:
        ctx.call = call
        ctx.save_for_backward(*tensors)
        with call.first():
            return call.function(*tensors[: call.maps])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        twice = torch.is_grad_enabled()  # whether gradients of the gradients will be asked for
        # Gradients end at copies; those of ``tensors`` themselves would run the hooks of parameters once too often.
        with torch.enable_grad():
            copies = [
                x.view_as(x) if twice else x.detach().requires_grad_(needed)
                for x, needed in zip(ctx.saved_tensors, ctx.needs_input_grad[1:], strict=True)
            ]
            y = ctx.call.again(copies[: ctx.call.maps], copies[ctx.call.maps :])
        if not y.requires_grad:  # a layer lets no gradient through
            return None, *[None] * len(copies)
        asked = [x for x in copies if x.requires_grad]
        edge = get_gradient_edge(y)
        del y  # a norm's own gradients do not need what it gave
        found = iter(torch.autograd.grad(edge, asked, gradient, allow_unused=True, create_graph=twice))
        return None, *[next(found) if x.requires_grad else None for x in copies]
