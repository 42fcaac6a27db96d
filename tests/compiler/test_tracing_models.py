"""Pyramids and detectors, traced and exported by the tracer, are right for images of other sizes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.detection import anchor_boxes
from fpngraph.efficientdet import config, create
from fpngraph.feature import Size
from tests.necks import GRAPHS
from tests.traces import assert_equal_maps, onnx_session, trace

TRACED = (128, 160)
OTHERS = [(97, 150), (191, 257), (65, 33)]
BACKBONES = ["test_efficientnet", "tf_mobilenetv3_small_minimal_100"]  # the second with TensorFlow's padding

SLOW = pytest.mark.slow
CASES = [
    pytest.param(name, fused, marks=() if name == "bifpn" and fused else SLOW, id=f"{name}-{form}")
    for name in GRAPHS
    for fused, form in ((False, "plain"), (True, "fused"))
]


def learned(module: nn.Module) -> Any:
    """The module itself in eval mode and float64, with random fusion weights, biases and statistics of norms."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in module.named_parameters():
        if parameter.dim() == 1 and not name.endswith("bias"):
            nn.init.uniform_(parameter, 0.5, 1.5, generator=generator)
        elif parameter.dim() == 1:
            nn.init.normal_(parameter, std=0.1, generator=generator)
    for name, buffer in module.named_buffers():
        if name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 1.5, generator=generator)
        elif name.endswith("running_mean"):
            nn.init.normal_(buffer, std=0.1, generator=generator)
    return module.double().eval()


def pyramid(name: str, backbone: str, *, fused: bool) -> fpngraph.FeaturePyramid:
    made: fpngraph.FeaturePyramid = learned(fpngraph.FeaturePyramid(backbone, name, params=GRAPHS[name]))
    if fused:
        made.neck = made.neck.fuse()  # type: ignore[assignment]
    return made


def detector(name: str, model: str, backbone: str, *, fused: bool) -> Any:
    changes: dict[str, Any] = {"backbone": backbone, "backbone_args": {}, "head_repeats": 1, "num_classes": 2}
    made = learned(create(model, graph=name, params=GRAPHS[name], match=False, **changes))
    return made.fuse() if fused else made


def image(size: tuple[int, int], batch: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(batch, 3, *size, dtype=dtype, generator=torch.Generator().manual_seed(sum(size)))


def listed(outputs: Any) -> list[Tensor]:
    """The maps of a pyramid, or those of a detector's classes and boxes, which a trace gives as a tuple."""
    if isinstance(outputs, dict):
        return list(outputs.values())
    return [*outputs[0], *outputs[1]]


@pytest.mark.parametrize("gradients", [False, True], ids=["no_grad", "grad"])
@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(("name", "fused"), CASES)
def test_a_traced_pyramid_is_right_for_other_images(name: str, fused: bool, backbone: str, gradients: bool) -> None:
    module = pyramid(name, backbone, fused=fused)

    with torch.set_grad_enabled(gradients):
        traced = trace(module, image(TRACED), strict=False)

    with torch.no_grad():
        for batch, size in enumerate(OTHERS, start=1):
            x = image(size, batch)
            assert_equal_maps(listed(traced(x)), listed(module(x)), 1e-12)


MODELS = [("efficientdet_d0", BACKBONES[0]), ("tf_efficientdet_d0", BACKBONES[1])]


@pytest.mark.parametrize("gradients", [False, True], ids=["no_grad", "grad"])
@pytest.mark.parametrize(("model", "backbone"), MODELS)
@pytest.mark.parametrize(("name", "fused"), CASES)
def test_a_traced_detector_is_right_for_other_images(
    name: str, fused: bool, model: str, backbone: str, gradients: bool
) -> None:
    module = detector(name, model, backbone, fused=fused)

    with torch.set_grad_enabled(gradients):
        traced = trace(module, image(TRACED))

    with torch.no_grad():
        for batch, size in enumerate(OTHERS, start=1):
            x = image(size, batch)
            assert_equal_maps(listed(traced(x)), listed(module(x)), 1e-12)


# What surrounds a neck is the same for all of them; the necks themselves go through both exporters elsewhere.
EXPORTERS = [
    *(pytest.param(*case.values, False, id=f"{case.id}-torchscript") for case in CASES),
    *(pytest.param(*case.values, True, id=f"{case.id}-dynamo") for case in CASES if case.values[0] in ("bifpn", "fpn")),
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pyramid", "detector"])
@pytest.mark.parametrize(("name", "fused", "modern"), EXPORTERS)
def test_both_exporters_to_onnx_write_models_for_other_images(name: str, fused: bool, kind: str, modern: bool) -> None:
    model, backbone = MODELS[0 if modern else 1]  # torch.export takes minutes for a backbone with TensorFlow's padding
    made = pyramid(name, backbone, fused=fused) if kind == "pyramid" else detector(name, model, backbone, fused=fused)
    module = made.float()
    with torch.no_grad():
        outputs = [f"out{index}" for index, _ in enumerate(listed(module(image(TRACED, dtype=torch.float32))))]

    session = onnx_session(module, (image((256, 320), 2, torch.float32),), ["image"], outputs, modern=modern)

    assert [entry.name for entry in session.get_inputs()] == ["image"]
    for size in ((333, 258), (257, 301)):
        x = image(size, 3, torch.float32)
        with torch.no_grad():
            assert_equal_maps(session.run(None, {"image": x.numpy()}), listed(module(x)), 1e-4)


def test_anchors_are_refused_in_a_trace() -> None:
    class Anchors(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            height, width = images.shape[-2:]
            return anchor_boxes(config("efficientdet_d0"), Size(height, width), [Size(height // 8, width // 8)])

    with pytest.raises(RuntimeError) as raised:
        trace(Anchors(), image(TRACED))

    assert str(raised.value) == (
        "anchors are for one size of image, and a trace would keep them for every other\n"
        "  hint: trace the model alone, and decode what it predicts outside of the trace"
    )
