"""Model files of Ultralytics, converted and loaded by their table, give the numbers of their rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import fpngraph
from fpngraph.importers.ultralytics.convert import Converted, convert
from fpngraph.weights.sources import names_of
from fpngraph.weights.tables import Table
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.reference import Reference, library, maps, randomised
from tests.oracles.references import ultralytics

SCALED = {
    "v3/yolov3-tiny": (None,),
    "v3/yolov3": (None,),
    "v5/yolov5": ("n", "s", "m", "l", "x"),
    "v5/yolov5-p6": ("n",),
    "v6/yolov6": ("n", "m"),
    "v8/yolov8": ("n", "s", "m", "l", "x"),
    "v8/yolov8-p2": ("s",),
    "v8/yolov8-p6": ("n", "m"),
    "v9/yolov9t": (None,),
    "v9/yolov9s": (None,),
    "v9/yolov9m": (None,),
    "v9/yolov9c": (None,),
    "v10/yolov10n": (None,),
    "v10/yolov10s": (None,),
    "v10/yolov10m": (None,),
    "v10/yolov10b": (None,),
    "v10/yolov10x": (None,),
    "11/yolo11": ("n", "s", "m", "l", "x"),
    "12/yolo12": ("n", "s", "m", "l", "x"),
    "26/yolo26": ("n", "s", "m", "l", "x"),
    "26/yolo26-p2": ("n",),
    "26/yolo26-p6": ("n",),
}
CASES = [(file, scale) for file, scales in SCALED.items() for scale in scales]


def converted(file: str, scale: str | None) -> tuple[Reference, Converted, fpngraph.Neck]:
    """A neck of Ultralytics' own, its file converted, and the neck of the graph."""
    reference = ultralytics.neck(f"{file}.yaml", scale)
    with library("ultralytics"):
        import ultralytics as theirs  # type: ignore[import-untyped]
    found = convert(Path(theirs.__file__).parent / "cfg" / "models" / f"{file}.yaml", scale)
    graph = fpngraph.loads(found.graph)
    channels = {f"C{level}": width for level, width in reference.in_channels.items()}
    return reference, found, fpngraph.build(graph, channels)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "scale"), CASES, ids=[f"{file}-{scale}" if scale else file for file, scale in CASES])
def test_a_converted_neck_infers_and_trains_as_the_rows_do(file: str, scale: str | None) -> None:
    reference, found, neck = converted(file, scale)
    theirs = randomised(reference.neck)
    names = {ours: one for ours, (one,) in names_of(neck, Table.model_validate(found.table())).items()}

    assert_equal_necks(neck, theirs, names, maps(reference, 128, 192))


@pytest.mark.parametrize(
    ("file", "scale"), [("v8/yolov8", "n"), ("11/yolo11", "m"), ("v10/yolov10n", None), ("26/yolo26", "n")]
)
def test_a_whole_models_weights_are_taken_for_the_neck_and_no_norm_is_left_when_it_is_fused(
    file: str, scale: str | None
) -> None:
    reference, found, neck = converted(file, scale)
    state = {**randomised(reference.neck).state_dict(), "model.0.conv.weight": next(neck.parameters()).detach()}

    carried = fpngraph.load_from(neck, state, "ultralytics", table=Table.model_validate(found.table()))

    assert set(carried.taken) == set(neck.state_dict())
    assert carried.unused == ("model.0.conv.weight",)
    assert neck.fuse().unfolded == {}
