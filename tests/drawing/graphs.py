"""Graphs to draw: the shipped ones, one that jumps levels, and random ones."""

from __future__ import annotations

from hypothesis import note
from hypothesis import strategies as st

from fpngraph import Graph, dump, load, loads

# The nodes of NAS-FPN (arXiv:1904.07392, fig. 7), with sums in place of its two operators, and the maps that
# nobody has read yet joined where their level is made.
NAS = """
fpngraph: 1
name: NAS-FPN
params: {repeats: 1}
inputs: P(3..7)
defaults: {channels: 256, fusion: sum, resample: {project: never}}
stages:
  nas:
    repeat: $repeats
    nodes:
      a4: {inputs: [P4, P6]}
      b4: {inputs: [P4, a4]}
      c3: {inputs: [P3, b4]}
      d4: {inputs: [b4, c3]}
      e5: {inputs: [P5, c3, d4]}
      f7: {inputs: [P7, b4, e5]}
      g6: {inputs: [e5, f7]}
    outputs: {P3: c3, P4: d4, P5: e5, P6: g6, P7: f7}
outputs: P(3..7)
"""

ODD = """
fpngraph: 1
name: odd & <small>
inputs: {image: 3, far: 6}
defaults: {channels: 8, fusion: sum}
nodes:
  left: {level: 3, inputs: [image, image]}
  long_name_of_a_node: {level: 3, inputs: [left, far], fusion: max}
  up: {level: 8, inputs: [left]}
  same: {level: 3, inputs: [left, long_name_of_a_node, image]}
  also: {level: 3, inputs: [left, same]}
outputs: {a: also, b: same, c: up, d: same, e: far}
"""

# Two sweeps with skips over two levels, and runs that read those before them: as crowded as a cell of a paper gets.
DENSE = """
fpngraph: 1
name: dense
params: {min: 2, max: 5, repeats: 3}
inputs: C(min..max)
defaults:
  channels: {2: 48, 3: 96, 4: 96, 5: 96}
  fusion: fast_normalized
stages:
  lateral:
    nodes:
      lat(min..max): {inputs: [C(l)], fusion: sum}
    outputs: {P(min..max): lat(l), lat(min..max): lat(l)}
  cell:
    repeat: $repeats
    nodes:
      a(min..max): {inputs: [P(l), a(l+1) | none, a(l+2) | none]}
      up(min..max): {inputs: [a(l), up(l-1) | none]}
      b(min..max):
        inputs: [up(l), P(l), b(l+1) | none, a(l-2) | none, old(l) | none, older(l) | none]
        fusion: softmax
    outputs: {P(min..max): b(l), old(min..max): up(l), older(min..max): old(l) | lat(l)}
outputs: P(min..max)
"""

MIXED = """
fpngraph: 1
name: mixed
inputs: {image: 0, C3: 3, C4: 4, C5: 5}
defaults: {channels: 64}
nodes:
  a5: {inputs: [C5, C5, C3], fusion: concat, op: [{conv: {kernel: 1}}]}
  a4: {inputs: [C4, a5, image], fusion: max}
  a3: {inputs: [C3, {from: a4, up: bilinear, project: always}, a5], fusion: fast_normalized}
  g: {inputs: [a3, a4, a5], level: 4, fusion: unbounded}
  P(3..5): {inputs: [a(l), g], fusion: mean}
  Q6: {inputs: [P5]}
outputs: [P(3..5), Q6]
"""

TWO_INPUTS = """
fpngraph: 1
name: rgbd
inputs: [rgb(3..5), depth(3..5)]
defaults: {channels: 64, fusion: softmax}
nodes:
  m(3..5): {inputs: [rgb(l), depth(l)]}
  P(3..5): {inputs: [m(l), P(l+1) | none]}
outputs: P(3..5)
"""

# Steep lines beside every node, and five edges that end at each.
ALL_TO_ALL = """
fpngraph: 1
name: all to all
inputs: C(2..6)
defaults: {channels: 8, fusion: sum}
nodes:
  F(2..6): {inputs: [C(2..6)]}
outputs: F(2..6)
"""


def one_cell(name: str, **params: int) -> Graph:
    if name == "nas":
        return loads(NAS, **params)
    return load(name, repeats=1, **params)


CELLS = ("bifpn", "pan_effdet", "qufpn", "nas")
UNSTAGED = ("fpn", "panet", "retinanet_fpn")


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Nodes at random levels, each with one to four inputs from earlier ones, equal ones among them."""
    levels = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True))
    given = draw(st.lists(st.sampled_from(levels), min_size=1, max_size=4))
    inputs = {f"in_{place}_": level for place, level in enumerate(given)}
    known = list(inputs)
    nodes: dict[str, object] = {}
    for place in range(draw(st.integers(1, 9))):
        sources = draw(st.lists(st.sampled_from(known), min_size=1, max_size=4))
        nodes[f"node_{place}_"] = {"level": draw(st.sampled_from(levels)), "inputs": sources}
        known.append(f"node_{place}_")
    outputs = draw(st.lists(st.sampled_from(known[len(inputs) :]), min_size=1, max_size=4, unique=True))
    graph = loads(
        {
            "fpngraph": 1,
            "name": "random",
            "inputs": inputs,
            "defaults": {"channels": 8},
            "nodes": nodes,
            "outputs": {f"out_{place}_": name for place, name in enumerate(outputs)},
        }
    )
    note(dump(graph))  # of an example that fails, hypothesis shows no more than its repr
    return graph
