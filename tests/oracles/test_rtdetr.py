"""The graph of RT-DETR gives the numbers of transformers' encoders, which ``load_from`` has taken the weights of."""

from __future__ import annotations

import pytest
import torch

import fpngraph
from tests.differences import note
from tests.equality.closeness import TOLERANCE
from tests.oracles.reference import maps, randomised
from tests.oracles.references import transformers

CASES = [("r50", ""), ("r50", "V2"), ("r18", ""), ("r34", "V2"), ("r50m", ""), ("r101", "")]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize(
    ("size", "version"), [pytest.param(*case, marks=() if case[0] == "r50" else pytest.mark.slow) for case in CASES]
)
def test_it_is_transformers_own(size: str, version: str, training: bool) -> None:
    reference = transformers.rt_detr(size, version)
    theirs = randomised(reference.neck).double().train(training)
    graph = fpngraph.load("rtdetr", preset=None if size == "r50" else size)
    ours = fpngraph.build(graph, {f"C{level}": width for level, width in reference.in_channels.items()})
    ours.double().train(training)

    carried = fpngraph.load_from(ours, theirs.state_dict(), "transformers.RTDetrModel")

    assert (carried.missing, carried.unused) == ((), ())
    for y, other in zip(ours(maps(reference, 128, 192)), theirs(maps(reference, 128, 192)), strict=True):
        off = float((y - other).detach().abs().max() / other.detach().abs().max())
        assert off < TOLERANCE
        note(ours, theirs, "training" if training else "eval", off)


def test_of_projected_maps_it_is_the_encoder_alone() -> None:
    reference = transformers.rt_detr("r50")
    theirs = randomised(reference.neck).double().eval().encoder
    neck = fpngraph.build(fpngraph.load("rtdetr", projection=[]), [256] * 3).double().eval()
    given = [torch.randn(2, 256, 16 >> k, 24 >> k).double() for k in range(3)]

    fpngraph.load_from(neck, theirs.state_dict(), "transformers.RTDetrHybridEncoder")

    for y, other in zip(neck(given), theirs(list(given)).last_hidden_state, strict=True):
        assert float((y - other).detach().abs().max() / other.detach().abs().max()) < TOLERANCE
