"""What an edited graph keeps of the weights that it had: every tensor that is still there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from fpngraph.layers.fusion.sources import OfMaps, order_of
from fpngraph.layers.fusion.weighted import Weighted
from fpngraph.weights.state import StateError, is_state, listed, refuse, uncopyable

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Changed:
    """A tensor that has another shape in the state dict than in the module."""

    tensor: str
    in_state: Shape
    in_module: Shape

    def __str__(self) -> str:
        return f"{self.tensor!r} is {list(self.in_state)}, not {list(self.in_module)}"


@dataclass(frozen=True)
class Matched:
    """What a module took of a state dict, by the names of tensors.

    ``taken`` have the values of the state dict. ``changed`` have another shape there, ``missing`` are not there, and
    both keep the values that they had; ``unexpected`` are what the state dict has besides. The weight that a fusion has
    for one of its maps is called after it, ``P4.fusion.weight[C4]``, where maps have come or gone.
    """

    taken: tuple[str, ...]
    changed: tuple[Changed, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            *listed("changed", list(map(str, self.changed))),
            *listed("missing", list(map(repr, self.missing))),
            *listed("unexpected", list(map(repr, self.unexpected))),
        ]
        told = "; ".join([f"{len(self.taken)} taken", *lines])
        return f"{told}\n  hint: {self.hint}" if self.hint else told

    @property
    def hint(self) -> str:
        """What to do about the likeliest reason why tensors are left; empty where nobody knows one."""
        if any("class_net." in name for name in self.unexpected):
            return (
                "it has the names of effdet: fpngraph.efficientdet.load_effdet takes it into a detector with the neck "
                "that it is of, whose state_dict() is taken here"
            )
        biases = [name for name in self.unexpected if name.endswith(".bias")]
        lost = [name for name in biases if f"{name.removesuffix('bias')}weight" in self.taken]
        if lost:
            return (
                f"{len(lost)} of the unexpected are biases of convolutions that have none in this graph: 'bias: true' "
                "gives them one, as in {separable_conv: {bias: true}} and in project: {bias: true}"
            )
        return ""


def load_matching(module: nn.Module, state: Mapping[str, Tensor]) -> Matched:
    """Load every tensor whose name and shape are those in ``state``, a state dict from before an edit of the graph.

    ``module`` is a neck, or any module. A name says the node, the source of an edge and the layer, so that what an edit
    has not touched is found again. Of a fusion's weights each is that of its map, if ``state`` came from ``state_dict``
    and still knows their order (a file of safetensors does not).
    Raises StateError, and leaves the module as it was, if ``state`` is no state dict, or has tensors under names of the
    module's that cannot be copied, whatever their shapes: sparse, complex, integer ones and others.

    >>> neck = fpngraph.build(fpngraph.load("bifpn"), [40, 112, 320])
    >>> wider = fpngraph.build(fpngraph.load("bifpn", repeats=4), [40, 112, 320])
    >>> print(fpngraph.load_matching(wider, neck.state_dict()).changed)
    ()
    """
    if not is_state(state):
        found = f"a mapping of {', '.join(map(repr, state))}" if isinstance(state, Mapping) else type(state).__name__
        hint = "torch.load(path, weights_only=True) reads a file; a checkpoint has one as one of its entries"
        raise StateError(f"state is {found}, but must be a state dict, names with a tensor each\n  hint: {hint}")
    wanted = module.state_dict()
    refuse("the state dict cannot be loaded", uncopyable(state, wanted))
    state = _in_order(module, state)
    found_of_maps = dict(_weights_of_maps(module, state))
    theirs = {name: found_of_maps[name].tensor if name in found_of_maps else x for name, x in state.items()}
    shapes = {name: (tuple(theirs[name].shape), tuple(ours.shape)) for name, ours in wanted.items() if name in theirs}
    alike = [name for name, (in_state, in_module) in shapes.items() if in_state == in_module]
    taken = tuple(name for name in alike if name not in found_of_maps or found_of_maps[name].kept)
    module.load_state_dict({name: theirs[name] for name in taken}, strict=False)
    return Matched(
        taken=taken,
        changed=tuple(Changed(name, *pair) for name, pair in shapes.items() if name not in alike),
        missing=(
            *(name for name in wanted if name not in theirs),
            *(one for weights in found_of_maps.values() for one in weights.missing),
        ),
        unexpected=(
            *(name for name in theirs if name not in wanted),
            *(one for weights in found_of_maps.values() for one in weights.unexpected),
        ),
    )


def _in_order(module: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The state dict with the layers that a fusion has for each of its maps in the order of our maps.

    Those of other maps are left out: what they make of all maps together has no part that belongs to one.
    """
    metadata: Mapping[str, Any] = getattr(state, "_metadata", {})
    for path, fusion in module.named_modules(remove_duplicate=False):
        theirs = tuple(metadata.get(path, {}).get("sources", ()))
        if not isinstance(fusion, OfMaps) or isinstance(fusion, Weighted) or theirs in ((), fusion.sources):
            continue
        order, prefix = order_of(theirs, fusion.sources), f"{path}."
        others = {name: x for name, x in state.items() if order or not name.startswith(prefix)}
        state = others | (fusion.in_order(state, prefix, order) if order else {})
    return state


@dataclass(frozen=True)
class _Weights:
    """A fusion's weights with those of a state dict, map by map; and the maps that only one side has."""

    tensor: Tensor
    kept: bool
    """Whether both sides have one of the maps."""
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def _weights_of_maps(module: nn.Module, state: Mapping[str, Tensor]) -> Iterator[tuple[str, _Weights]]:
    """The weights of fusions for which the state dict says which maps they are for."""
    metadata: Mapping[str, Any] = getattr(state, "_metadata", {})
    for path, fusion in module.named_modules(remove_duplicate=False):
        name = f"{path}.weight"
        theirs = tuple(metadata.get(path, {}).get("sources", ()))
        if not isinstance(fusion, Weighted) or not fusion.sources or name not in state:
            continue
        if state[name].shape != (len(theirs),):
            continue
        ours, tensor = fusion.sources, fusion.weight.detach().clone()
        kept = [source for source in ours if source in theirs]
        for source in kept:
            tensor[ours.index(source)] = state[name][theirs.index(source)]
        missing, unexpected = (
            tuple(f"{name}[{source}]" for source in sources if source not in kept) for sources in (ours, theirs)
        )
        yield name, _Weights(tensor, bool(kept), missing, unexpected)
