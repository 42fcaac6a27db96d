"""Which entry of another library's state dict goes to which of ours: the nodes are named, the rest is order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

Theirs = str | Sequence[str]


def pairs(ours: nn.Module, theirs: nn.Module, nodes: Mapping[str, Theirs]) -> dict[str, str]:
    """Their entry by ours, for modules of theirs by node of ours: ``{"M5": "lateral_convs.3"}``.

    A node of ours may take several modules; their entries, in the order given, are those of the node in the order of
    its state dict, which is that of its edges, its fusion and its op. Nothing is left over on either side.
    """
    our_shapes, their_shapes = _shapes(ours), _shapes(theirs)
    found: dict[str, str] = {}
    for node, modules in nodes.items():
        mine = _under(node, our_shapes)
        named = [modules] if isinstance(modules, str) else modules
        others = [name for module in named for name in _under(module, their_shapes)]
        listed = f"{node} has {_listed(mine, our_shapes)}, {modules} has {_listed(others, their_shapes)}"
        assert [our_shapes[name] for name in mine] == [their_shapes[name] for name in others], listed
        found |= zip(mine, others, strict=True)
    assert set(our_shapes) - set(found) == set(), "entries of ours without one of theirs"
    assert sorted(found.values()) == sorted(their_shapes), "entries of theirs that are in no node, or in two"
    return found


def carry(ours: nn.Module, theirs: nn.Module, names: Mapping[str, str]) -> None:
    """Give ``ours`` the weights of ``theirs``, by the names of :func:`pairs`."""
    state = theirs.state_dict()
    ours.load_state_dict(ours.state_dict() | {name: state[other] for name, other in names.items()})


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Factors of fusions, which are constants, are in our state dicts as extra state."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, Tensor) and not name.endswith("_extra_state")
    }


def _under(prefix: str, names: Mapping[str, object]) -> list[str]:
    return [name for name in names if name == prefix or name.startswith(f"{prefix}.")]


def _listed(names: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shapes[name]}" for name in names) or "nothing"
