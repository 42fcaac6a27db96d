"""The command that writes programs: of a neck, of a pyramid, of a detector."""

from __future__ import annotations

from collections.abc import Iterable

from fpngraph.cli.detectors import DetectorChoice, labels_in
from fpngraph.cli.graphs import Choice
from fpngraph.cli.quantising import Calibration, in_int8
from fpngraph.cli.stages import Stages
from fpngraph.cli.values import UsageError, enough_memory
from fpngraph.compiler.builder import build
from fpngraph.compiler.compiled import Compiled
from fpngraph.exporting import Exported, export_detector, export_neck, export_pyramid
from fpngraph.exporting.onnx import operators_in
from fpngraph.files import replace_file
from fpngraph.inference.folding import told
from fpngraph.pyramid.feature_pyramid import FeaturePyramid
from fpngraph.weights import trained
from fpngraph.weights.state import differences, read_state, refuse

_SMALLER = "--image-size can be smaller, or the channels of the graph"


def neck(  # noqa: PLR0913  (the options of an export)
    choice: Choice, form: str, output: str, *, weights: str | None, opset: int | None, image_size: tuple[int, int]
) -> int:
    """Write a neck alone: maps in, maps out."""
    graph = choice.load()
    channels = choice.channels(graph)
    if channels is None:
        raise UsageError("export needs the channels of the inputs: add --in-channels or --backbone")
    with enough_memory(_SMALLER), Stages(f"exporting {graph.name}") as stage:
        stage("building")
        neck = trained.trained(graph, channels, weights) if weights else build(graph, channels)
        exported = export_neck(neck, form, image_size=image_size, opset=opset, progress=stage)
    _write(output, exported.content, exported.operators)
    strides = [1 << entry.level for entry in neck.source_graph.inputs.values()]
    _print_maps("inputs", exported.inputs, neck.in_channels.values(), strides)
    _tell("neck", exported, neck)
    return 0


def pyramid(  # noqa: PLR0913  (the options of an export)
    choice: Choice, form: str, output: str, *, weights: str | None, opset: int | None, image_size: tuple[int, int]
) -> int:
    """Write a backbone with its neck: images in, maps out."""
    if choice.backbone is None:
        raise UsageError("--with-backbone needs the backbone\n  hint: add --backbone NAME")
    graph = choice.load()
    with enough_memory(_SMALLER), Stages(f"exporting {graph.name}") as stage:
        stage("building")
        made = FeaturePyramid(choice.backbone, graph)
        if weights:
            state = read_state(weights)
            hint = "the state dict of a FeaturePyramid is required, with this graph and backbone"
            refuse(f"{weights!r} does not fit the pyramid", differences(state, made.state_dict()), hint)
            made.load_state_dict(state)
        exported, sizes = export_pyramid(made, form, image_size=image_size, opset=opset, progress=stage)
    _write(output, exported.content, exported.operators)
    print(f"inputs  {exported.inputs[0]} [batch, 3, height, width], as the backbone takes images: normalised")
    _tell("pyramid", exported, made.neck, f"it takes any number of images {sizes}")
    return 0


def detector(  # noqa: PLR0913  (the options of an export)
    choice: DetectorChoice,
    form: str,
    output: str,
    *,
    labels_file: str | None,
    score: float,
    opset: int | None,
    calibration: Calibration | None,
) -> int:
    """Write a whole detector: images in, boxes out."""
    paths = calibration.paths() if calibration else ()
    with enough_memory("--image-size can be smaller, or --max-detections"), Stages("exporting the detector") as stage:
        stage("building")
        model, categories = choice.make(labels_in(labels_file))
        exported = export_detector(model, form, categories=categories, score=score, opset=opset, progress=stage)
        content, operators = exported.content, exported.operators
        if calibration:
            stage("calibrating int8, and measuring it")
            content = in_int8(exported, calibration, paths)
            operators = operators_in(content)
    _write(output, content, operators)
    said, most = exported.description, model.suppression.max_detections
    print("inputs  images [batch, 3, height, width], uint8, red, green and blue; they are normalised within")
    print("        sizes [batch, 2], float32, height and width of what is image in each; boxes end there")
    print(f"outputs boxes [batch, {most}, 4], left, top, right, bottom in pixels of the batch")
    print(f"        scores [batch, {most}], best first; labels [batch, {most}], -1 where there is no box")
    print(f"it takes any number of images {said.sizes}, and has the names of {len(said.categories)} classes")
    for line in told(exported.unfolded):
        print(line)
    in_float = "in float32, " if calibration else ""
    print(f"compared with the detector, {in_float}run at other sizes: {exported.comparison}")
    return 0


def _write(output: str, content: bytes, operators: int) -> None:
    replace_file(output, content)
    print(f"wrote {output}: {len(content):,} bytes, {operators} operators")


def _tell(what: str, exported: Exported, neck: Compiled, *more: str) -> None:
    """What comes out, ``more`` behind it, and how far that is from the module."""
    _print_maps("outputs", neck.out_channels, neck.out_channels.values(), neck.out_strides.values())
    for line in (*more, *told(exported.unfolded)):
        print(line)
    difference = f"{exported.difference:.1e} of an output's largest value"
    print(f"largest difference from the {what}, run at other sizes: {difference}")


def _print_maps(what: str, names: Iterable[str], channels: Iterable[int], strides: Iterable[int]) -> None:
    for name, count, stride in zip(names, channels, strides, strict=True):
        print(f"{what:7} {name} [batch, {count}, height/{stride}, width/{stride}]")
