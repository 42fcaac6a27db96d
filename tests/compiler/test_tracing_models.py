"""Pyramids and detectors, traced and exported by the tracer, are right for images of other sizes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.detection import anchor_boxes
from fpngraph.efficientdet import config, create
from fpngraph.feature import Size
from tests.equality.pairwise import Case, pairwise
from tests.necks import GRAPHS
from tests.traces import assert_equal_maps, onnx_session, trace

TRACED = (128, 160)
OTHERS = [(97, 150), (191, 257), (65, 33)]
TENSORFLOW = "tf_mobilenetv3_small_minimal_100"  # has its padding
MODELS = {"test_efficientnet": "efficientdet_d0", TENSORFLOW: "tf_efficientdet_d0"}
"""The configuration of a detector by its backbone."""

# What surrounds a neck is the same for all, and test_tracing.py has each neck in each form: here everything around
# one neck meets, and of the others every two values.
AROUND: Mapping[str, tuple[object, ...]] = {
    "kind": ("pyramid", "detector"),
    "fused": (False, True),
    "backbone": tuple(MODELS),
    "gradients": (False, True),
}
TRACES = [
    *({"name": "bifpn", **dict(zip(AROUND, values, strict=True))} for values in product(*AROUND.values())),
    *pairwise({"name": [name for name in GRAPHS if name != "bifpn"], **AROUND}),
]
FORMS = {name: AROUND[name] for name in ("kind", "fused")}
TORCHSCRIPT = pairwise({"name": list(GRAPHS), **FORMS, "backbone": [TENSORFLOW], "modern": [False]})
# torch.export takes minutes for a backbone with TensorFlow's padding; whole detectors are in tests/exporting
MODERN = {"backbone": "test_efficientnet", "modern": True}
DYNAMO: list[Case] = [
    {"name": "bifpn", "kind": "pyramid", "fused": True, **MODERN},
    {"name": "fpn", "kind": "detector", "fused": False, **MODERN},
]


def parameters(cases: list[Case]) -> list[Any]:
    """The cases with their ids; those of a fused bifpn are quick."""
    found = []
    for case in cases:
        quick = case["name"] == "bifpn" and case["fused"]
        words = [str(value) if isinstance(value, str) else key for key, value in case.items() if value]
        found.append(pytest.param(case, marks=() if quick else pytest.mark.slow, id="-".join(words)))
    return found


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


def detector(name: str, backbone: str, *, fused: bool) -> Any:
    changes: dict[str, Any] = {"backbone": backbone, "backbone_args": {}, "head_repeats": 1, "num_classes": 2}
    made = learned(create(MODELS[backbone], graph=name, params=GRAPHS[name], match=False, **changes))
    return made.fuse() if fused else made


def made(case: Any) -> Any:
    """The model of a case."""
    make = pyramid if case["kind"] == "pyramid" else detector
    return make(case["name"], case["backbone"], fused=case["fused"])


def image(size: tuple[int, int], batch: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(batch, 3, *size, dtype=dtype, generator=torch.Generator().manual_seed(sum(size)))


def listed(outputs: Any) -> list[Tensor]:
    """The maps of a pyramid, or those of a detector's classes and boxes, which a trace gives as a tuple."""
    if isinstance(outputs, dict):
        return list(outputs.values())
    return [*outputs[0], *outputs[1]]


@pytest.mark.parametrize("case", parameters(TRACES))
def test_a_traced_model_is_right_for_other_images(case: Case) -> None:
    module = made(case)

    with torch.set_grad_enabled(bool(case["gradients"])):
        traced = trace(module, image(TRACED), strict=case["kind"] == "detector")  # a pyramid gives a dict

    with torch.no_grad():
        for batch, size in enumerate(OTHERS, start=1):
            x = image(size, batch)
            assert_equal_maps(listed(traced(x)), listed(module(x)), 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("case", parameters([*TORCHSCRIPT, *DYNAMO]))
def test_both_exporters_to_onnx_write_models_for_other_images(case: Case) -> None:
    module = made(case).float()
    with torch.no_grad():
        outputs = [f"out{index}" for index, _ in enumerate(listed(module(image(TRACED, dtype=torch.float32))))]

    example = image((256, 320), 2, torch.float32)
    session = onnx_session(module, (example,), ["image"], outputs, modern=bool(case["modern"]))

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
