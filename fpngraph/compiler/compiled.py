"""What a graph compiles to: a torch.fx GraphModule with a forward that is written for it."""

from __future__ import annotations

import copy
from typing import Any, Self

from torch import fx

from fpngraph.drawing import draw
from fpngraph.drawing.formats import svg
from fpngraph.graph.graph import Graph


class Compiled(fx.GraphModule):
    """Feature maps in, feature maps out, by a forward that is written for the graph: ``code`` has it as Python text.

    Copies and pickles have it written anew. An output that is an input of the graph is the caller's own tensor.
    """

    source_graph: Graph
    """What it was compiled from (``graph`` is torch's name for the fx graph)."""
    in_channels: dict[str, int]
    """By input name."""
    out_channels: dict[str, int]
    """By output name."""
    out_strides: dict[str, int]
    """By output name."""

    def _write(self) -> fx.Graph:
        """The forward, from attributes that are no modules."""
        raise NotImplementedError(type(self).__name__)

    def __prepare_scriptable__(self) -> None:
        """What torch.jit.script asks a module, or a module within it, for first."""
        raise TypeError(
            "torch.jit.script cannot compile a neck\n"
            "  hint: torch.jit.trace makes TorchScript of it; torch.export and 'fpngraph export' make other programs"
        )

    def _repr_svg_(self) -> str:
        """The diagram of its graph, for notebooks."""
        return svg.write(draw(self.source_graph, in_channels=self.in_channels))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]  # torch has no hints for it
        del state["_graph"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # as above
        self.graph = self._write()

    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (type(self).__base__,), self.__getstate__()

    def __copy__(self) -> Self:
        neck: Self = _blank(type(self).__base__)
        neck.__setstate__(self.__getstate__())
        return neck

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        neck: Self = _blank(type(self).__base__)
        memo[id(self)] = neck
        memo[id(self.source_graph)] = self.source_graph  # it never changes
        neck.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return neck


def _blank(kind: Any) -> Any:
    """A neck with nothing in it yet, for ``__setstate__``."""
    neck = kind.__new__(kind)
    type(neck).__name__ = kind.__name__  # every GraphModule is the only instance of a class of its own
    return neck
