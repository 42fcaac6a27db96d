from __future__ import annotations

import random
import re
from typing import Any

import pytest

import fpngraph
from fpngraph.drawing.picture.diagram import Diagram, Labels, Look, diagram
from fpngraph.drawing.text import sheet, terminal
from tests.drawing.followed import Followed
from tests.drawing.graphs import DENSE

TWICE = """\
fpngraph: 1
name: twice
inputs: C(3..4)
defaults: {channels: 8}
nodes:
  a: {inputs: [C3, C3], level: 3}
  b: {inputs: [a, C4], level: 3}
outputs: {first: a, second: b, third: b}
"""
ZIGZAG = """\
fpngraph: 1
name: zigzag
inputs: P(3..7)
defaults: {channels: 8}
nodes:
  g4: {inputs: [P6, P4]}
  h4: {inputs: [g4, P4]}
  o3: {inputs: [h4, P3]}
  o4: {inputs: [o3, h4]}
  o5: {inputs: [o4, o3, P5]}
  o7: {inputs: [o5, P7]}
  o6: {inputs: [o7, o5, P6]}
outputs: o(3..7)
"""

TWO_SUMS = """\
fpngraph: 1
name: two sums
inputs: C(3..4)
defaults: {channels: 8, fusion: sum}
stages:
  one:
    nodes: {a3: {inputs: [C3, C4]}, b3: {inputs: [a3, C4]}}
    outputs: {b3: b3}
  other:
    nodes: {a3: {inputs: [b3, C4], fusion: max}}
    outputs: {P3: a3}
outputs: [P3]
"""
BARE = Look(legend=False)


def tangled(nodes: int, seed: int) -> fpngraph.Graph:
    """A graph in which every node reads one to three of all those before it."""
    chance = random.Random(seed)
    names = ["C3", "C4", "C5"]
    lines = []
    for place in range(nodes):
        sources = chance.sample(names, chance.randint(1, 3))
        lines.append(f"  n{place}_: {{level: {chance.randint(3, 6)}, inputs: [{', '.join(sources)}]}}")
        names.append(f"n{place}_")
    head = ["fpngraph: 1", "name: tangled", "inputs: C(3..5)", "defaults: {channels: 8}", "nodes:"]
    outputs = ", ".join(f"out{place}: n{place}_" for place in range(nodes))
    return fpngraph.loads("\n".join([*head, *lines, f"outputs: {{{outputs}}}"]))


def assert_can_be_followed(text: str, drawn: Diagram) -> None:
    """Every line of the diagram leads from one node to one other, and they are the edges of the plan."""
    edges = Followed(text, drawn).edges()
    wanted = sorted((link.source, link.target) for link in drawn.plan.links)
    assert [edge for edge in edges if not edge[1].startswith("output ")] == wanted


@pytest.mark.slow
@pytest.mark.parametrize("labels", ["names", "ids", "none"])
@pytest.mark.parametrize(
    ("name", "params"),
    [
        pytest.param("bifpn", {}, id="bifpn"),
        pytest.param("bifpn", {"min": 2, "max": 8, "repeats": 1}, id="bifpn of seven levels"),
        pytest.param("bifpn", {"repeats": 7}, id="bifpn collapsed"),
        pytest.param("fpn", {}, id="fpn"),
        pytest.param("retinanet_fpn", {}, id="retinanet_fpn"),
        pytest.param("panet", {}, id="panet"),
        pytest.param("pan_effdet", {}, id="pan_effdet"),
        pytest.param("qufpn", {"repeats": 1}, id="qufpn"),
    ],
)
def test_every_line_of_a_shipped_graph_can_be_followed(name: str, params: dict[str, Any], labels: Labels) -> None:
    drawn = diagram(fpngraph.load(name, **params), Look(labels=labels, legend=False))

    text = terminal.write(drawn)

    assert_can_be_followed(text, drawn)
    assert set(re.findall(r"▸(P\d)$", text, re.M)) == set(fpngraph.load(name, **params).outputs)


def test_lines_that_cross_can_be_followed() -> None:
    drawn = diagram(fpngraph.loads(ZIGZAG), BARE)

    assert_can_be_followed(terminal.write(drawn), drawn)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_lines_of_any_graph_can_be_followed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "_TANGLED", 100.0)
    drawn = diagram(tangled(nodes=5 + seed, seed=seed), BARE)

    assert_can_be_followed(terminal.write(drawn), drawn)


def test_a_small_graph_is_a_grid_of_levels_and_columns() -> None:
    text = terminal.write(diagram(fpngraph.load("fpn", min=3, max=5), BARE))

    assert (
        text
        == """\
FPN

 P5  [C5]────▸(M5)────▸(P5)───▸P5
               │
               │
               ▾
 P4  [C4]────▸(M4)────▸(P4)───▸P4
               │
               │
               ▾
 P3  [C3]────▸(M3)────▸(P3)───▸P3
"""
    )


def test_a_skip_runs_beside_its_level_and_a_crossing_goes_straight() -> None:
    text = terminal.write(
        diagram(fpngraph.load("bifpn", min=3, max=5, repeats=1), Look(title=False, labels="ids", legend=False))
    )

    assert (
        text
        == """\
            bifpn.0

 P5  [2]────────────▸(6)───▸P5
       │              ▴
       │              │
       ╰─────╮        │
             ▾        │
 P4  [1]────▸(3)────▸(5)───▸P4
       │       │     ▴▴
       ╰───────┼─────╯│
               ╰─────╮│
                     ▾│
 P3  [0]────────────▸(4)───▸P3
"""
    )


def test_a_tangle_is_a_table_of_levels() -> None:
    text = terminal.write(diagram(tangled(nodes=9, seed=7), BARE))

    assert text.splitlines()[2] == "level  node  reads"
    assert text.splitlines()[-1] == "▾ from a coarser level, ▴ from a finer one"
    assert len(text.splitlines()) == 3 + 3 + 9 + 2


def test_a_table_names_sources_outputs_and_inputs() -> None:
    text = terminal.write(diagram(fpngraph.loads(TWICE), BARE), width=20)

    assert (
        text
        == """\
twice

level  node  reads
P4     C4    (input)
P3     C3    (input)
       a     C3 2x = output first
       b     a, ▾C4 = output
             second, third

▾ from a coarser level, ▴ from a finer one
"""
    )


def test_what_lines_do_not_say_stands_below_them() -> None:
    text = terminal.write(diagram(fpngraph.loads(TWICE), BARE))

    assert text.splitlines()[-3:] == ["", "a reads C3 2 times", "a is the output first"]
    assert "▸second, third" in text


def test_the_legend_says_what_nodes_and_edges_do_and_where_it_is_not_the_usual() -> None:
    text = terminal.write(diagram(fpngraph.loads(DENSE, repeats=1), Look(labels="ops")), width=60)

    _, _, legend = text.rpartition("\n\n")
    usual, further, rarer, projections, *more = legend.splitlines()
    assert f"{usual} {further.strip()}" == "fusion: fast_normalized; downsample: max_pool; upsample: nearest"
    assert rarer == "softmax: b5, b4, b3, b2"
    assert projections.startswith("1\N{MULTIPLICATION SIGN}1 conv: C2▸lat2, C3▸lat3, ")
    assert all(line.startswith("  ") and len(line) <= 60 for line in more)


def test_nodes_of_one_name_are_told_apart_where_only_one_is_meant() -> None:
    text = terminal.write(diagram(fpngraph.loads(TWO_SUMS)))

    assert "max: other.a3\n" in text
    assert terminal.write(diagram(fpngraph.loads(TWO_SUMS), BARE)) in text


def test_a_diagram_is_as_wide_as_the_terminal_at_most() -> None:
    drawn = diagram(fpngraph.load("bifpn"))

    widest = {width: max(map(len, terminal.write(drawn, width=width).splitlines())) for width in (70, 80, 100)}

    assert all(found <= width for width, found in widest.items())
    assert "(td6)" in terminal.write(drawn, width=80)
    assert "(td6)" not in terminal.write(drawn, width=70)


def test_colours_say_the_direction_and_change_nothing_else() -> None:
    drawn = diagram(fpngraph.load("panet"))

    coloured = terminal.write(drawn, colour=True)

    assert re.sub(r"\x1b\[\d+m", "", coloured) == terminal.write(drawn)
    assert "\x1b[34m▴\x1b[0m" in coloured
    assert "\x1b[31m▾\x1b[0m" in coloured
    assert "\x1b" not in terminal.write(drawn)


def test_plain_text_has_a_letter_for_every_sign() -> None:
    text = terminal.write(diagram(fpngraph.load("bifpn", repeats=7)))

    plain = terminal.plain(text)

    assert plain.isascii()
    assert [len(line) for line in plain.splitlines()] == [len(line) for line in text.splitlines()]
    assert "bifpn x7" in plain
    assert "-->(td6)" in plain


def test_a_large_graph_is_a_table() -> None:
    text = terminal.write(diagram(fpngraph.load("bifpn", repeats=10), Look(expand=True)))

    assert "bifpn.9.out7  bifpn.8.out7, ▴bifpn.9.out6 = output P7" in text
