"""Two graphs side by side: which they are, and what changed, as text and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fpngraph.analysis.changes import Changes, edge_words
from fpngraph.analysis.costs import Costs, NodeCost, written
from fpngraph.analysis.wording import in_words
from fpngraph.cli.graphs import Choice
from fpngraph.cli.messages import wants_colours
from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.writing import flow

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "~": "\x1b[33m"}
_PLAIN = "\x1b[0m"
_NEW, _GONE, _CHANGED = "+ ", "- ", "~ "


@dataclass(frozen=True, slots=True)
class Compared:
    """Two graphs, what changed from one to the other, and what each costs where the channels are known."""

    names: tuple[str, str]
    changes: Changes
    costs: tuple[Costs, Costs] | None

    def cost(self, side: int, node: str) -> NodeCost | None:
        return self.costs[side].nodes.get(node) if self.costs else None

    @property
    def costlier(self) -> tuple[str, ...]:
        """Nodes that both have, with other channels, parameters or MACs."""
        both = [name for name in self.changes.after.nodes if name in self.changes.before.nodes]
        return tuple(name for name in both if _numbers(self.cost(0, name)) != _numbers(self.cost(1, name)))


def compared(one: Choice, other: Choice, graphs: tuple[Graph, Graph], costs: tuple[Costs, Costs] | None) -> Compared:
    """Two graphs that were loaded."""
    from fpngraph.analysis.changes import changes

    return Compared((_called(one), _called(other)), changes(*graphs), costs)


def _called(choice: Choice) -> str:
    said = [choice.preset] if choice.preset else []
    said += [f"{name}={flow(value)}" for name, value in choice.params.items()]
    return f"{choice.called}@{','.join(said)}" if said else choice.called


def _numbers(cost: NodeCost | None) -> dict[str, int | None]:
    if cost is None:
        return {}
    return {"channels": cost.feature.channels, "parameters": cost.parameters, "macs": cost.macs}


def print_text(found: Compared) -> None:
    """A line per change, coloured on a terminal."""
    colours = wants_colours(sys.stdout)
    for line in _lines(found):
        colour = _COLOURS.get(line.lstrip()[:1]) if colours else None
        print(f"{colour}{line}{_PLAIN}" if colour else line)


def _lines(found: Compared) -> Iterator[str]:
    changes = found.changes
    yield f"{found.names[0]} -> {found.names[1]}"
    if changes.none and not found.costlier:
        yield "no difference: both compute the same under the same names"
    for name, levels in changes.inputs.items():
        yield _line(f"input {name}", *(None if level is None else f"level {level}" for level in levels))
    for name in changes.gone:
        yield f"{_GONE}node {_node(changes.before, name, found.cost(0, name))}"
    for name in changes.new:
        yield f"{_NEW}node {_node(changes.after, name, found.cost(1, name))}"
    for lines, names in _alike(found):
        yield f"{_CHANGED}node{'s' * (len(names) > 1)} {', '.join(names)}"
        yield from (f"    {line}" for line in lines)
    for name, sources in changes.outputs.items():
        yield _line(f"output {name}", *sources)
    for what, orders in changes.orders.items():
        yield _line(f"order of {what}", *orders)
    yield from _summary(found)


def _alike(found: Compared) -> Iterable[tuple[tuple[str, ...], list[str]]]:
    """What changed in nodes, with the nodes in which just that changed; names of their own run are short."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys([*found.changes.nodes, *found.costlier]):
        run = name.removesuffix(found.changes.after.nodes[name].member)
        lines = tuple(line.replace(f"from {run}", "from ") if run else line for line in _of_node(found, name))
        groups.setdefault(lines, []).append(name)
    return groups.items()


def _line(what: str, before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return f"{_NEW if before is None else _GONE}{what}: {after or before}"
    return f"{_CHANGED}{what}: {before} -> {after}"


def _node(graph: Graph, name: str, cost: NodeCost | None) -> str:
    node = graph.nodes[name]
    words = [
        f"level {node.level}",
        f"{node.fusion.name} of {', '.join(edge_words(graph, node, it) for it in node.edges)}",
    ]
    words += [f"op {', '.join(map(in_words, node.op))}"] if node.op else []
    if cost:
        words.append(f"{written(cost.parameters)} parameters, {written(cost.macs)} MACs")
    return f"{name}: {'; '.join(words)}"


def _of_node(found: Compared, name: str) -> Iterator[str]:
    changes = found.changes
    change = changes.nodes.get(name)
    for setting in change.settings if change else ():
        where = f"{setting.name} of the edge from {setting.source}" if setting.source else setting.name
        yield f"{where}: {setting.before} -> {setting.after}"
    for source in change.gone if change else ():
        yield f"{_GONE}edge from {source}"
    for source in change.new if change else ():
        yield f"{_NEW}edge from {source}"
    before, after = _numbers(found.cost(0, name)), _numbers(found.cost(1, name))
    for key, number in after.items():
        if before[key] != number:
            yield f"{_called_so(key)}: {_moved(before[key], number)}"


def _called_so(key: str) -> str:
    return "MACs" if key == "macs" else "channels of the output" if key == "channels" else key


def _moved(before: int | None, after: int | None) -> str:
    """Two numbers with what lies between them."""
    said = f"{written(before)} -> {written(after)}"
    if before is None or after is None:
        return said
    share = f", {100 * (after - before) / before:+.1f} %" if before else ""
    return f"{said} ({after - before:+,}{share})"


def _summary(found: Compared) -> Iterator[str]:
    changes = found.changes
    changed = len(dict.fromkeys([*changes.nodes, *found.costlier]))
    yield (
        f"nodes: {len(changes.before.nodes)} -> {len(changes.after.nodes)}"
        f" ({len(changes.new)} new, {len(changes.gone)} gone, {changed} changed)"
    )
    edges = [sum(len(node.edges) for node in graph.nodes.values()) for graph in (changes.before, changes.after)]
    yield f"edges: {edges[0]} -> {edges[1]} ({len(changes.new_edges)} new, {len(changes.gone_edges)} gone)"
    if found.costs:
        before, after = found.costs
        yield f"parameters: {_moved(before.parameters, after.parameters)}"
        yield f"MACs: {_moved(before.macs, after.macs)}"


def print_json(found: Compared) -> None:
    """The same as one mapping."""
    changes = found.changes
    before, after = found.costs or (None, None)
    told: Mapping[str, Any] = {
        "before": found.names[0],
        "after": found.names[1],
        "equal": changes.none and not found.costlier,
        "inputs": {name: {"before": one, "after": other} for name, (one, other) in changes.inputs.items()},
        "nodes": {
            "new": list(changes.new),
            "gone": list(changes.gone),
            "changed": {name: _changed(found, name) for name in dict.fromkeys([*changes.nodes, *found.costlier])},
        },
        "edges": {
            "new": [{"from": source, "to": target} for source, target in changes.new_edges],
            "gone": [{"from": source, "to": target} for source, target in changes.gone_edges],
        },
        "outputs": {name: {"before": one, "after": other} for name, (one, other) in changes.outputs.items()},
        "orders": {what: {"before": one, "after": other} for what, (one, other) in changes.orders.items()},
        "parameters": {"before": before.parameters, "after": after.parameters} if before and after else None,
        "macs": {"before": before.macs, "after": after.macs} if before and after else None,
    }
    print(json.dumps(told, indent=2))


def _changed(found: Compared, name: str) -> dict[str, Any]:
    change = found.changes.nodes.get(name)
    settings = [
        {"setting": it.name, "from": it.source, "before": it.before, "after": it.after}
        for it in (change.settings if change else ())
    ]
    before, after = _numbers(found.cost(0, name)), _numbers(found.cost(1, name))
    numbers = {key: {"before": before[key], "after": after[key]} for key in after if before[key] != after[key]}
    return {"settings": settings, **numbers}
