"""Which operators get maps as they lie, and that none of ours costs a copy."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import fpngraph
from fpngraph.layers.layout import Layers
from fpngraph.ops import registry
from tests.necks import GRAPHS, maps, neck_of, shipped


@pytest.fixture(autouse=True)
def _forgotten_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


class Seen(nn.Module):
    """Remembers whether its map was contiguous."""

    def __init__(self) -> None:
        super().__init__()
        self.contiguous: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.contiguous.append(x.is_contiguous())
        return x


class Unsaid(fpngraph.Layer):
    name: ClassVar[str] = "unsaid"

    def build(self, inputs: Any, site: Any) -> nn.Module:
        return Seen()


class Said(Unsaid):
    name: ClassVar[str] = "said"
    layout = "any"


class SaidAbove(Said):
    name: ClassVar[str] = "said_above"


class BuiltAnew(Said):
    name: ClassVar[str] = "built_anew"

    def build(self, inputs: Any, site: Any) -> nn.Module:
        return Seen()


@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize(
    ("operator", "contiguous"), [(Unsaid, True), (Said, False), (SaidAbove, False), (BuiltAnew, True)]
)
def test_an_operator_that_takes_any_layout_gets_maps_as_they_lie(
    operator: type[fpngraph.Layer], contiguous: bool, fused: bool
) -> None:
    fpngraph.register(operator)
    neck = neck_of(f"out4: {{inputs: [P4, P5], op: [{{conv: {{}}}}, {operator.name}]}}", outputs="[out4]")
    module = neck.fuse() if fused else neck

    module(maps(neck, 64, 96))

    (seen,) = (part for part in module.modules() if isinstance(part, Seen))
    assert seen.contiguous == [contiguous]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_contract_is_the_same_on_every_device(device: str) -> None:
    fpngraph.register(Unsaid)
    neck = neck_of("out4: {inputs: [P4, P5], op: [{conv: {}}, unsaid]}", outputs="[out4]").to(device)

    neck([x.to(device, memory_format=torch.channels_last) for x in maps(neck, 64, 96)])

    (seen,) = (part for part in neck.modules() if isinstance(part, Seen))
    assert seen.contiguous == [True]


class Copies(TorchDispatchMode):
    """Counts the tensors that are copied."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.overloadpacket.__name__ in ("clone", "copy_", "_to_copy")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize("name", GRAPHS)
def test_maps_that_lie_as_is_fastest_are_never_copied_for_an_operator_of_ours(name: str, fused: bool) -> None:
    neck = shipped(name)
    module = neck.fuse() if fused else neck
    features = [x.to(memory_format=torch.channels_last) for x in maps(neck, 191, 257)]

    with torch.no_grad(), Copies() as copies:
        module(features)

    assert copies.count == 0
    assert not fused or not any(isinstance(part, Layers) for part in module.modules())
