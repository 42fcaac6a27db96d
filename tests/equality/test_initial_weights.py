"""A new neck has weights that are drawn as the reference draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from effdet.efficientdet import _init_weight, _init_weight_alt
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

import fpngraph
from fpngraph.efficientdet import effdet_state
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet
from tests.efficientdet.detectors import small_effdet_model, small_model
from tests.equality.effdet_reference import Options, effdet_neck, graph_of, settings
from tests.equality.test_torchvision import names_in_torchvision, renamed

ENOUGH = 1000  # values for the statistics to be within the tolerances below


def assert_alike(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    """Constants are equal; random tensors have the same spread and the same kind of extremes."""
    assert set(ours) == set(theirs)
    for name, tensor in ours.items():
        expected = theirs[name]
        if expected.unique().numel() == 1:
            torch.testing.assert_close(tensor, expected, msg=lambda text, name=name: f"{name}: {text}")
        elif expected.numel() >= ENOUGH:
            # The standard deviation of n values is known to within 1 / sqrt(2 n) of it; 5 of those, twice.
            tolerance = 10 / (2 * expected.numel()) ** 0.5
            spread = (tensor.std() / expected.std()).item()
            assert abs(spread - 1) < tolerance, f"{name}: {spread} times the reference's spread"
            assert abs(tensor.mean() / expected.std()) < tolerance, f"{name}: mean {tensor.mean().item()}"
            # Relative to the spread a uniform draw ends at 1.73 and a normal one beyond 3.
            reach = [(t.abs().max() / t.std()).item() for t in (tensor, expected)]
            assert (reach[0] > 2.2) == (reach[1] > 2.2), f"{name}: reaches {reach[0]}, the reference {reach[1]}"


@pytest.mark.slow
@pytest.mark.parametrize("separable", [True, False], ids=["separable", "full"])
@pytest.mark.parametrize(
    ("init", "initialise"), [("effdet", _init_weight), ("effdet_alt", _init_weight_alt)], ids=["glorot", "alternate"]
)
def test_a_new_neck_is_drawn_as_effdets(
    init: str, initialise: Callable[[nn.Module, str], None], separable: bool
) -> None:
    torch.manual_seed(0)
    options = Options(fpn_channels=128, separable_conv=separable, redundant_bias=True)
    theirs = effdet_neck(options, (40, 112, 320), (256, 256))
    for name, module in theirs.named_modules():
        initialise(module, name)
    graph = fpngraph.load("bifpn", init=init, **settings(options))

    ours = fpngraph.build(graph, in_channels=[40, 112, 320])

    assert_alike(ours.state_dict(), neck_state_from_effdet(theirs.state_dict(), ours))


def test_every_graph_of_effdets_family_starts_as_effdet() -> None:
    torch.manual_seed(0)
    for fpn_name in ("bifpn_fa", "pan_fa", "qufpn_fa"):
        options = Options(fpn_name=fpn_name, fpn_channels=64)
        theirs = effdet_neck(options, (40, 112, 320), (256, 256))
        for name, module in theirs.named_modules():
            _init_weight(module, name)

        ours = fpngraph.build(graph_of(options), in_channels=[40, 112, 320])

        assert_alike(ours.state_dict(), neck_state_from_effdet(theirs.state_dict(), ours))


@pytest.mark.slow
@pytest.mark.parametrize("separable", [True, False], ids=["separable", "full"])
@pytest.mark.parametrize("init", ["effdet", "effdet_alt"], ids=["glorot", "alternate"])
def test_new_heads_are_drawn_as_effdets(init: str, separable: bool) -> None:
    torch.manual_seed(0)
    changes = {"fpn_channels": 64, "separable_conv": separable, "redundant_bias": True}
    theirs = small_effdet_model("efficientdet_d0", alternate_init=init == "effdet_alt", **changes)
    conv = "separable_conv" if separable else "conv"

    ours = small_model("efficientdet_d0", params={"channels": 64}, conv=conv, conv_bias=True, init=init)

    assert_alike(of_heads(effdet_state(ours)), of_heads(theirs.state_dict()))


def of_heads(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name.startswith(("class_net.", "box_net."))}


def test_a_new_retinanet_fpn_is_drawn_as_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = FeaturePyramidNetwork([128, 256, 512], 64, LastLevelP6P7(512, 64))
    extra = {"P6.edges.C5.strided_conv": "extra_blocks.p6", "P7.edges.P6.strided_conv": "extra_blocks.p7"}

    ours = fpngraph.build(fpngraph.load("retinanet_fpn", channels=64), in_channels=[128, 256, 512])

    assert_alike(ours.state_dict(), renamed(theirs.state_dict(), names_in_torchvision(3, extra)))


def test_a_new_fpn_is_drawn_as_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = FeaturePyramidNetwork([64, 128, 256, 512], 64)

    ours = fpngraph.build(fpngraph.load("fpn", channels=64), in_channels=[64, 128, 256, 512])

    assert_alike(ours.state_dict(), renamed(theirs.state_dict(), names_in_torchvision(2, {})))


@pytest.mark.parametrize("name", ["fpn", "retinanet_fpn", "panet"])
def test_biases_of_pyramids_start_at_zero(name: str) -> None:
    graph = fpngraph.load(name, channels=16)

    neck = fpngraph.build(graph, in_channels=[16] * len(graph.inputs))

    biases = [p for key, p in neck.named_parameters() if key.endswith("bias")]
    assert biases
    assert all(bias.eq(0).all() for bias in biases)
