"""Graphs to draw: the shipped ones, one that jumps levels, and random ones."""

from __future__ import annotations

from hypothesis import strategies as st

from fpngraph import Graph, load, loads

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
    return loads(
        {
            "fpngraph": 1,
            "name": "random",
            "inputs": inputs,
            "defaults": {"channels": 8},
            "nodes": nodes,
            "outputs": {f"out_{place}_": name for place, name in enumerate(outputs)},
        }
    )
