"""The graphs of YOLO's family give the numbers of their references, which ``load_from`` has taken the weights of."""

from __future__ import annotations

import pytest

import fpngraph
from fpngraph.weights.sources import names_of, table_for
from fpngraph.weights.state import StateError
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.reference import maps, randomised
from tests.oracles.references.every import NECKS

ULTRALYTICS = "ultralytics"
SCALES = ("n", "s", "m", "l", "x")


def preset(scale: str, first: str) -> str | None:
    return None if scale == first else scale


CASES = [
    *((f"yolov5{scale}", "yolov5", preset(scale, "n"), {}, ULTRALYTICS) for scale in SCALES),
    *((f"yolov5{scale}-p6", "yolov5", f"{scale}6", {}, ULTRALYTICS) for scale in SCALES),
    *((f"yolov8{scale}", "yolov8", preset(scale, "n"), {}, ULTRALYTICS) for scale in SCALES),
    *((f"yolov8{scale}-p2", "yolov8", preset(scale, "n"), {"min": 2}, ULTRALYTICS) for scale in ("n", "m")),
    *((f"yolov9{scale}", "yolov9", preset(scale, "c"), {}, ULTRALYTICS) for scale in "tsmc"),
    *((f"yolov10{scale}", "yolov10", preset(scale, "n"), {}, ULTRALYTICS) for scale in "nsmblx"),
    *((f"yolo11{scale}", "yolo11", preset(scale, "n"), {}, ULTRALYTICS) for scale in SCALES),
    *((f"yolo12{scale}", "yolo12", preset(scale, "n"), {}, ULTRALYTICS) for scale in SCALES),
    *((f"yolo26{scale}", "yolo26", preset(scale, "n"), {}, ULTRALYTICS) for scale in SCALES),
    *((f"yolox-{scale}", "yolox", preset(scale, "s"), {}, "mmdet.YOLOXPAFPN") for scale in ("tiny", *"smlx")),
    *((f"rtmdet-{scale}", "rtmdet", preset(scale, "s"), {}, "mmdet.CSPNeXtPAFPN") for scale in ("tiny", *"smlx")),
]
QUICK = {"yolov5n", "yolov5n-p6", "yolov8n", "yolov8n-p2", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n"}
QUICK |= {"yolox-s", "rtmdet-tiny"}


@pytest.mark.parametrize(
    ("name", "graph", "scale", "params", "source"),
    [pytest.param(*case, id=case[0], marks=() if case[0] in QUICK else pytest.mark.slow) for case in CASES],
)
def test_a_shipped_graph_infers_and_trains_as_its_reference(
    name: str, graph: str, scale: str | None, params: dict[str, int], source: str
) -> None:
    reference = NECKS[name]()
    theirs = randomised(reference.neck)
    channels = {f"C{level}": width for level, width in reference.in_channels.items()}
    ours = fpngraph.build(fpngraph.load(graph, preset=scale, **params), channels)
    state = theirs.state_dict()

    around = {"model.0.conv.weight": state[next(iter(state))], "model.99.cv2.weight": state[next(iter(state))]}
    around = around if source == ULTRALYTICS else {}  # of the rows before a neck, and of a head

    carried = fpngraph.load_from(ours, state | around, source)

    assert (carried.missing, carried.unused) == ((), tuple(around))
    names = {ours: one for ours, (one,) in names_of(ours, table_for(ours, source), state=state).items()}
    assert_equal_necks(ours, theirs, names, maps(reference, 128, 192))
    assert ours.fuse().unfolded == {}


def test_a_row_within_the_neck_that_no_graph_has_is_refused() -> None:
    reference = NECKS["yolov8n"]()
    state = reference.neck.state_dict()
    neck = fpngraph.build(fpngraph.load("yolov8"), list(reference.in_channels.values()))

    with pytest.raises(StateError, match=r"of theirs without a counterpart: 'model\.13\.conv\.weight'"):
        fpngraph.load_from(neck, state | {"model.13.conv.weight": state[next(iter(state))]}, ULTRALYTICS)
