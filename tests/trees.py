"""Random lists of layers that hold layers, as graph files write them.

All fit where the channels that come in are even, and the node says some. ``norm`` and ``act`` are the node's.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from fpngraph.ops.reading import read_layers

CONVS: tuple[Any, ...] = ("conv", {"conv": {"kernel": 1}}, {"conv": {"kernel": 2}}, "separable_conv")
HALVES: Any = {"concat": [[{"slice": {"index": 0}}, "act"], [{"slice": {"index": 1}}]]}
SLICES: tuple[Any, ...] = ([], [], [{"slice": {"index": 1}}], [{"slice": {"start": 0, "channels": 2}}])


def fits(layers: list[Any]) -> bool:
    """Whether it has no more layers than a list may have."""
    try:
        read_layers(layers)
    except PydanticCustomError:
        return False
    return True


# drawn step by step: a strategy of strategies is as large as all that it can give
@st.composite
def keeping(draw: st.DrawFn, depth: int = 3) -> list[Any]:
    """A list that gives as many channels as it takes, whatever its place wants."""
    return [draw(_keeping(depth)) for _ in range(draw(st.integers(0, 3)))]


@st.composite
def closed(draw: st.DrawFn, depth: int = 3) -> list[Any]:
    """A list that ends with a convolution, which gives what its place wants."""
    layers = [draw(_any(depth)) for _ in range(draw(st.integers(0, 3)))]
    return [*layers, *draw(st.sampled_from(SLICES)), draw(st.sampled_from(CONVS))]


@st.composite
def branches(draw: st.DrawFn, depth: int = 3, *, equal: bool) -> list[Any]:
    """Lists for a composite of branches; with ``equal`` they give equal channels."""
    kinds = [draw(st.sampled_from((keeping, closed)))] if equal else [keeping, closed]
    return [draw(draw(st.sampled_from(kinds))(depth)) for _ in range(draw(st.integers(2, 3)))]


@st.composite
def _keeping(draw: st.DrawFn, depth: int) -> Any:
    kind = draw(
        st.sampled_from(("act", "norm", "halves", "residual", "sum", "repeat", "list") if depth else ("act", "norm"))
    )
    if kind == "halves":
        return HALVES
    if kind == "residual":
        return {"residual": draw(closed(depth - 1) | keeping(depth - 1))}
    if kind == "sum":
        return {"sum": [draw(keeping(depth - 1)), draw(keeping(depth - 1))]}
    if kind == "repeat":
        return draw(_repeat(keeping(depth - 1), "last"))
    return draw(keeping(depth - 1)) if kind == "list" else kind


@st.composite
def _any(draw: st.DrawFn, depth: int) -> Any:
    kind = draw(st.sampled_from(("conv", "keeping", "concat", "sum", "repeat") if depth else ("conv", "keeping")))
    if kind == "concat":
        return {"concat": draw(branches(depth - 1, equal=False))}
    if kind == "sum":
        return {"sum": [draw(closed(depth - 1)), draw(closed(depth - 1))]}
    if kind == "repeat":
        return draw(_repeat(closed(depth - 1), "all"))
    return draw(st.sampled_from(CONVS) if kind == "conv" else _keeping(depth))


@st.composite
def _repeat(draw: st.DrawFn, layers: st.SearchStrategy[list[Any]], keep: str) -> Any:
    said = {"times": draw(st.integers(0, 2)), "layers": draw(layers)}
    return {"repeat": said | ({"keep": keep} if keep == "all" or draw(st.booleans()) else {})}
