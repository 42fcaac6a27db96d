"""effdet's checkpoints, however they were wrapped, as the state dict of its model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from fpngraph.weights.state import StateError, is_state, listed, read_content

_PLAIN = ("state_dict", "model")
_AVERAGED = ("state_dict_ema", "model_ema")
_MARK = "class_net."
_ANCHORS = "anchors.boxes"  # of effdet's benches, which work them out anew


def read_checkpoint(source: str | os.PathLike[str] | Mapping[str, Any], *, ema: bool | None) -> dict[str, Tensor]:
    """The state dict of ``effdet.EfficientDet`` in a checkpoint.

    ``source`` is a file or what one holds: a state dict, or a training checkpoint with one in it. ``ema`` chooses the
    averaged weights of a checkpoint or the plain ones; None takes the averaged ones where there are any.
    Raises OSError and StateError as ``fpngraph.weights.state.read_content``, and StateError for other content.
    """
    if isinstance(source, Mapping):
        return _unwrapped(_chosen(source, ema, "the state dict"))
    return _unwrapped(_chosen(read_content(source), ema, repr(os.fspath(source))))


def _chosen(content: Any, ema: bool | None, what: str) -> Mapping[str, Tensor]:
    """The state dict in a checkpoint, or the content itself if it is one."""
    wanted = {True: _AVERAGED, False: _PLAIN, None: _AVERAGED + _PLAIN}[ema]
    entries = content if isinstance(content, Mapping) else {}
    for name in wanted:
        if is_state(entries.get(name)):
            return entries[name]  # type: ignore[no-any-return]  # as just found
    if is_state(content) and not ema:
        return content  # type: ignore[no-any-return]  # as just found
    if ema:
        raise StateError(f"{what} has no averaged weights\n  hint: ema=False takes those that it has")
    found = next(listed("entries", [repr(name) for name in entries]), f"a {type(content).__name__}")
    places = ", ".join(map(repr, wanted))
    raise StateError(f"{what} holds no state dict, names with a tensor each, itself or as {places}, but {found}")


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the names of the modules around the model, and without the anchors."""
    prefix = next((name.partition(_MARK)[0] for name in state if _MARK in name), "")
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if not (name.endswith(_ANCHORS) and prefix.startswith(name.removesuffix(_ANCHORS)))
    }
