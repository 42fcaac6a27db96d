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
from fpngraph.drawing.picture.diagram import Diagram, Look, diagram
from fpngraph.drawing.picture.marks import NOTCH
from fpngraph.drawing.picture.theme import TIMES
from fpngraph.drawing.text import dot
from fpngraph.graph.graph import Graph

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


def expected(drawn: Diagram) -> dict[str, tuple[float, float]]:
    return {
        name: (pytest.approx(place.x * POINTS, abs=1e-3), pytest.approx(-place.y * POINTS, abs=1e-3))
        for name, place in drawn.grid.places.items()
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_pydot_reads_every_node_where_the_diagram_has_it(name: str) -> None:
    drawn = diagram(shipped(name))

    found = places(read(dot.write(drawn)))

    assert found == expected(drawn)


@pytest.mark.parametrize("name", SHIPPED)
def test_networkx_reads_every_edge_and_output(name: str) -> None:
    drawn = diagram(shipped(name))
    wanted = [(link.source, link.target) for link in drawn.plan.links]
    wanted += [(spot, f"output {name}") for spot, names in drawn.plan.outputs.items() for name in names]

    digraph = networkx.nx_pydot.from_pydot(read(dot.write(drawn)))

    edges = Counter((bare(source), bare(target)) for source, target in digraph.edges())
    assert edges == Counter(wanted)


def test_edges_run_as_in_the_diagram_with_the_arrow_at_their_end() -> None:
    drawn = diagram(fpngraph.load("bifpn", repeats=1))

    graph = read(dot.write(drawn))

    routes = {
        (bare(edge.get_source()), bare(edge.get_destination())): bare(edge.get("pos")) for edge in graph.get_edges()
    }
    for route in drawn.routes:
        target = route.target if route.link else f"output {route.target}"
        words = routes[route.source, target].removeprefix("e,").split()
        head, *points = ([float(number) for number in word.split(",")] for word in words)
        start, end = ([x * POINTS, -y * POINTS] for x, y in (route.curve.start, route.curve.end))
        beyond = hypot(head[0] - points[-1][0], head[1] - points[-1][1])
        assert points[0] == pytest.approx(start, abs=1e-3)
        assert head == pytest.approx(end, abs=1e-3)
        assert beyond == pytest.approx(NOTCH * POINTS, abs=1e-2)


def test_edges_have_the_colour_and_dashes_of_their_direction() -> None:
    graph = read(dot.write(diagram(fpngraph.load("fpn"), Look(theme="dark"))))

    looks = {
        (bare(edge.get_source()), bare(edge.get_destination())): (bare(edge.get("color")), edge.get("style"))
        for edge in graph.get_edges()
    }
    assert looks["C5", "M5"] == ("#8794a5", None)
    assert looks["M5", "M4"] == ("#ff8a66", '"dashed"')
    assert looks["P5", "P6"] == ("#58b0f5", None)


def test_names_and_texts_that_dot_has_a_meaning_for_are_kept() -> None:
    graph = read(dot.write(diagram(fpngraph.loads(TWICE))))

    edge = next(edge for edge in graph.get_edges() if bare(edge.get_destination()) == "top")
    assert graph.get_name() == r'"say \"twice\" \\n"'
    assert set(places(graph)) == {"node", "top"}
    assert bare(edge.get("xlabel")) == "2x"


def test_edges_say_what_they_do_where_that_is_asked_for() -> None:
    graph = read(dot.write(diagram(fpngraph.load("fpn"), Look(labels="ops"))))

    words = {(bare(it.get_source()), bare(it.get_destination())): it.get("xlabel") for it in graph.get_edges()}
    assert words["C5", "M5"] == f'"1{TIMES}1 conv"'
    assert words["M5", "M4"] == '"nearest"'
    assert words["P5", "P6"] == '"max_pool"'
    assert words["M5", "P5"] is None


def test_nodes_say_what_they_do_where_that_is_asked_for() -> None:
    graph = fpngraph.load("libra")
    told, untold = (read(dot.write(diagram(graph, look))) for look in (Look(labels="ops"), Look(labels="names")))

    beside = {bare(node.get_name()): node.get("xlabel") for node in told.get_nodes() if node.get("xlabel")}
    assert bare(told.get_graph_defaults()[0]["label"]) == r"Libra R-CNN\nfusion: sum\nsingle input: conv"
    assert beside == {"fpn.M5": '"as it is"', "fpn.P6": '"as it is"', "bfp.mean": '"mean → non_local"'}
    assert bare(untold.get_graph_defaults()[0]["label"]) == "Libra R-CNN"
    assert not any(node.get("xlabel") for node in untold.get_nodes())


def test_without_title_and_labels_there_are_none() -> None:
    graph = read(dot.write(diagram(fpngraph.load("fpn"), Look(title=False, labels="none"))))

    assert "label" not in graph.get_graph_defaults()[0]
    assert {bare(node.get("label")) for node in graph.get_nodes() if node.get("shape") == '"circle"'} == {""}


@pytest.mark.skipif(shutil.which("neato") is None, reason="graphviz is not installed: no neato to draw with")
@pytest.mark.parametrize("name", SHIPPED)
def test_neato_draws_the_grid_and_the_routes_of_the_diagram(name: str) -> None:
    drawn = diagram(shipped(name))

    done = subprocess.run(
        ["neato", "-n2", "-Tjson"], input=dot.write(drawn), capture_output=True, text=True, check=True
    )

    read_back = json.loads(done.stdout)
    found = {
        entry["name"]: tuple(map(float, entry["pos"].split(","))) for entry in read_back["objects"] if "pos" in entry
    }
    wanted = expected(drawn)
    dx, dy = next((found[name][0] - x.expected, found[name][1] - y.expected) for name, (x, y) in wanted.items())
    ends = Counter(len(edge["pos"].split()) - 2 for edge in read_back["edges"])
    assert done.stderr == ""
    for node, (x, y) in wanted.items():
        assert found[node] == pytest.approx((x.expected + dx, y.expected + dy), abs=0.02)
    assert ends == Counter(3 * len(route.curve.pieces) for route in drawn.routes)
