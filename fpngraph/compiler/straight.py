"""Straight code of a fused neck for images of given sizes: recorded once for maps of a shape, then run for all of them.

A neck whose modules have changed since is recorded anew. Whatever the code cannot be for runs as it does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from fpngraph.compiler.recorder import Run, UnrecordableError, record
from fpngraph.compiler.runtime import Features, coarser
from fpngraph.errors import first_line
from fpngraph.feature import Size
from fpngraph.graph.graph import Graph
from fpngraph.inference.classes import full_name
from fpngraph.inference.folding import changed
from fpngraph.layers.tracing import all_are_hooked, has_storage

if TYPE_CHECKING:
    from fpngraph.compiler.compiled import Compiled

ImageSizes: TypeAlias = "Sequence[tuple[int, int]]"
"""Height and width in pixels."""
Forward: TypeAlias = "Callable[[Any, Features], Any]"
_Key: TypeAlias = "tuple[tuple[Any, ...], ...]"
_KEPT = 32  # of shapes, batches, types and layouts together, so that batches of any size fill no memory
_KNOWN = ("fpngraph", "torch", "torchvision", "timm")  # whose layers decide by sizes alone


def checked(image_sizes: object) -> tuple[tuple[int, int], ...]:
    """The sizes as pairs of numbers. Raises TypeError and ValueError."""
    example = "image_sizes is a list of (height, width) in pixels, such as [(512, 512)]"
    if not isinstance(image_sizes, Sequence) or isinstance(image_sizes, str):
        raise TypeError(f"{example}, not {image_sizes!r}")
    for size in image_sizes:
        whole = isinstance(size, Sequence) and all(isinstance(side, int) for side in size)
        if isinstance(size, str) or not whole or len(size) != 2:
            raise TypeError(f"{example}, but it has {size!r}")
        if min(size) < 1:
            raise ValueError(f"{example}, but it has {tuple(size)}; a side has a pixel or more")
    return tuple(dict.fromkeys((size[0], size[1]) for size in image_sizes))


class Straight:
    """The straight code of one fused neck, by the shapes, strides, types and devices of its maps."""

    def __init__(self, graph: Graph, image_sizes: ImageSizes) -> None:
        self.names, self.outputs = tuple(graph.inputs), tuple(graph.outputs)
        self.sizes = {_sides(graph, image) for image in image_sizes}
        self.kept: _Kept | None = None

    def __call__(self, neck: Compiled, general: Forward, features: Features) -> Any:
        """What ``general(neck, features)`` gives."""
        maps = self._maps(features)
        run = self._run(neck, general, maps) if maps else None
        if run is None:
            return general(neck, features)
        outputs = run(*maps)
        return dict(zip(self.outputs, outputs, strict=True)) if isinstance(features, Mapping) else list(outputs)

    def require(self, neck: Compiled, general: Forward) -> None:
        """Make the code for one image of each size. Raises ValueError with the reason where there is none."""
        like = next(neck.parameters(), torch.empty(0))
        for sizes in self.sizes:
            shapes = [(1, channels, *size) for channels, size in zip(neck.in_channels.values(), sizes, strict=True)]
            maps = [torch.empty(shape, dtype=like.dtype, device=like.device) for shape in shapes]
            self.kept = self.kept or _Kept(neck)
            try:
                self.kept.runs[_key(maps)] = _recorded(neck, general, maps)
            except UnrecordableError as error:
                raise ValueError(
                    f"this neck has no form for given sizes: {error}\n  hint: fuse it without 'image_sizes'"
                ) from error

    def _maps(self, features: Features) -> list[Tensor]:
        """The maps in the order of the inputs; none if they are others than the code may be for."""
        maps: list[Tensor] = []
        if isinstance(features, Mapping):
            maps = list(features.values()) if tuple(features) == self.names else []
        elif isinstance(features, Sequence):
            maps = list(features) if len(features) == len(self.names) else []
        if not all(type(x) is Tensor and x.dim() == 4 and x.is_floating_point() and has_storage(x) for x in maps):
            return []
        recorded = tuple(x.shape[2:] for x in maps) in self.sizes and not (
            all_are_hooked()
            or torch.is_autocast_enabled(maps[0].device.type)
            or (torch.is_grad_enabled() and any(x.requires_grad for x in maps))
        )
        return maps if recorded else []

    def _run(self, neck: Compiled, general: Forward, maps: Sequence[Tensor]) -> Run | None:
        """The code for ``maps``, made if it is not there; None where there is a reason against it."""
        kept, key = self.kept, _key(maps)
        if kept is None or not kept.is_of(neck):
            if not all(map(has_storage, neck.parameters())):
                return None
            self.kept = kept = _Kept(neck)
        if key not in kept.runs:
            if len(kept.runs) == _KEPT:
                return None
            try:
                kept.runs[key] = _recorded(neck, general, maps)
            except UnrecordableError:
                kept.runs[key] = None
        return kept.runs[key]


class _Kept:
    """What was recorded of a neck, as long as its modules are as they were then."""

    def __init__(self, neck: Compiled) -> None:
        self.runs: dict[_Key, Run | None] = {}
        self.children = dict(neck._modules)
        modules = [module for module in neck.modules() if module is not neck]
        self.attributes = [(vars(module), _copied(vars(module))) for module in modules]
        places = [place for module in modules for place in (module._parameters, module._buffers)]
        self.tensors = [
            (place, name, x.detach(), x.requires_grad) for place in places for name, x in place.items() if x is not None
        ]

    def is_of(self, neck: Compiled) -> bool:
        """Whether each module has the attributes, hooks and tensors that it had; values in tensors may be others."""
        try:
            return (
                neck._modules == self.children
                and all(now == before for now, before in self.attributes)
                and all(_is_as(place[name], before, learns) for place, name, before, learns in self.tensors)
            )
        except (RuntimeError, ValueError):  # another tensor or array: there is no one answer whether two are equal
            return False


def _sides(graph: Graph, image: tuple[int, int]) -> tuple[tuple[int, ...], ...]:
    """Height and width of each input's map for an image of this size."""
    return tuple(coarser(Size(*image), entry.level) for entry in graph.inputs.values())


def _copied(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, dict) else value for name, value in attributes.items()}


def _is_as(x: Tensor | None, before: Tensor, learns: bool) -> bool:
    """Whether a tensor is where it was and lies there as it did: of one storage, a transposed weight is another."""
    if x is None or x.requires_grad != learns:
        return False
    return x.is_set_to(before) and x.dtype == before.dtype


def _key(maps: Sequence[Tensor]) -> _Key:
    return tuple((x.shape, x.stride(), x.dtype, x.device) for x in maps)


def _recorded(neck: Compiled, general: Forward, maps: Sequence[Tensor]) -> Run:
    """The code for ``maps``, once it is found to give what the neck does. Raises UnrecordableError."""
    _check(neck)
    # under autocast the code would have its casts for ever
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(maps[0].device.type, enabled=False):
        weights = [*neck.parameters(), *neck.buffers()]
        run = record(lambda given: general(neck, given), _examples(maps, seed=0), weights)
        others = _examples(maps, seed=1)
        expected = general(neck, others)
        try:
            got = run(*others)
        except (RuntimeError, TypeError, ValueError) as error:
            raise UnrecordableError(f"run again it stops: {first_line(error)}") from error
    if not all(_is_close(y, z) for y, z in zip(got, expected, strict=True)):
        raise UnrecordableError("run again it gives something else")
    return run


def _is_close(y: Tensor, z: Tensor) -> bool:
    """Whether two maps are equal but for rounding: not on every device a kernel gives the same bits twice."""
    alike = (y.shape, y.stride(), y.dtype) == (z.shape, z.stride(), z.dtype)
    tolerance = 100 * torch.finfo(z.dtype).eps
    return alike and torch.allclose(y, z, rtol=tolerance, atol=tolerance, equal_nan=True)


def _examples(maps: Sequence[Tensor], *, seed: int) -> list[Tensor]:
    """Random maps that lie as ``maps`` do."""
    generator = torch.Generator("cpu").manual_seed(seed)
    found = []
    for x in maps:
        length = 1 + sum((side - 1) * stride for side, stride in zip(x.shape, x.stride(), strict=True))
        # by its name, for torch's default device may be another
        values = torch.randn(max(length, 0), generator=generator, device="cpu").to(x.device, x.dtype)
        found.append(values.as_strided(x.shape, x.stride()))
    return found


def _check(neck: Compiled) -> None:
    """Raises UnrecordableError where a module may decide by more than sizes, or its weights have gradients."""
    if all_are_hooked():
        raise UnrecordableError("all modules have a hook (torch.nn.modules.module.register_module_...)")
    for path, module in neck.named_modules():
        if module is neck:
            continue
        if reason := changed(module):
            raise UnrecordableError(f"{path!r} {reason}")
        if type(module).__module__.partition(".")[0] not in _KNOWN:
            raise UnrecordableError(f"{path!r} is a {full_name(type(module))}, which may decide by more than sizes")
    for path, weight in neck.named_parameters():
        if weight.requires_grad:
            raise UnrecordableError(f"{path!r} has gradients")
