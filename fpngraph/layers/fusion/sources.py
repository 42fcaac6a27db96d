"""Fusions whose parameters belong to maps: a state dict says which, so that they stay with their maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn


class OfMaps(nn.Module):
    """A fusion with parameters for each of its maps.

    ``sources`` are the names of the maps, if they are known. They go with a state dict, so that parameters stay those
    of their map when the maps come in another order, and those of other maps are refused.
    """

    sources: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.register_state_dict_post_hook(_tell_sources)  # type: ignore[no-untyped-call]  # torch has no hints here
        self.register_load_state_dict_pre_hook(_order_sources)  # type: ignore[no-untyped-call]  # nor here

    def in_order(self, state: Mapping[str, Tensor], prefix: str, order: Sequence[int]) -> dict[str, Tensor]:
        """Of ``state`` what is this fusion's, as if its maps came in ``order``: first what was the ``order[0]``-th."""
        raise NotImplementedError(type(self).__name__)


def order_of(theirs: Sequence[str], ours: Sequence[str]) -> list[int] | None:
    """Where each of our maps stands among theirs; None if these are not the same maps."""
    return [theirs.index(source) for source in ours] if sorted(theirs) == sorted(ours) else None


def _tell_sources(fusion: OfMaps, _state: object, _prefix: str, metadata: dict[str, Any]) -> None:
    metadata["sources"] = fusion.sources


def _order_sources(
    fusion: OfMaps,
    state: dict[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    _strict: object,
    _missing: object,
    _unexpected: object,
    errors: list[str],
) -> None:
    theirs, ours = tuple(metadata.get("sources", ())), fusion.sources
    own = sorted(name for name in state if name.startswith(prefix))
    if not (theirs and ours) or theirs == ours or not own:
        return
    order = order_of(theirs, ours)
    if order is None:
        errors.append(f"{own[-1]!r} is for maps of {', '.join(theirs)}, not of {', '.join(ours)}")
    else:
        state.update(fusion.in_order(state, prefix, order))
