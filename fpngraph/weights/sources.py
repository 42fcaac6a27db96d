"""Weights of other libraries' necks for the same necks built from a graph."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor

from fpngraph.compiler.neck import Neck
from fpngraph.errors import nearest
from fpngraph.language.grammar.tokens import Reason
from fpngraph.weights import settings
from fpngraph.weights.state import StateError, differences, is_state, listed, refuse, uncopyable
from fpngraph.weights.tables import Table, read_table, shipped_tables

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Carried:
    """What ``load_from`` did, by the names of tensors: ours for ``taken`` and ``missing``, theirs for ``unused``."""

    taken: tuple[str, ...]
    missing: tuple[str, ...]
    """Those that keep the weights that they had."""
    unused: tuple[str, ...]
    """What the state dict has besides the neck."""

    def __str__(self) -> str:
        lines = [*listed("missing", list(map(repr, self.missing))), *listed("unused", list(map(repr, self.unused)))]
        return "; ".join([f"{len(self.taken)} taken", *lines])


def load_from(  # noqa: PLR0913  (each says something else)
    neck: Neck,
    state: Mapping[str, Tensor],
    source: str,
    *,
    prefix: str = "",
    config: Any = None,
    table: str | os.PathLike[str] | Table | None = None,
    missing: Literal["error", "init"] = "error",
) -> Carried:
    """Load the weights that another library's neck has into the same neck built from a graph: all, or none.

    ``state`` is the state dict of that neck, or of a whole model in which its names begin with ``prefix``. ``source``
    says whose they are: ``torchvision.FeaturePyramidNetwork``, ``mmdet.PAFPN`` and so on. ``table`` names a file of
    names, where the graph is none that comes with the package. ``config`` has the settings of their neck, where tensors
    do not tell what it does: those alone or a whole configuration, a mapping or an object with a ``to_dict``. With
    ``missing="init"`` tensors of ours that the source lacks, of nodes that somebody has added, keep what they have.
    Raises StateError, and changes nothing, where a tensor of ours has no counterpart of the same shape, where one of
    their neck is left over, and for a source that nobody knows; GraphError for a table that is wrong.

    >>> fpn = torchvision.ops.FeaturePyramidNetwork([256, 512, 1024, 2048], 256)
    >>> neck = fpngraph.build(fpngraph.load("fpn", max=5), [256, 512, 1024, 2048])
    >>> print(fpngraph.load_from(neck, fpn.state_dict(), "torchvision.FeaturePyramidNetwork"))
    16 taken
    """
    if missing not in ("error", "init"):
        raise ValueError(f"missing is {missing!r}, but must be 'error' or 'init'")
    if not is_state(state):
        raise StateError(f"state is a {type(state).__name__}, but must be a state dict, names with a tensor each")
    chosen = table_for(neck, source, table)
    settings.check(neck.source_graph, chosen, neck.state_dict(), config)
    names = names_of(neck, chosen, prefix, state)
    return _Carrier(neck, state, chosen, prefix, names).carry(anew=missing == "init")


@dataclass
class _Carrier:
    """Weights on their way from a state dict to a neck."""

    neck: Neck
    state: Mapping[str, Tensor]
    table: Table
    prefix: str
    names: Mapping[str, Sequence[str]]
    """Our tensors, and what they call each."""

    def carry(self, *, anew: bool) -> Carried:
        """Load all. ``anew``: what the state dict lacks stays as it is. Raises StateError."""
        state, wanted = self.state, self.neck.state_dict()
        there = {name: theirs for name, theirs in self.names.items() if all(it in state for it in theirs)}
        absent = [name for name in wanted if name not in there and not name.endswith(_COUNTER)]
        used = {it: wanted[name] for name, theirs in there.items() for it in theirs}
        rest = [name for name in state if name not in used]
        what = f"the weights of {self.table.source!r} do not fit graph {self.neck.source_graph.name!r}"
        problems = [
            *(() if anew else _lacking(absent, self.names)),
            *listed("of theirs without a counterpart", [repr(name) for name in rest if self._is_of_neck(name)]),
            *uncopyable({name: state[name] for name in used}, used),
            *listed("that cannot be joined", list(_unjoinable(there.values(), state))),
        ]
        refuse(what, problems)
        found = {name: _joined([state[it] for it in theirs]) for name, theirs in there.items()}
        refuse(what, differences(found, {name: wanted[name] for name in found}))
        self.neck.load_state_dict(found, strict=False)
        return Carried(tuple(found), tuple(absent), tuple(rest))

    def _is_of_neck(self, name: str) -> bool:
        """Whether a tensor of theirs belongs to the neck, but for counters of batches."""
        found = self._begins.match(name)
        if found is None or name.endswith(_COUNTER):
            return False
        number = next((int(it) for it in found.groups() if it), None)
        return not self.table.rows or number is None or number in self._rows

    @cached_property
    def _begins(self) -> re.Pattern[str]:
        """How a name of their neck begins; the groups are the numbers in it."""
        roots = [re.sub(r"\\\{[^}]*\\\}", "([0-9]+)", re.escape(root)) for root in self.table.roots()]
        return re.compile(re.escape(self.prefix) + ("" if self.table.whole else f"(?:{'|'.join(roots)})\\."))

    @cached_property
    def _rows(self) -> range:
        """The rows of a whole model from the first to the last of the neck."""
        found = [self._begins.match(it) for theirs in self.names.values() for it in theirs]
        rows = [int(it) for match in found if match for it in match.groups() if it]
        return range(min(rows, default=0), max(rows, default=-1) + 1)


def table_for(neck: Neck, source: str, table: str | os.PathLike[str] | Table | None = None) -> Table:
    """The table of a source for the graph of a neck."""
    if table is not None:
        return table if isinstance(table, Table) else read_table(table)
    tables = shipped_tables()
    of_source = [it for it in tables if it.source == source]
    if not of_source:
        hint = nearest(str(source), sorted({it.source for it in tables}))
        raise StateError(f"there is no table of names for the source {source!r}\n  hint: {hint}")
    graph = neck.source_graph.name
    fitting = [it for it in of_source if it.graph in (graph, None)]
    if not fitting:
        known = ", ".join(repr(it.graph) for it in of_source)
        raise StateError(
            f"the source {source!r} has no names for the graph {graph!r}\n  hint: it has them for {known}; "
            "'table' names a file with those of your own"
        )
    return next((it for it in fitting if it.graph == graph), fitting[0])


def _variables(neck: Neck) -> Mapping[str, int]:
    """What expressions in a table may read besides numbers of our name: the finest and the coarsest input's level."""
    levels = [entry.level for entry in neck.source_graph.inputs.values()]
    return {"min": min(levels), "max": max(levels)}


def names_of(
    neck: Neck, table: Table, prefix: str = "", state: Mapping[str, Tensor] = MappingProxyType({})
) -> dict[str, Sequence[str]]:
    """Our tensors, and what they call each, where several rules are for one in the way that ``state`` has it.

    Raises StateError where two rules say something else of one and not one of them is of ``state``.
    """
    rules, variables = table.rules(), _variables(neck)
    names: dict[str, Sequence[str]] = {}
    for name in neck.state_dict():
        try:
            said = [theirs for rule in rules if (theirs := rule.theirs(name, variables)) is not None]
        except Reason as reason:
            raise StateError(f"table of {table.source!r}: {name!r} cannot be named: {reason}") from None
        found = list(dict.fromkeys(tuple(prefix + it for it in theirs) for theirs in said))
        there = [theirs for theirs in found if all(it in state for it in theirs)]
        if len(found) > 1 and len(there) != 1 and not name.endswith(_COUNTER):
            raise StateError(f"table of {table.source!r}: {name!r} is called {found[0][0]!r} and {found[1][0]!r}")
        if found:
            names[name] = (there or found)[0]
    return names


def _lacking(absent: Sequence[str], names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    unknown = [repr(name) for name in absent if name not in names]
    missing = [f"{name!r} (theirs is {' and '.join(map(repr, names[name]))})" for name in absent if name in names]
    yield from listed("of ours that the table does not name", unknown)
    yield from listed("missing", missing)


def _unjoinable(names: Iterable[Sequence[str]], state: Mapping[str, Tensor]) -> Iterator[str]:
    """Tensors of theirs that differ in more than the first axis, though one of ours is all of them."""
    for theirs in names:
        shapes = [list(state[it].shape) for it in theirs]
        if any(shape[1:] != shapes[0][1:] or len(shape) != len(shapes[0]) for shape in shapes):
            yield f"{' and '.join(map(repr, theirs))} are {' and '.join(map(str, shapes))}"


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    """One of several along their first axis. Counters, which have none, count the same."""
    return torch.cat(list(tensors)) if len(tensors) > 1 and tensors[0].ndim else tensors[0]
