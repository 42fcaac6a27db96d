from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.feature import Feature
from fpngraph.layers.act import Activation
from fpngraph.ops import Layer, Site
from fpngraph.ops.drop import Dropout, DropPath
from tests.necks import maps, neck_of


def module_of(op: Layer) -> nn.Module:
    return op.build((Feature(3, 12),), Site())


def test_dropout_leaves_out_values_and_makes_up_for_them() -> None:
    x = torch.rand(8, 12, 20, 20, dtype=torch.float64) + 1
    torch.manual_seed(0)

    y = module_of(Dropout(p=0.25))(x)

    kept = y != 0
    torch.testing.assert_close(y[kept], x[kept] / 0.75)
    assert kept.double().mean() == pytest.approx(0.75, abs=0.01)
    assert (kept.double().mean((2, 3)) - 0.75).abs().max() < 0.15, "values are left out alone, not in whole channels"


def test_drop_path_leaves_out_images_and_makes_up_for_them() -> None:
    x = torch.rand(400, 3, 2, 2, dtype=torch.float64) + 1
    torch.manual_seed(0)

    y = module_of(DropPath(p=0.25))(x)

    kept = y.flatten(1).abs().sum(1) != 0
    torch.testing.assert_close(y[kept], x[kept] / 0.75)
    assert kept.double().mean() == pytest.approx(0.75, abs=0.07)


@pytest.mark.parametrize("op", [Dropout(p=0.5), DropPath(p=0.5)], ids=["dropout", "drop_path"])
def test_gradients_flow_where_values_are_kept(op: Layer) -> None:
    x = torch.ones(16, 12, 2, 2, dtype=torch.float64, requires_grad=True)

    y = module_of(op)(x)
    y.sum().backward()

    assert 0 < int((y == 0).sum()) < y.numel()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, y)


@pytest.mark.parametrize("op", [Dropout(), DropPath()], ids=["dropout", "drop_path"])
def test_in_eval_mode_the_map_itself_comes_back(op: Layer) -> None:
    x = torch.randn(2, 12, 3, 4)

    assert module_of(op).eval()(x) is x


@pytest.mark.parametrize(("op", "p"), [(Dropout, 0.5), (DropPath, 0.1)])
def test_how_much_is_left_out_by_default(op: type[Dropout | DropPath], p: float) -> None:
    assert op().p == p


def test_a_residual_with_a_drop_path_is_the_map_alone_for_some_images() -> None:
    neck = neck_of("out4: {inputs: [P4], op: [{residual: [conv, {drop_path: {p: 0.5}}]}]}", outputs="[out4]").train()
    x = maps(neck, 64, 64, batch=16, dtype=torch.float32)[1]
    branch = neck.get_submodule("out4.op.residual.conv")(x)
    torch.manual_seed(0)

    (y,) = neck([x, x, x][: len(neck.source_graph.inputs)])

    alone = [torch.equal(one, before) for one, before in zip(y, x, strict=True)]
    assert 0 < sum(alone) < 16
    for place, dropped in enumerate(alone):
        torch.testing.assert_close(y[place], x[place] if dropped else x[place] + 2 * branch[place])


def test_in_the_inference_form_nothing_is_left_of_them() -> None:
    layers = "[conv, dropout, norm, {drop_path: {p: 0.3}}, act]"
    neck = neck_of(f"out4: {{inputs: [P4, P5], op: {layers}}}", outputs="[out4]")

    fused = neck.fuse()

    assert fused.unfolded == {}
    kinds = [type(it) for it in fused.modules() if isinstance(it, nn.Conv2d | nn.BatchNorm2d | Activation)]
    assert len([kind for kind in kinds if issubclass(kind, nn.BatchNorm2d)]) == 0, "the norm reaches the convolution"
    assert not [it for it in fused.modules() if type(it).__name__ in ("Dropout", "DropPath")]
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [nn.Dropout, nn.Dropout2d])
def test_torchs_own_in_its_place_vanishes_too(kind: type[nn.Module]) -> None:
    neck = neck_of("out4: {inputs: [P4, P5], op: [conv, dropout, norm]}", outputs="[out4]")
    neck.set_submodule("out4.op.dropout", kind())

    fused = neck.eval().fuse()

    assert fused.unfolded == {}
    assert not [it for it in fused.modules() if isinstance(it, kind | nn.BatchNorm2d)]


def losses(neck: fpngraph.Neck, given: list[Tensor]) -> list[Tensor]:
    torch.manual_seed(3)
    (y,) = neck(given)
    y.square().sum().backward()
    return [y.detach(), *(parameter.grad for parameter in neck.parameters() if parameter.grad is not None)]


def test_a_lean_node_leaves_out_the_same_in_both_of_its_runs() -> None:
    layers = "[conv, dropout, {residual: [conv, {drop_path: {p: 0.5}}]}, {encoder_layer: {heads: 2, dropout: 0.3}}]"
    graph = fpngraph.loads(
        "fpngraph: 1\nname: small\ninputs: P(4..5)\ndefaults: {channels: 8}\nnodes:\n"
        f"  out4: {{inputs: [P4, P5], op: {layers}}}\noutputs: [out4]\n"
    )
    plain, lean = fpngraph.build(graph, (8, 8)), fpngraph.build(graph, (8, 8), lean=True)
    lean.load_state_dict(plain.state_dict())
    given = [torch.randn(4, 8, 6, 6), torch.randn(4, 8, 3, 3)]

    found, expected = losses(lean, given), losses(plain, given)

    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert len(found) > 10
