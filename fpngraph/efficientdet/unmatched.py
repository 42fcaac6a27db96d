"""What a configuration says of its neck and the graph does not: told once, when a detector is made."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from fpngraph.analysis.shapes import Lowered
from fpngraph.efficientdet.config import Config, operator
from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.writing import flow
from fpngraph.library import describe, load
from fpngraph.ops import Activation, Norm, Operator
from fpngraph.ops.conv import has_bias
from fpngraph.ops.steps import Step

_PACKAGE = f"{__name__.partition('.')[0]}."


class UnmatchedWarning(UserWarning):
    """A graph keeps what it says where the detector's configuration says something else."""


def warn_of_unmatched(config: Config, lowered: Lowered) -> None:
    """Warn of all that the graph of ``config``, which is ``lowered``, has in another way, unless ``match`` is False."""
    if config.match is False:
        return
    loaded = isinstance(config.graph, Graph)
    kept = dict(_kept(config, lowered.graph))
    lacking = {name: line for name, line in _lacking(config, lowered) if name not in {*kept, *config.params}}
    if not (kept or lacking):
        return
    hints = [
        *(["match=True sets its parameters as the configuration says"] if kept else []),
        *([f"it is loaded already, so load it with other {_listed(lacking)}"] if loaded else []),
        *([f"no parameter of it sets {_listed(lacking)}"] if lacking and not loaded else []),
        "match=False takes it as it is, without a warning",
    ]
    message = f"graph {lowered.graph.name!r} is not as configuration {config.name!r} says:"
    lines = [f"  {line}" for line in (*kept.values(), *lacking.values())]
    warnings.warn("\n".join([message, *lines, f"  hint: {'; '.join(hints)}"]), UnmatchedWarning, stacklevel=_outside())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _kept(config: Config, graph: Graph) -> Iterator[tuple[str, str]]:
    """The parameters of a file that the configuration would change, and the graph with them."""
    if isinstance(config.graph, Graph) or config.scales:
        return
    known = describe(config.graph).params
    for name, value in config.wanted().items():
        if name in known and name not in config.params and not _is_same(config, graph, name, value):
            yield name, f"{name} is {flow(known[name])}, not {flow(value)}"


def _is_same(config: Config, graph: Graph, name: str, value: Any) -> bool:
    assert not isinstance(config.graph, Graph)
    try:
        return load(config.graph, **config.params | {name: value}) == graph
    except GraphError:
        return False


def _lacking(config: Config, lowered: Lowered) -> Iterator[tuple[str, str]]:
    """What the nodes have in another way, with the parameter that would set it in a shipped graph."""
    edges = [edge.steps for steps in lowered.nodes.values() for edge in steps.edges]
    ops = [steps.op for steps in lowered.nodes.values()]
    steps = [step for chain in edges + ops for step in chain]
    paddings = {step.site.padding for step in steps} - {config.padding}
    if paddings:
        yield "padding", f"padding is {paddings.pop()}, not {config.padding}"
    if config.ships:  # the norm, activation and biases of a published neck are what makes it that neck
        return
    for kind, name, value in ((Norm, "norm", config.norm), (Activation, "act", config.act)):
        wanted = operator(name, value)
        others = {_operator(step.op): None for step in steps if isinstance(step.op, kind) and step.op != wanted}
        if others:
            yield name, f"{name} is {', '.join(others)}, not {_operator(wanted)}"
    for name, what, chains in (("op", "layers", ops), ("project", "edges", edges)):
        if config.conv_bias and any(_is_without_bias(chain) for chain in chains):
            yield name, f"convolutions of {what} have no bias before a norm, and should have one"


def _is_without_bias(chain: tuple[Step, ...]) -> bool:
    """Whether a convolution right before a norm has no bias."""
    return any(
        isinstance(following.op, Norm) and hasattr(step.op, "bias") and not has_bias(step.op.bias, step.site)
        for step, following in pairwise(chain)
    )


def _operator(op: Operator) -> str:
    settings = op.model_dump(exclude_defaults=True)
    return flow({op.name: settings} if settings else op.name)


def _outside() -> int:
    """The ``stacklevel`` of the caller's line that is not of this package, for the function that calls this."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
