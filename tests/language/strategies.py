"""Random graph files that are right, as mappings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests import trees

T = TypeVar("T")
Members = range

FUSIONS = ["sum", "mean", "max", "product", "softmax", "fast_normalized", {"fast_normalized": {"eps": 0.01}}, "$fusion"]
OPS = ["none", [], ["act"], ["act", "conv", "norm"], [{"separable_conv": {"kernel": 3}}], [{"conv": None}], "$op"]
NORMS = ["batch_norm", {"batch_norm": {"eps": 0.001}}, {"group_norm": {"groups": 2}}, "$norm"]
ACTS = ["relu", {"leaky_relu": {"slope": 0.2}}, "silu", "$nothing"]
DOWNS = ["max_pool", {"avg_pool": {"kernel": 3}}, [{"strided_conv": {"kernel": "ratio"}}, "norm", "act"], "nearest"]
UPS = ["nearest", "bilinear", ["act", "bilinear"]]
LATERALS = ["none", [], ["act"], [{"conv": {"kernel": 1}}, "norm"], "$op"]
PROJECTS = ["auto", "always", {"norm": True}, {"when": "always", "bias": True}, "$project"]
ORDERS = ["project_first", "resample_first"]
PARAMS: dict[str, Any] = {
    "width": 8,
    "fusion": "sum",
    "op": ["act", {"conv": {"kernel": 1}}, "norm"],
    "norm": {"batch_norm": {"momentum": 0.2}},
    "project": {"when": "always"},
    "nothing": None,
}


@dataclass
class _Drawer:
    """Draws one file; ``scope`` has the families that can be read so far, and which members of them exist."""

    draw: Callable[[st.SearchStrategy[T]], T]
    params: dict[str, Any]
    inputs: Members
    scope: dict[str, Members] = field(default_factory=dict)
    names: list[str] = field(default_factory=lambda: list("abcdefghmnqrstuvwxyz"))

    def choice(self, options: Sequence[T]) -> T:
        return self.draw(st.sampled_from(options))

    def chance(self, percent: int = 50) -> bool:
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def number(self, value: int) -> str:
        """An expression for a number."""
        name = self.choice(["", "lo", "hi"])
        if not name:
            return str(value)
        difference = value - self.params[name]
        return f"{name}{difference:+}" if difference or self.chance() else name

    def span(self, members: Members) -> str:
        return f"{self.number(members.start)}..{self.number(members.stop - 1)}"

    def part(self, members: Members) -> Members:
        """Some neighbours among members, seldom none."""
        start = self.draw(st.integers(members.start, members.stop - 1))
        return range(start, self.draw(st.integers(start + self.chance(90), members.stop)))

    def relative(self, family: str) -> str:
        return f"{family}({self.choice(['l', 'l+1', 'l-1', '2*l-l', 'l - 9', 'l+hi-lo'])})"

    def reference(self, families: Sequence[str]) -> str:
        """Something that exists in the end: the last alternative does for sure, or is 'none'."""
        alternatives = [self.relative(self.choice(families)) for _ in range(self.draw(st.integers(0, 2)))]
        last = f"P({self.number(self.choice(self.inputs))})"
        if alternatives and self.chance():
            last = "none"
        return " | ".join([*alternatives, last])

    def resample(self) -> dict[str, Any]:
        options: dict[str, list[Any]] = {"down": DOWNS, "up": UPS, "lateral": LATERALS}
        options |= {"project": PROJECTS, "order": ORDERS}
        if self.chance(20):  # of a source that has other channels than the node
            options["up"] = [[{"residual": self.draw(trees.closed(1))}, "bilinear", self.draw(trees.keeping(1))]]
        return {key: self.choice(values) for key, values in options.items() if self.chance(30)}

    def settings(self) -> dict[str, Any]:
        widths = [4, 8, "$width", "$(width*(l+1))", dict.fromkeys(range(10), 6)]
        options: dict[str, Sequence[Any]] = {
            "channels": widths,
            "fusion": FUSIONS,
            "norm": NORMS,
            "act": ACTS,
            "padding": ["same", "symmetric"],
            "op": OPS,
        }
        if self.chance(25):
            options["op"] = [self.draw((trees.closed(2) | trees.keeping(2)).filter(trees.fits))]
        drawn = {key: self.choice(values) for key, values in options.items() if self.chance(25)}
        return drawn | ({"resample": self.resample()} if self.chance(25) else {})

    def node(self, families: Sequence[str]) -> dict[str, Any]:
        sure = f"P{self.choice(self.inputs)}"
        inputs: list[Any] = [sure, *(self.reference(families) for _ in range(self.draw(st.integers(0, 3))))]
        if self.chance(20):
            inputs.append(f"P({self.span(self.part(self.inputs))})")
        inputs = [{"from": entry, **self.resample()} if self.chance(30) else entry for entry in inputs]
        return {"inputs": self.draw(st.permutations(inputs)), **self.settings()}

    def stage(self) -> tuple[dict[str, Any], dict[str, Members]]:
        """The nodes of a stage, and their families. What a node reads of its own stage stands before it here."""
        nodes: dict[str, Any] = {}
        own: dict[str, Members] = {}
        for _ in range(self.draw(st.integers(1, 4))):
            members = self.part(range(7)) if self.chance(80) else range(3, 4)
            entry = self.node([*self.scope, *own])
            family = self.names.pop()
            own[family] = members
            if self.chance(30):
                entry["inputs"] = [*entry["inputs"], f"{family}({self.choice(['l-1', 'l-2'])}) | none"]
            if self.chance(20):
                entry["level"] = self.choice([0, 3, "$(l)", "$(lo + 1)"])
            nodes[f"{family}({self.span(members)})"] = entry
        return dict(self.draw(st.permutations(list(nodes.items())))), own

    def repeated(self) -> dict[str, Any]:
        """A stage with outputs, that perhaps runs more than once."""
        fresh = self.names.pop()
        bound = self.part(range(7))
        before = dict(self.scope)
        self.scope[fresh] = bound  # seen from the second run on
        nodes, own = self.stage()
        families = [*own, *before]
        last = f"P{self.inputs.start}"
        if self.chance(40):
            del self.scope[fresh]  # whether it is there in the end, nobody knows here
            families, last = [*families, fresh], "none"
        outputs = {
            f"{fresh}({self.span(bound)})": f"{self.relative(self.choice(families))} | {last}",
            f"P({self.span(self.part(self.inputs))})": f"{self.relative(self.choice(families))} | P(l)",
        }
        stage: dict[str, Any] = {"nodes": nodes, "outputs": outputs}
        return stage | ({"repeat": self.draw(st.integers(1, 3))} if self.chance(80) else {})

    def stages(self) -> dict[str, Any]:
        stages: dict[str, Any] = {}
        for number in range(self.draw(st.integers(1, 3))):
            if self.chance():
                stages[f"stage{number}"] = self.repeated()
            else:
                nodes, own = self.stage()
                self.scope |= own
                stages[f"stage{number}"] = {"nodes": nodes}
            if self.chance(30):
                stages[f"stage{number}"]["defaults"] = self.settings()
        return stages

    def outputs(self) -> Any:
        present = [f"{family}{index}" for family, members in self.scope.items() for index in members]
        listed = present[-self.draw(st.integers(3, 8)) :]
        forms = [listed, f"P({self.span(self.inputs)})", {f"out{n}": f"{name} | P9" for n, name in enumerate(listed)}]
        return self.choice([*forms, listed])


@st.composite
def graphs(draw: Any) -> dict[str, Any]:
    """A graph file that loads: families, ranges, fallbacks, repeated stages, defaults, settings of edges, params."""
    lo = draw(st.integers(0, 3))
    params = {**PARAMS, "lo": lo, "hi": lo + draw(st.integers(0, 3))}
    drawer = _Drawer(draw, params, range(lo, params["hi"] + 1))
    drawer.scope["P"] = drawer.inputs
    body: dict[str, Any] = {"stages": drawer.stages()}
    if drawer.chance(30):
        drawer.scope = {"P": drawer.inputs}
        nodes, own = drawer.stage()
        drawer.scope |= own
        body = {"nodes": nodes}
    names = [f"P{index}" for index in drawer.inputs]
    forms = [f"P({drawer.span(drawer.inputs)})", names, {name: int(name[1:]) for name in names}]
    header = {"fpngraph": 1, "name": "random", "params": params, "inputs": drawer.choice(forms)}
    defaults = {"channels": 4, **drawer.settings()}
    return {**header, "defaults": defaults, **body, "outputs": drawer.outputs()}
