"""The floor multiplies as much as a neck does, and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import fpngraph
from fpngraph.bench.floor import floor
from fpngraph.bench.subject import Setting, of_neck

CONVOLUTIONS = {
    "1x1": (nn.Conv2d(6, 8, 1), 20 * 15 * 6 * 8),
    "kernel": (nn.Conv2d(6, 8, 3, padding=1), 20 * 15 * 6 * 9 * 8),
    "strided": (nn.Conv2d(6, 8, 3, stride=2, padding=1), 10 * 8 * 6 * 9 * 8),
    "groups": (nn.Conv2d(6, 8, 1, groups=2), 20 * 15 * 3 * 8),
    "depthwise": (nn.Conv2d(6, 6, 3, padding=1, groups=6), 20 * 15 * 9 * 6),
    "transposed": (nn.ConvTranspose2d(6, 8, 4, stride=2, padding=1), 20 * 15 * 6 * 16 * 8),
    "transposed in groups": (nn.ConvTranspose2d(6, 6, 4, stride=2, padding=1, groups=6), 20 * 15 * 16 * 6),
}


class OfLists(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        return [self.inner(maps[0])]


class Ran(TorchDispatchMode):
    """Names of the operators that run, and the multiply-accumulates of products and depthwise convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.macs = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        with self:
            result = func.decompose(*args, **(kwargs or {}))
        if result is not NotImplemented:
            return result
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        self.names.add(name)
        if name in {"mm", "bmm"}:
            self.macs += args[0].numel() * args[1].shape[-1]
        elif name == "convolution":
            self.macs += (args[0] if args[6] else result).numel() * args[1][0].numel()
        return result


@pytest.mark.parametrize("name", CONVOLUTIONS)
@torch.inference_mode()
def test_a_1x1_convolution_is_a_bare_product_and_another_one_itself(name: str) -> None:
    module, macs = CONVOLUTIONS[name]

    found = floor(OfLists(module), [torch.randn(2, 6, 20, 15)])
    with Ran() as ran:
        found.call()

    assert found.macs == ran.macs == 2 * macs
    assert ran.names == {"mm" if name == "1x1" else "convolution", "copy_"}


@pytest.mark.parametrize("name", ["bifpn", "libra", "nas_fpn", "rtdetr", "yolov8", "linknet", "carafe_fpn"])
@torch.inference_mode()
def test_the_floor_of_a_neck_has_the_multiply_accumulates_of_its_costs(name: str) -> None:
    graph = fpngraph.load(name)
    channels = [8 * (place + 1) for place in range(len(graph.inputs))]
    neck = fpngraph.build(graph, channels).eval()
    subject = of_neck(neck, Setting(image_size=(64, 64), batch=2))

    found = floor(neck, subject.maps)
    with Ran() as ran:
        found.call()

    assert found.macs == ran.macs == 2 * subject.macs
    assert floor(subject.fuse(()), subject.maps).macs <= found.macs  # parallel convolutions become one
    assert ran.names <= {"mm", "bmm", "convolution", "copy_"}
