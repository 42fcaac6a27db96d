"""The graphs of DAMO-YOLO, PP-YOLOE and YOLOv3 give the numbers of their references, by the tables of their weights."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from torch import Tensor, nn

import fpngraph
from fpngraph.weights.sources import names_of, table_for
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.reference import maps, randomised
from tests.oracles.references.every import NECKS

DAMO, PP, V3 = "modelscope.GiraffeNeckV2", "super_gradients.PPYoloECSPPAN", "mmdet.YOLOV3Neck"
CASES = [
    *((f"damo_yolo-{scale}", "damo_yolo", None if scale == "t" else scale, DAMO) for scale in "tsm"),
    *((f"pp_yoloe-{scale}", "ppyoloe", None if scale == "s" else scale, PP) for scale in "smlx"),
    ("yolov3-mmdet", "yolov3", None, V3),
]
QUICK = {"damo_yolo-t", "pp_yoloe-s", "yolov3-mmdet"}


def finest_first(_module: nn.Module, _given: object, given: Sequence[Tensor]) -> list[Tensor]:
    return sorted(given, key=lambda y: -y.shape[-1])


@pytest.mark.parametrize(
    ("name", "graph", "scale", "source"),
    [pytest.param(*case, id=case[0], marks=() if case[0] in QUICK else pytest.mark.slow) for case in CASES],
)
def test_a_shipped_graph_infers_and_trains_as_its_reference(
    name: str, graph: str, scale: str | None, source: str
) -> None:
    reference = NECKS[name]()
    theirs = randomised(reference.neck)
    theirs.register_forward_hook(finest_first)
    channels = {f"C{level}": width for level, width in reference.in_channels.items()}
    ours = fpngraph.build(fpngraph.load(graph, preset=scale), channels)
    state = theirs.state_dict()

    carried = fpngraph.load_from(ours, state, source)

    assert (carried.missing, carried.unused) == ((), ())
    names = {ours: one for ours, (one,) in names_of(ours, table_for(ours, source), state=state).items()}
    assert_equal_necks(ours, theirs, names, maps(reference, 128, 192))
    assert ours.fuse().unfolded == {}
