"""What is exported is compared with the neck before anybody gets it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import torch

from fpngraph import FeaturePyramid
from fpngraph.exporting import ExportedDetector, export_pyramid, forms, onnx
from fpngraph.exporting.alike import Comparison
from fpngraph.exporting.description import Description
from fpngraph.exporting.necks import Exported, export_neck
from fpngraph.exporting.program import ExportError, Program, silence
from fpngraph.exporting.torchvisions import ExportedTorchvision
from tests.necks import neck_of


@pytest.mark.exports
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("off", "written"), [(0.01, "1.0e-02"), (float("nan"), "nan")], ids=["another", "no number"])
def test_a_program_that_gives_something_else_for_a_batch_is_refused(
    off: float, written: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    neck = neck_of("P6: {inputs: [P5]}", outputs="[P6]")

    def wrong(_traced: Any, _opset: Any) -> Program:
        def run(maps: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            return [x * (1 + off) if len(x) == batch else x for x in neck(maps)]

        return Program(b"", tuple(neck.in_channels), 1, run)

    monkeypatch.setitem(forms._WRITERS, "torch-export", wrong)

    with pytest.raises(ExportError) as caught, torch.no_grad():
        export_neck(neck, "torch-export", image_size=(512, 512))

    assert str(caught.value) == f"what was exported differs from the neck by {written}, more than 1e-04"


def test_a_notebook_shows_what_was_exported_without_its_bytes() -> None:
    content = bytes(10**6)
    description = Description.model_construct(format=1)
    made = [
        Exported(content, ("P3",), 1, 0.0, {}),
        ExportedDetector(content, description, 1, Comparison(), {}),
        ExportedTorchvision(content, Comparison()),
        Program(content, ("images",), 1, list),
    ]

    assert max(len(repr(exported)) for exported in made) < 400


def test_a_form_that_does_not_exist_is_refused() -> None:
    neck = neck_of("P6: {inputs: [P5]}", outputs="[P6]")

    with pytest.raises(ValueError) as caught:
        export_neck(neck, "tflite", image_size=(512, 512))

    assert str(caught.value) == "there is no form 'tflite'\n  hint: there are: onnx, torch-export"


@pytest.mark.exports
def test_an_opset_of_a_form_that_has_none_is_refused() -> None:
    neck = neck_of("P6: {inputs: [P5]}", outputs="[P6]")

    with pytest.raises(ExportError) as caught:
        export_neck(neck, "torch-export", image_size=(512, 512), opset=18)

    assert str(caught.value) == "an opset is for ONNX, and torch-export has none"


@pytest.mark.parametrize(("wanted", "nearest"), [(9, 15), (14, 15), (24, 23), (99, 23), (10**9, 23)])
def test_the_opset_that_is_nearest_to_one_that_cannot_be_written_is_found(wanted: int, nearest: int) -> None:
    assert onnx._nearest(lambda opset: 15 <= opset <= 23, wanted, 20) == nearest


@pytest.mark.exports
@pytest.mark.parametrize("form", forms.FORMS)
def test_a_neck_without_weights_is_refused(form: str) -> None:
    neck = neck_of("P6: {inputs: [P5], op: [conv]}", outputs="[P6]").to("meta")

    with pytest.raises(ExportError) as caught:
        export_neck(neck, form, image_size=(512, 512))

    assert str(caught.value) == (
        "the neck has no weights yet: on the device meta, without numbers, are 'P6.op.conv.weight' "
        "and 1 more\n"
        "  hint: load weights first, with load_state_dict(state, assign=True)"
    )


@pytest.mark.exports
def test_a_neck_whose_weights_are_no_numbers_is_refused() -> None:
    neck = neck_of("P6: {inputs: [P5], op: [conv]}", outputs="[P6]")
    next(neck.parameters()).data[0] = float("nan")

    with pytest.raises(ExportError) as caught:
        export_neck(neck, "torch-export", image_size=(512, 512))

    assert str(caught.value) == (
        "the neck has weights that are no numbers (NaN): 'P6.op.conv.weight'\n"
        "  hint: export a checkpoint from before the training diverged"
    )


@pytest.mark.exports
def test_what_is_no_neck_is_refused() -> None:
    neck = neck_of("P6: {inputs: [P5], op: [conv]}", outputs="[P6]").eval()

    with pytest.raises(TypeError, match=r"neck is a FusedNeck, not a Neck\n  hint: fpngraph\.build"):
        export_neck(neck.fuse(), "torch-export", image_size=(512, 512))  # type: ignore[arg-type]  # that is it


@pytest.mark.exports
def test_what_is_no_pyramid_with_a_neck_is_refused() -> None:
    pyramid = FeaturePyramid("test_efficientnet", "fpn", params={"channels": 8})
    holds_fused = copy.deepcopy(pyramid)
    holds_fused.neck = pyramid.eval().neck.fuse()  # type: ignore[operator]  # it is a Neck

    for wrong in (pyramid.fuse(), pyramid.backbone, holds_fused):
        with pytest.raises(TypeError, match=r"^pyramid is a \w+, not a FeaturePyramid with a Neck\n  hint: "):
            export_pyramid(wrong, "torch-export", image_size=(96, 96))  # type: ignore[arg-type]  # that is it


@pytest.mark.exports
@pytest.mark.parametrize("image_size", [96, (96,), (96.0, 96), (0, 96)])
def test_an_image_size_that_is_none_is_refused(image_size: Any) -> None:
    neck = neck_of("P6: {inputs: [P5], op: [conv]}", outputs="[P6]")
    pyramid = FeaturePyramid("test_efficientnet", "fpn", params={"channels": 8})

    for export, module in ((export_neck, neck), (export_pyramid, pyramid)):
        with pytest.raises(ValueError) as caught:
            export(module, "torch-export", image_size=image_size)  # type: ignore[arg-type, operator]  # both alike

        assert str(caught.value) == f"image_size is {image_size!r}, but must be (height, width) in pixels"


@pytest.mark.exports
def test_a_neck_in_half_precision_is_written_in_float32_stage_by_stage() -> None:
    neck = neck_of("P6: {inputs: [P5], op: [conv]}", outputs="[P6]").half()

    stages: list[str] = []

    exported = export_neck(neck, "torch-export", image_size=(512, 512), progress=stages.append)

    assert stages == ["tracing", "writing", "comparing"]
    assert exported.difference < 1e-5
    assert next(neck.parameters()).dtype is torch.float16


@contextmanager
def float64_by_default() -> Any:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.exports
@pytest.mark.parametrize(
    "setting",
    [lambda: torch.autocast("cpu", torch.bfloat16), float64_by_default, lambda: torch.device("meta")],
    ids=["autocast", "default type", "default device"],
)
def test_what_the_caller_has_set_is_not_written_into_a_program(
    setting: Callable[[], AbstractContextManager[Any]],
) -> None:
    neck = neck_of("P6: {inputs: [P5], op: [conv]}", outputs="[P6]")
    expected = export_neck(neck, "torch-export", image_size=(512, 512))

    with setting():
        default = torch.get_default_dtype()
        exported = export_neck(neck, "torch-export", image_size=(512, 512))
        assert torch.get_default_dtype() is default

    assert (exported.operators, exported.difference) == (expected.operators, expected.difference)


@pytest.mark.exports
def test_progress_may_log_and_its_own_error_is_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    neck = neck_of("P6: {inputs: [P5]}", outputs="[P6]")
    caplog.set_level(logging.INFO)

    export_neck(neck, "torch-export", image_size=(512, 512), progress=logging.getLogger("own").info)

    assert [it.message for it in caplog.records if it.name == "own"] == ["tracing", "writing", "comparing"]
    with pytest.raises(ZeroDivisionError):
        export_neck(neck, "torch-export", image_size=(512, 512), progress=lambda _: 1 / 0)


def test_what_was_not_logged_before_is_not_logged_after() -> None:
    logging.disable(logging.INFO)
    try:
        with silence():
            assert not logging.getLogger().isEnabledFor(logging.CRITICAL)

        assert logging.root.manager.disable == logging.INFO
    finally:
        logging.disable(logging.NOTSET)
