"""What an edited graph keeps of the weights that it had: all of the nodes that are still the same."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from fpngraph.compiler.neck import Neck
from fpngraph.weights.state import StateError, is_state, listed, refuse, uncopyable

Shape = tuple[int, ...]

# The module of a node has the parts edges, fusion and op (fpngraph.layers.node); a node may be called like one of them.
_NODE = re.compile(r"(.+?)\.(?:edges\.\d+\.\d+\.|op\.\d+\.|fusion\.(?!fusion\.|edges\.\d|op\.\d))")


@dataclass(frozen=True)
class Changed:
    """A tensor that is not alike on both sides; the shape is None where there is none."""

    tensor: str
    in_state: Shape | None
    in_module: Shape | None

    def __str__(self) -> str:
        return f"{self.tensor!r} is {_written(self.in_state)}, not {_written(self.in_module)}"


@dataclass(frozen=True)
class Matched:
    """What a module took of a state dict, by the names of nodes, and of modules where there are no nodes.

    ``taken`` have all their tensors from the state dict. ``changed`` are those of other tensors or shapes, ``missing``
    those that it lacks, and these keep the weights that they had; ``unexpected`` are what it has besides.
    """

    taken: tuple[str, ...]
    changed: Mapping[str, tuple[Changed, ...]]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        changed = [f"{name!r} ({tensors[0]})" for name, tensors in self.changed.items()]
        lines = [
            *listed("changed", changed),
            *listed("missing", [repr(name) for name in self.missing]),
            *listed("unexpected", [repr(name) for name in self.unexpected]),
        ]
        return "; ".join([f"{len(self.taken)} taken", *lines])


def load_matching(module: nn.Module, state: Mapping[str, Tensor]) -> Matched:
    """Load every node whose full name and shapes are those in ``state``, a state dict from before an edit of the graph.

    ``module`` is a neck, or contains one: its other parts are loaded module by module in the same way. A node is loaded
    whole or not at all. What its edges read is not compared: a node of the same tensors is the same node.
    Raises StateError, and leaves the module as it was, if ``state`` is no state dict, or has tensors under names of the
    module's that cannot be copied, whatever their shapes: sparse, complex, integer ones and others.
    """
    if not is_state(state):
        found = f"a mapping of {', '.join(map(repr, state))}" if isinstance(state, Mapping) else type(state).__name__
        hint = "torch.load(path, weights_only=True) reads a file; a checkpoint has one as one of its entries"
        raise StateError(f"state is {found}, but must be a state dict, names with a tensor each\n  hint: {hint}")
    unit, wanted = _units(module), module.state_dict()
    refuse("the state dict cannot be loaded", uncopyable(state, wanted))
    ours, theirs = _grouped(wanted, unit), _grouped(state, unit)
    changed = {name: _changes(theirs[name], ours[name]) for name in ours if name in theirs}
    taken = tuple(name for name, changes in changed.items() if not changes)
    module.load_state_dict({name: tensor for it in taken for name, tensor in theirs[it].items()}, strict=False)
    return Matched(
        taken=taken,
        changed={name: changes for name, changes in changed.items() if changes},
        missing=tuple(name for name in ours if name not in theirs),
        unexpected=tuple(name for name in theirs if name not in ours),
    )


def _units(module: nn.Module) -> Callable[[str], str]:
    """From the name of a tensor to what is loaded whole: its node, or its module where it is not in a neck."""
    necks = [f"{name}." if name else "" for name, part in module.named_modules() if isinstance(part, Neck)]

    def unit(tensor: str) -> str:
        for neck in necks:
            node = _NODE.match(tensor, len(neck)) if tensor.startswith(neck) else None
            if node:
                return neck + node[1]
        return tensor.rpartition(".")[0] or tensor

    return unit


def _grouped(state: Mapping[str, Tensor], unit: Callable[[str], str]) -> dict[str, dict[str, Tensor]]:
    groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in state.items():
        groups[unit(name)][name] = tensor
    return dict(groups)


def _changes(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> tuple[Changed, ...]:
    shapes = {name: (_shape(theirs.get(name)), _shape(ours.get(name))) for name in {**ours, **theirs}}
    return tuple(Changed(name, *pair) for name, pair in shapes.items() if pair[0] != pair[1])


def _shape(tensor: Tensor | None) -> Shape | None:
    return None if tensor is None else tuple(tensor.shape)


def _written(shape: Shape | None) -> str:
    return "nothing" if shape is None else str(list(shape))
