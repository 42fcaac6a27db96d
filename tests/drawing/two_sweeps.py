"""A small graph of two equal cells, to be checked by hand, one with an edge twice, and a scene of hostile texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import fpngraph
from fpngraph.drawing import Scene, draw
from fpngraph.drawing.picture.assemble import assembled
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.drawing.picture.theme import Theme

HOSTILE = "</title></script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\"&amp;"
GRAPH = """
fpngraph: 1
name: Two sweeps
description: Down and up, twice.
inputs: P(3..5)
defaults: {channels: 8, fusion: fast_normalized, op: [act, separable_conv, norm]}
stages:
  cell:
    repeat: 2
    nodes:
      td(3..4): {inputs: [P(l), td(l+1) | P(l+1)]}
      out(4..5): {inputs: [P(l), td(l) | none, out(l-1) | td(l-1)]}
    outputs: {P(3..5): out(l) | td(l)}
outputs: P(3..5)
"""
TWICE = """
fpngraph: 1
name: twice
inputs: {a: 3, b: 3}
defaults: {channels: 8, fusion: sum}
nodes:
  n: {level: 3, inputs: [a, b, a]}
  m: {level: 4, inputs: [n]}
outputs: {out: m}
"""
INPUTS = ["P3", "P4", "P5"]
RUNS = [[f"cell.{run}.{name}" for name in ("td4", "td3", "out4", "out5")] for run in (0, 1)]


def scene(theme: Theme = "auto") -> Scene:
    return draw(fpngraph.loads(GRAPH), theme=theme, in_channels=[4, 6, 8], image_size=64)


def weighted(weights: Mapping[str, Sequence[float]] | None, **look: Any) -> Scene:
    return assembled(weighted_diagram(weights, **look))


def weighted_diagram(weights: Mapping[str, Sequence[float]] | None, **look: Any) -> Diagram:
    return diagram(fpngraph.loads(GRAPH), Look(**look), weights=weights)


def hostile_scene() -> Scene:
    """A scene whose every text tries to get out of its place."""
    drawn = scene()
    nodes = tuple(
        replace(group, tip=f"{group.data['node']}: {HOSTILE}") if group.mark == "node" else group
        for group in drawn.groups
    )
    return replace(drawn, name=HOSTILE, description=HOSTILE, groups=nodes)


def facts(name: str) -> list[str]:
    (tip,) = (group.tip for group in scene().groups if group.data.get("node") == name)
    return tip.removeprefix(f"{name}: ").split("; ")
