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
    "v3/yolov3-spp": (None,),
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
    "v9/yolov9e": (None,),
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


CLASSIFIERS = {
    *("11/yolo11-cls", "12/yolo12-cls", "26/yolo26-cls", "v8/yolov8-cls", "v8/yolov8-cls-resnet50"),
    *("v8/yolov8-cls-resnet101", "11/yolo11-cls-resnet18"),
}
REFUSED = {
    **dict.fromkeys(CLASSIFIERS, "the file has no neck"),
    "11/yolo11-cls-resnet18": "row 0 is a 'TorchVision', whose stride and channels are not known",
    "v8/yolov8-world": "row 16 is a 'ImagePoolingAttn', whose stride and channels are not known",
    "v8/yolov8-worldv2": "row 12 is a 'C2fAttn', for which there are no layers here",
}
"""Models without a neck, and YOLO-World's, which texts guide."""


def models() -> Path:
    """The folder of Ultralytics' model files."""
    with library("ultralytics"):
        import ultralytics as theirs  # type: ignore[import-untyped]
    return Path(theirs.__file__).parent / "cfg" / "models"


def test_all_model_files_are_converted_but_those_that_have_no_neck_or_take_texts() -> None:
    found: dict[str, str] = {}
    files = sorted(models().rglob("*.yaml"))
    for file in files:
        try:
            fpngraph.loads(convert(file).graph)
        except fpngraph.GraphError as error:
            found[file.relative_to(models()).with_suffix("").as_posix()] = error.problems[0].message

    assert (len(files), len(files) - len(found)) == (66, 57)
    assert found == REFUSED


def converted(file: str, scale: str | None) -> tuple[Reference, Converted, fpngraph.Neck]:
    """A neck of Ultralytics' own, its file converted, and the neck of the graph."""
    reference = ultralytics.neck(f"{file}.yaml", scale)
    found = convert(models() / f"{file}.yaml", scale)
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
