from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from math import hypot

import networkx
import pydot
import pytest

import fpngraph
from fpngraph.drawing import Scene, draw
from fpngraph.drawing.picture.marks import NOTCH
from fpngraph.drawing.text import dot
from fpngraph.drawing.text.outline import outline
from fpngraph.graph import Graph

# pydot calls its parser by names that the parser no longer wants
pytestmark = pytest.mark.filterwarnings("ignore:.* deprecated - use:DeprecationWarning:pydot")

POINTS = 0.75  # to a pixel
SHIPPED: dict[str, dict[str, int]] = {
    "bifpn": {"repeats": 2},
    "bifpn collapsed": {"repeats": 7},
    "fpn": {},
    "panet": {},
}
TWICE = """\
fpngraph: 1
name: say "twice" \\n
inputs: {node: 3}
nodes:
  top: {inputs: [node, node], level: 5}
outputs: {P5: top}
"""


def shipped(name: str) -> Graph:
    return fpngraph.load(name.removesuffix(" collapsed"), **SHIPPED[name])


def read(text: str) -> pydot.Dot:
    graphs = pydot.graph_from_dot_data(text)
    assert graphs is not None
    assert len(graphs) == 1
    return graphs[0]


def bare(text: str) -> str:
    return text.removeprefix('"').removesuffix('"')


def places(graph: pydot.Dot) -> dict[str, tuple[float, float]]:
    """Nodes by name, without those that name the outputs and those that stand for defaults."""
    found = {bare(node.get_name()): node.get("pos") for node in graph.get_nodes()}
    pinned = {name: bare(pos).removesuffix("!").split(",") for name, pos in found.items() if pos}
    return {name: (float(x), float(y)) for name, (x, y) in pinned.items() if not name.startswith("output ")}


def expected(scene: Scene) -> dict[str, tuple[float, float]]:
    return {
        knot.name: (pytest.approx(knot.x * POINTS, abs=1e-3), pytest.approx(-knot.y * POINTS, abs=1e-3))
        for knot in outline(scene).knots
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_pydot_reads_every_node_where_the_diagram_has_it(name: str) -> None:
    scene = draw(shipped(name))

    found = places(read(dot.write(scene)))

    assert found == expected(scene)


@pytest.mark.parametrize("name", SHIPPED)
def test_networkx_reads_every_edge_and_output(name: str) -> None:
    scene = draw(shipped(name))
    found = outline(scene)
    wanted = [(tie.source, tie.target) for tie in found.ties]
    wanted += [(stub.source, f"output {stub.target}") for stub in found.stubs]

    digraph = networkx.nx_pydot.from_pydot(read(dot.write(scene)))

    edges = Counter((bare(source), bare(target)) for source, target in digraph.edges())
    assert edges == Counter(wanted)


def test_edges_run_as_in_the_diagram_with_the_arrow_beyond_their_end() -> None:
    scene = draw(fpngraph.load("bifpn", repeats=1))

    graph = read(dot.write(scene))

    routes = {
        (bare(edge.get_source()), bare(edge.get_destination())): bare(edge.get("pos")) for edge in graph.get_edges()
    }
    for tie in outline(scene).ties:
        words = routes[tie.source, tie.target].removeprefix("e,").split()
        head, *points = ([float(number) for number in word.split(",")] for word in words)
        ends = [(x * POINTS, -y * POINTS) for x, y in (tie.curve.start, tie.curve.end)]
        beyond = hypot(head[0] - points[-1][0], head[1] - points[-1][1])
        assert points[0] == pytest.approx(ends[0], abs=1e-3)
        assert points[-1] == pytest.approx(ends[1], abs=1e-3)
        assert beyond == pytest.approx(NOTCH * POINTS, abs=1e-2)


def test_edges_have_the_colour_and_dashes_of_their_direction() -> None:
    graph = read(dot.write(draw(fpngraph.load("fpn"), theme="dark")))

    looks = {
        (bare(edge.get_source()), bare(edge.get_destination())): (bare(edge.get("color")), edge.get("style"))
        for edge in graph.get_edges()
    }
    assert looks["C5", "M5"] == ("#8794a5", None)
    assert looks["M5", "M4"] == ("#ff8a66", '"dashed"')
    assert looks["P5", "P6"] == ("#58b0f5", None)


def test_names_and_texts_that_dot_has_a_meaning_for_are_kept() -> None:
    graph = read(dot.write(draw(fpngraph.loads(TWICE))))

    edge = next(edge for edge in graph.get_edges() if bare(edge.get_destination()) == "top")
    assert graph.get_name() == r'"say \"twice\" \\n"'
    assert set(places(graph)) == {"node", "top"}
    assert bare(edge.get("xlabel")) == "2x"


def test_without_title_and_labels_there_are_none() -> None:
    graph = read(dot.write(draw(fpngraph.load("fpn"), title=False, labels="none")))

    assert "label" not in graph.get_graph_defaults()[0]
    assert {bare(node.get("label")) for node in graph.get_nodes() if node.get("shape") == '"circle"'} == {""}


@pytest.mark.skipif(shutil.which("neato") is None, reason="graphviz is not installed: no neato to draw with")
@pytest.mark.parametrize("name", SHIPPED)
def test_neato_draws_the_grid_and_the_routes_of_the_diagram(name: str) -> None:
    scene = draw(shipped(name))

    done = subprocess.run(
        ["neato", "-n2", "-Tjson"], input=dot.write(scene), capture_output=True, text=True, check=True
    )

    drawn = json.loads(done.stdout)
    found = {entry["name"]: tuple(map(float, entry["pos"].split(","))) for entry in drawn["objects"] if "pos" in entry}
    wanted = expected(scene)
    dx, dy = next((found[name][0] - x.expected, found[name][1] - y.expected) for name, (x, y) in wanted.items())
    ends = Counter(len(edge["pos"].split()) - 2 for edge in drawn["edges"])
    assert done.stderr == ""
    for node, (x, y) in wanted.items():
        assert found[node] == pytest.approx((x.expected + dx, y.expected + dy), abs=0.02)
    assert ends == Counter(3 * len(tie.curve.pieces) for tie in (*outline(scene).ties, *outline(scene).stubs))
