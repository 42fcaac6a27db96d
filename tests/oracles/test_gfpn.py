"""The graph of GiraffeDet's neck has the nodes of modelscope's generator, and gives the numbers of its module."""

from __future__ import annotations

import pytest

import fpngraph
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.pairing import pairs
from tests.oracles.reference import maps, randomised
from tests.oracles.references import modelscope


def graph(low: int, high: int, depth: int, **params: object) -> fpngraph.Graph:
    """The graph for maps of all levels."""
    layers = {"pairs": depth // 2, "odd": depth % 2}
    return fpngraph.load("gfpn", min=low, backbone_max=high, max=high, **layers, **params)


@pytest.mark.parametrize(("low", "high"), [(3, 7), (3, 5), (3, 6), (2, 7)], ids=str)
@pytest.mark.parametrize("depth", [*range(2, 14), 33, 65])
def test_every_node_reads_what_the_generator_says_in_its_order(depth: int, low: int, high: int) -> None:
    expected = modelscope.gfpn_nodes(low, high, depth)
    ours = graph(low, high, depth)

    numbers = {name: number for number, name in enumerate([*ours.inputs, *ours.nodes])}
    found = {
        numbers[name]: (2**node.level, [numbers[edge.source] for edge in node.edges])
        for name, node in ours.nodes.items()
    }

    assert found == {number: (node["reduction"], node["inputs_offsets"]) for number, node in expected.items()}


@pytest.mark.parametrize(
    ("depth", "separable"),
    [
        pytest.param(3, False, id="3"),
        pytest.param(4, True, id="4, separable"),
        pytest.param(13, False, id="13", marks=pytest.mark.slow),
    ],
)
def test_it_infers_and_trains_as_modelscopes(depth: int, separable: bool) -> None:
    reference = modelscope.gfpn({3: 6, 4: 8, 5: 10, 6: 12, 7: 14}, depth, 8, 4, separable=separable)
    theirs = randomised(reference.neck)
    smooth = ["separable_conv" if separable else "conv", "norm"]
    ours = fpngraph.build(graph(3, 7, depth, channels=8, out=4, smooth=smooth), list(reference.in_channels.values()))
    nodes = {name: f"cell.giraffeNeck.fnode.{number}" for number, name in enumerate(ours.source_graph.nodes)}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, nodes), maps(reference, 256, 384))
    assert ours.fuse().unfolded == {}
