"""A comparison of necks tells how far they were off, for ``--junitxml`` to write it down."""

from __future__ import annotations

import json
from importlib.metadata import version

from torch import nn

import fpngraph
from tests.differences import library_of, note, taken
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.pairing import pairs
from tests.oracles.reference import maps, randomised
from tests.oracles.references import torchvision


def test_a_comparison_tells_graph_library_version_and_the_largest_difference_in_both_modes() -> None:
    reference = torchvision.plain({4: 6, 5: 8}, 4)
    theirs = randomised(reference.neck)
    ours = fpngraph.build(fpngraph.load("fpn", min=4, max=5, channels=4), [6, 8])
    nodes = {"M4": "inner_blocks.0", "M5": "inner_blocks.1", "P4": "layer_blocks.0", "P5": "layer_blocks.1"}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, nodes), maps(reference, 64, 96))
    note(ours, theirs, "eval", 0.5)
    note(ours, theirs, "eval", 0.25)

    ((name, value),) = taken()
    graph, library, of_library, evaluated, trained = json.loads(str(value))
    assert (name, graph, library, of_library) == ("difference", "FPN", "torchvision", version("torchvision"))
    assert evaluated == 0.5
    assert trained < 1e-14
    assert taken() == []


def test_a_reference_of_torch_alone_is_of_no_library() -> None:
    assert library_of(nn.Sequential(nn.Conv2d(1, 1, 1))) is None


def test_what_is_no_neck_of_a_graph_is_not_told() -> None:
    note(nn.Identity(), nn.Identity(), "eval", 0.0)

    assert taken() == []
