"""What scripts or traces a module finds: a neck is a leaf of torch.fx, and else says what to use in their place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, fx, nn
from torchvision.models.feature_extraction import create_feature_extractor

import fpngraph
from fpngraph.compiler.compiled import Compiled
from fpngraph.efficientdet import EfficientDet
from tests.efficientdet.test_model import small
from tests.necks import shipped

SCRIPT = (
    "torch.jit.script cannot compile a neck\n"
    "  hint: torch.jit.trace makes TorchScript of it; torch.export and 'fpngraph export' make other programs"
)
FX = (
    "torch.fx cannot trace into a neck, which looks at the sizes of its maps\n"
    "  hint: trace around it, with a Tracer whose is_leaf_module says True for it; or use torch.export"
)


class NecksAreLeaves(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Compiled) or super().is_leaf_module(m, module_qualified_name)


def pyramid() -> fpngraph.FeaturePyramid:
    return fpngraph.FeaturePyramid("test_efficientnet", "bifpn", params={"channels": 8, "repeats": 1}).eval()


def neck() -> fpngraph.Neck:
    return shipped("fpn")


def fused() -> nn.Module:
    return shipped("fpn").fuse()


def around(module: nn.Module) -> nn.Module:
    return nn.Sequential(module)


MAKERS: dict[str, Callable[[], nn.Module]] = {
    "neck": neck,
    "fused": fused,
    "within": lambda: around(neck()),
    "pyramid": pyramid,
    "detector": small,
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is:FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_compiler_of_torchscript_is_told_what_to_use(make: Callable[[], nn.Module]) -> None:
    module = make()

    with pytest.raises(TypeError) as caught:
        torch.jit.script(module)

    assert str(caught.value) == SCRIPT


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_tracer_of_torch_fx_is_told_what_to_use(make: Callable[[], nn.Module]) -> None:
    module = make()

    with pytest.raises(TypeError) as caught:
        fx.symbolic_trace(module)

    assert str(caught.value) == FX


def flat(result: object) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    parts = result.values() if isinstance(result, dict) else result
    return [x for part in parts for x in flat(part)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", [pyramid, small], ids=["pyramid", "detector"])
def test_a_model_around_a_neck_that_is_a_leaf_is_traced_whole(
    make: Callable[[], fpngraph.FeaturePyramid | EfficientDet],
) -> None:
    model, image = make(), torch.randn(2, 3, 96, 64)

    traced = fx.GraphModule(model, NecksAreLeaves().trace(model))

    leaves = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    assert leaves.count("neck") == 1
    with torch.no_grad():
        pairs = list(zip(flat(traced(image)), flat(model(image)), strict=True))
    assert all(torch.equal(x, y) for x, y in pairs)


def test_torchvisions_extractor_takes_a_neck_as_a_leaf() -> None:
    model, image = pyramid(), torch.randn(1, 3, 64, 64)

    extractor = create_feature_extractor(model, ["neck"], tracer_kwargs={"leaf_modules": [fpngraph.Neck]})

    with torch.no_grad():
        found, expected = extractor(image)["neck"], model(image)
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
