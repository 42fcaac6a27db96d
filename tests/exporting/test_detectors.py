"""A whole detector in a file finds what the detector finds, or is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from fpngraph.detection import Category, Detections, Detector, Predictions, Suppression
from fpngraph.detection.images import Normalization, normalised
from fpngraph.exporting import (
    ExportedDetector,
    ExportError,
    OnnxDetector,
    ProgramError,
    export_detector,
    forms,
    onnx,
    torch_export,
)
from fpngraph.exporting.alike import alike, compared, images_of, unpacked
from fpngraph.exporting.description import Description
from fpngraph.exporting.program import Program, Run, Traced, silence
from fpngraph.exporting.sizes import Sizes
from fpngraph.exporting.suppression import kept_by_torchvision
from fpngraph.exporting.whole import WholeDetector
from fpngraph.feature import Size
from tests.detection.models import PlainDetector
from tests.efficientdet.test_model import small
from tests.equality.effdet_reference import calibrate, randomise

ASTRONAUT = Path(__file__).parents[2] / "tools" / "astronaut.jpg"
NAMES = [Category(number, f"class {number}") for number in (3, 4, 7, 9, 20)]


def trained(model: Any) -> Any:
    """The model with weights and statistics as after a training: logits spread by 1.5, offsets by 0.3."""
    torch.manual_seed(0)
    images = normalised(images_of(4, Size(384, 384))[0], model.normalization)  # the coarsest map has pixels, too
    randomise(model)
    calibrate(model, images)
    model.eval()
    with torch.no_grad():
        for head, maps, spread in zip((model.class_head, model.box_head), model(images), (1.5, 0.3), strict=True):
            last = [part for part in head.modules() if isinstance(part, nn.Conv2d)][-1]
            for parameter in last.parameters():
                parameter.mul_(spread / torch.cat([x.flatten() for x in maps]).std())
    return model


@dataclass(frozen=True)
class Deployed:
    """A detector, what it was exported to, and that loaded again."""

    model: Any
    exported: ExportedDetector
    run: Run


@pytest.fixture(scope="module")
def of_onnx() -> Deployed:
    model = trained(small(num_classes=5, image_size=(160, 160)))
    exported = export_detector(model, "onnx", categories=NAMES, opset=20)
    return Deployed(model, exported, onnx.run_of(exported.content, ("images", "sizes")))


@pytest.fixture(scope="module")
def of_torch() -> Deployed:
    return in_torch(trained(PlainDetector(num_classes=5)), categories=NAMES)


def in_torch(model: Any, **settings: Any) -> Deployed:
    """With the program that an export itself loads again: loading one takes torch 10 s, for sizes of all levels."""
    programs: list[Program] = []

    def kept(traced: Traced, opset: int | None) -> Program:
        programs.append(torch_export.written(traced, opset))
        return programs[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(forms._WRITERS, "torch-export", kept)
        exported = export_detector(model, "torch-export", **settings)
    assert exported.content == programs[-1].content
    return Deployed(model, exported, programs[-1].run)


class OneMap(nn.Module):
    """A detector of one level: its program is traced and loaded in no time."""

    image_size, suppression = PlainDetector.image_size, PlainDetector.suppression
    anchors, normalization = PlainDetector.anchors, PlainDetector.normalization

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 9, stride=8, padding=4)
        self.class_head = nn.Conv2d(16, self.anchors.per_place * 5, 3, padding=1)
        self.box_head = nn.Conv2d(16, self.anchors.per_place * 4, 3, padding=1)

    def forward(self, images: Tensor) -> Predictions:
        x = self.stem(images).relu()
        return Predictions([self.class_head(x)], [self.box_head(x)])


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("form", ["of_onnx", "of_torch"])
def test_a_file_finds_what_the_detector_finds_in_batches_of_every_size(
    form: str, request: pytest.FixtureRequest
) -> None:
    deployed: Deployed = request.getfixturevalue(form)
    run = deployed.run

    assert deployed.exported.comparison.found > 400
    assert deployed.exported.comparison.score < 1e-5
    total = compared(
        Detector(deployed.model), run, [(1, Size(129, 200)), (4, Size(333, 140)), (2, Size(256, 256))], 0.0
    )
    assert total.alike >= 0.98 * total.found  # some scores are 1.0 all, in an order that no form keeps
    boxes, scores, labels = run(images_of(3, Size(160, 170)))
    assert (boxes.shape, scores.shape, labels.shape) == ((3, 100, 4), (3, 100), (3, 100))
    assert (boxes.dtype, scores.dtype, labels.dtype) == (torch.float32, torch.float32, torch.int64)
    assert (scores.diff(dim=1) <= 1e-6).all()
    nothing = run([x[:0] for x in images_of(1, Size(160, 170))])
    assert [tuple(x.shape) for x in nothing] == [(0, 100, 4), (0, 100), (0, 100)]


@pytest.mark.slow
@pytest.mark.exports
def test_a_file_of_onnx_detects_with_nothing_else(of_onnx: Deployed, tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_bytes(of_onnx.exported.content)

    detector = OnnxDetector(tmp_path / "detector.onnx")

    assert detector.description.categories == tuple(NAMES)
    assert detector.description.image_size == (160, 160)
    for size in ((150, 200), (256, 129)):
        # no photograph: all its scores would be 1, and of equal ones any may be kept
        images = [Image.fromarray(x.permute(1, 2, 0).numpy()) for x in images_of(3, Size(*size))[0]]
        wanted = Detector(of_onnx.model).detect(images, image_size=size)
        found = detector.detect(images, image_size=size, batch_size=2)
        for one, other in zip(found, wanted, strict=True):
            both = alike(one, other, 512)
            assert both.alike >= 0.98 * both.found > 0
            assert one.scores.unique().numel() > 50
    with pytest.raises(ProgramError) as caught:
        detector.detect([ASTRONAUT], image_size=(128, 200))
    assert str(caught.value) == "the program takes images whose sides are 129 pixels or more, not of 128x200"


@pytest.mark.slow
@pytest.mark.exports
def test_what_has_a_lower_score_is_left_out_and_rows_without_a_box_say_so() -> None:
    model = trained(OneMap())
    (found,) = Detector(model)(torch.randn(1, 3, 160, 160))
    limit = float(found.scores[20])

    deployed = in_torch(model, score=limit)

    boxes, scores, labels = deployed.run(images_of(1, Size(160, 160)))
    there = labels >= 0
    assert deployed.exported.description.score == limit
    assert (scores[there] >= limit).all()
    assert not there.all()
    assert not boxes[~there].any()
    assert not scores[~there].any()


@pytest.mark.exports
def test_soft_suppression_is_refused() -> None:
    model = PlainDetector(num_classes=2)
    model.suppression = Suppression(soft=True)

    with pytest.raises(ExportError, match=r"^soft suppression cannot be in a file: .* lowers scores\n  hint: "):
        export_detector(model, "onnx")


@pytest.mark.exports
def test_names_of_other_classes_are_refused() -> None:
    with pytest.raises(ExportError) as caught:
        export_detector(PlainDetector(num_classes=2), "onnx", categories=NAMES)

    assert str(caught.value) == "there are 5 categories, but the model has 2 classes"


WRONG: Mapping[str, Callable[..., Any]] = {
    "boxes": lambda boxes, scores, labels: (boxes + 0.5, scores, labels),
    "scores": lambda boxes, scores, labels: (boxes, scores * 1.01, labels),
    "labels": lambda boxes, scores, labels: (boxes, scores, labels.where(labels < 0, (labels + 1) % 5)),
    "fewer": lambda boxes, scores, labels: (boxes[:, :90], scores[:, :90], labels[:, :90]),
    "no number": lambda boxes, scores, labels: (boxes * torch.nan, scores, labels),
}
FOUND_ELSE = r"^what was exported finds something else than the detector: "


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_program_that_finds_something_else_is_told_apart(change: Callable[..., Any], of_torch: Deployed) -> None:
    batches = of_torch.exported.description.sizes.others(of_torch.exported.description.image_size)

    with pytest.raises(ExportError, match=FOUND_ELSE):
        compared(Detector(of_torch.model), lambda given: change(*of_torch.run(given)), batches, 0.0)


@pytest.mark.slow
@pytest.mark.exports
def test_a_program_that_finds_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(traced: Traced, _opset: int | None) -> Program:
        module = traced.program.module()
        return Program(b"", traced.inputs, 1, lambda given: WRONG["boxes"](*module(*given)))

    monkeypatch.setitem(forms._WRITERS, "torch-export", wrong)

    with pytest.raises(ExportError, match=FOUND_ELSE):
        export_detector(trained(OneMap()), "torch-export")


def test_where_nothing_is_found_nothing_can_be_compared() -> None:
    model = PlainDetector(num_classes=2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(math.nan)

    def nothing(given: Sequence[Tensor]) -> Sequence[Tensor]:
        return torch.zeros(1, 5, 4), torch.zeros(1, 5), torch.full((1, 5), -1)

    with pytest.raises(ExportError, match=r"^the detector finds nothing at all, so that nothing can be compared\n"):
        compared(Detector(model), nothing, [(1, Size(64, 64))], 0.0)


def test_a_whole_detector_finds_what_the_detector_finds_before_it_is_a_program() -> None:
    model = trained(PlainDetector(num_classes=5))
    whole = WholeDetector(model, model, kept_by_torchvision, score=0.0)

    with torch.no_grad():
        found = compared(Detector(model), lambda given: whole(*given), [(2, Size(96, 160))], 0.0)

    assert found.found > 100


def test_suppression_goes_by_image_and_class() -> None:
    box, moved, apart = [0.0, 0, 10, 10], [1.0, 0, 11, 10], [50.0, 50, 60, 60]
    boxes = torch.tensor([[box, moved, apart, moved], [moved, box, box, apart]])
    scores = torch.tensor([[0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6]])
    labels = torch.tensor([[0, 0, 0, 1], [1, 1, 0, 1]])

    kept = kept_by_torchvision(boxes, scores, labels, 0.5, 2)

    assert kept.tolist() == [[True, False, True, True], [True, False, True, True]]


def test_of_no_images_nothing_is_kept() -> None:
    kept = kept_by_torchvision(torch.zeros(0, 3, 4), torch.zeros(0, 3), torch.zeros(0, 3).long(), 0.5, 2)

    assert kept.shape == (0, 3)


@pytest.mark.exports
def test_a_program_keeps_one_box_of_all_and_none_of_no_images() -> None:
    class Kept(nn.Module):
        def forward(self, boxes: Tensor, scores: Tensor, labels: Tensor) -> Tensor:
            return kept_by_torchvision(boxes, scores, labels, 0.5, 2)

    given = torch.tensor([0.0, 0, 8, 8]).expand(2, 3, 4), torch.rand(2, 3), torch.zeros(2, 3).long()
    batch = torch.export.Dim("batch", min=0)
    with silence():
        program = torch.export.export(Kept(), given, dynamic_shapes=[{0: batch}] * 3).module()

    assert program(*(x[:1] for x in given)).sum() == 1
    assert program(*(x[:0] for x in given)).shape == (0, 3)


def test_a_box_that_is_no_number_does_not_keep_others_from_being_suppressed() -> None:
    boxes = torch.tensor([[[math.nan] * 4, [0.0, 0, 10, 10], [1.0, 0, 11, 10]]])

    kept = kept_by_torchvision(boxes, torch.tensor([[0.9, 0.8, 0.7]]), torch.tensor([[0, 0, 0]]), 0.5, 1)

    assert kept.tolist() == [[True, True, False]]


def _detections(*rows: tuple[float, float, int]) -> Detections:
    """A box of 10 pixels at each left side, with its score and label."""
    boxes = torch.tensor([[left, 0.0, left + 10, 10.0] for left, _, _ in rows]).view(-1, 4)
    return Detections(boxes, torch.tensor([row[1] for row in rows]), torch.tensor([row[2] for row in rows]))


TWO = ((0.0, 0.9, 1), (50.0, 0.5, 2))


@pytest.mark.parametrize(
    ("other", "number", "found"),
    [
        (TWO, 4, 4),
        (TWO[::-1], 4, 4),
        ((TWO[0], *TWO), 5, 5),
        (((0.005, 0.90005, 1), TWO[1]), 4, 4),
        (((0.0, 0.9, 3), TWO[1]), 2, 4),
        (((0.0, 0.91, 1), TWO[1]), 2, 4),
        (((0.02, 0.9, 1), TWO[1]), 2, 4),
        ((TWO[0],), 2, 3),
        ((*TWO, (80.0, 0.4, 1)), 4, 5),
        ((), 0, 2),
    ],
    ids=["same", "order", "twice", "rounded", "label", "score", "box", "fewer", "more", "none"],
)
def test_detections_are_alike_with_one_label_score_and_box(
    other: tuple[tuple[float, float, int], ...], number: int, found: int
) -> None:
    for pair in ((TWO, other), (other, TWO)):
        comparison = alike(*(_detections(*rows) for rows in pair), side=100)

        assert (comparison.alike, comparison.found) == (number, found)


class OfFrames(OnnxDetector):
    """Finds one thing in each image: all of it that is image."""

    def __init__(self) -> None:
        self.description = Description(
            image_size=Size(64, 96),
            sizes=Sizes(),
            normalization=Normalization(),
            categories=(Category(1, "frame"),),
            score=0.0,
            suppression=Suppression(),
        )

    def _run(self, images: Tensor, sizes: Tensor) -> list[Tensor]:
        boxes = torch.cat([torch.zeros_like(sizes), sizes.flip(1)], dim=1)[:, None]
        return [boxes, torch.ones(len(images), 1), torch.zeros(len(images), 1, dtype=torch.int64)]


def test_a_file_finds_boxes_in_the_pixels_of_each_image() -> None:
    sides = [(96, 64), (192, 64), (40, 200), (7, 3)]

    found = OfFrames().detect([Image.new("RGB", size) for size in sides], batch_size=3)

    for one, (width, height) in zip(found, sides, strict=True):
        torch.testing.assert_close(one.boxes, torch.tensor([[0.0, 0.0, width, height]]))


def test_rows_without_a_label_are_no_detections() -> None:
    outputs = torch.rand(2, 3, 4), torch.rand(2, 3), torch.tensor([[4, 0, -1], [-1, -1, -1]])

    first, second = unpacked(outputs)

    assert (first.labels.tolist(), second.labels.tolist()) == ([4, 0], [])


@pytest.mark.exports
def test_files_that_are_no_detectors_are_messages(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx', which 'dev' has")
    from onnx import TensorProto, helper

    (tmp_path / "text.onnx").write_text("no model")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
    model.metadata_props.add(key="fpngraph", value=json.dumps({"version": 2}))
    (tmp_path / "newer.onnx").write_bytes(model.SerializeToString())

    for name, text in (
        ("text", "is no model that ONNX Runtime can run: "),
        ("other", "is no detector of fpngraph\n  hint: fpngraph export --weights best.ckpt -o detector.onnx"),
        ("newer", "says of itself what this version of fpngraph does not know"),
    ):
        path = tmp_path / f"{name}.onnx"
        with pytest.raises(ProgramError) as caught:
            OnnxDetector(path)
        assert str(caught.value).startswith(f"{str(path)!r} {text}")
        assert name == "newer" or "\n  hint: fpngraph export --weights best.ckpt" in str(caught.value)
    with pytest.raises(ProgramError) as caught:
        OnnxDetector(tmp_path / "other.onnx", device="gpu")
    assert str(caught.value) == "ONNX Runtime has no device 'gpu' here; it has cpu"


@pytest.mark.exports
@pytest.mark.parametrize("score", [-0.1, 1.5, math.nan])
def test_a_score_that_is_none_is_refused(score: float) -> None:
    with pytest.raises(ValueError) as caught:
        export_detector(PlainDetector(num_classes=5), "torch-export", score=score)

    assert str(caught.value) == f"score is {score!r}, but must be from 0 to 1"
