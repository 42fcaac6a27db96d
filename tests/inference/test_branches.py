"""What layers and blocks hold is folded, whatever stands in them, and nothing that others read is written to."""

from __future__ import annotations

import copy
import pickle
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import prune

import fpngraph
from fpngraph.inference.folding import ALONE
from fpngraph.layers.layout import Layers
from fpngraph.ops import registry
from tests import trees
from tests.fused_graphs import assert_fused_equals, maps, trained
from tests.necks import maps as small_maps
from tests.necks import neck_of

CSP = (
    "[{conv: {kernel: 1}}, norm, act, {concat: [[{slice: {index: 0}}], [{slice: {index: 1}}, {repeat: {times: 2, "
    "keep: all, layers: [{residual: [conv, norm, act, conv, norm]}]}}]]}, {conv: {kernel: 1}}, norm, act]"
)


class Bottleneck(fpngraph.Block):
    name: ClassVar[str] = "folded_bottleneck"
    inner: int = 3

    def layers(self, in_channels: int, out_channels: int) -> Any:
        return {
            "cv1": [{"conv": {"channels": self.inner}}, "norm", "act"],
            "m": [{"concat": [["norm"], [{"residual": ["conv", "norm"]}, {"conv": {"channels": 5}}, "norm"]]}, "act"],
            "cv2": [{"sum": [["conv", "norm"], [{"conv": {"kernel": 1}}, "norm"]]}, "norm", "act"],
        }


@pytest.fixture
def _with_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    fpngraph.register(Bottleneck)


def neck(op: str = CSP, **settings: str) -> fpngraph.Neck:
    said = "".join(f", {name}: {value}" for name, value in settings.items())
    return neck_of(f"a4: {{inputs: [P4, P5], op: {op}{said}}}", outputs="[a4]", channels=8).double()


def norms(module: nn.Module) -> list[str]:
    return [name for name, part in module.named_modules() if isinstance(part, nn.BatchNorm2d)]


@pytest.mark.parametrize(
    "op",
    [
        CSP,
        "[{residual: [conv, norm]}, {concat: [[conv, norm], [{sum: [[conv], [conv, norm]]}]]}, norm, conv]",
        "[{repeat: {times: 2, layers: [conv, norm, act]}}, [conv, [norm]]]",
        "[{concat: [[{concat: [[conv], [conv, norm]]}, norm], [conv]]}, norm, conv]",
        "[{sum: [[{concat: [[{conv: {channels: 2}}], [{conv: {channels: 6}}]]}], [conv]]}, norm]",
        "[separable_conv, {concat: [[separable_conv, norm], [{slice: {index: 0}}, conv, norm]]}, norm, conv]",
    ],
)
def test_no_norm_is_left_where_a_convolution_takes_it_in(op: str) -> None:
    fused = assert_fused_equals(neck(op))

    assert fused.unfolded == {}
    assert norms(fused) == []


LEFT = [
    ("[{residual: [norm, act, conv]}]", ["residual.norm"]),
    ("[{concat: [[conv], []]}, norm, conv]", ["norm"]),
    ("[{repeat: {times: 1, keep: all, layers: [conv, norm]}}, norm, conv]", ["norm"]),
    ("[{concat: [[{conv: {channels: 4}}, act], [{conv: {channels: 4}}]]}, norm]", ["norm"]),
    ("[{sum: [[norm], [norm, act]]}]", ["sum.0.norm", "sum.1.norm"]),
    ("[conv, {slice: {index: 0}}, norm, conv]", ["norm"]),
]


@pytest.mark.parametrize(("op", "left"), LEFT)
def test_a_norm_that_nothing_can_take_in_is_named_with_its_whole_path(op: str, left: list[str]) -> None:
    fused = assert_fused_equals(neck(op))

    assert fused.unfolded == {f"a4.op.{name}": ALONE for name in left}
    assert len(norms(fused)) == len(left)


@pytest.mark.usefixtures("_with_block")
@pytest.mark.parametrize("op", ["[folded_bottleneck]", "[{residual: [{folded_bottleneck: {inner: 2}}]}]"])
def test_a_block_is_folded_inside_but_for_a_norm_of_its_own_branch(op: str) -> None:
    fused = assert_fused_equals(neck(op))

    inside = "residual.folded_bottleneck" if "residual" in op else "folded_bottleneck"
    assert fused.unfolded == {f"a4.op.{inside}.m.concat.0.norm": ALONE}
    assert len(norms(fused)) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("_with_block")
@settings(max_examples=60, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(data=st.data(), size=st.sampled_from([(64, 64), (33, 50), (9, 8)]), seed=st.integers(0, 99))
def test_random_trees_give_the_same_twice_and_write_to_nothing(
    data: st.DataObject, size: tuple[int, int], seed: int
) -> None:
    block = st.sampled_from([[], ["folded_bottleneck"], [{"residual": [{"folded_bottleneck": {"inner": 2}}, "norm"]}]])
    op = data.draw(trees.closed()) + data.draw(block)
    up = [*data.draw(trees.keeping(2).map(lambda layers: [{"residual": layers}])), "nearest", "act"]
    file = {
        "fpngraph": 1,
        "name": "random",
        "inputs": ["P3", "P4", "P5"],
        "defaults": {"channels": 8, "act": data.draw(st.sampled_from(["relu", "silu", "gelu", "leaky_relu"]))},
        "nodes": {
            "a4": {"inputs": ["P4", "P5"], "op": op, "resample": {"up": up}, "fusion": "fast_normalized"},
            "b4": {"inputs": ["a4"], "op": data.draw(trees.closed(2)) + data.draw(trees.keeping(2))},
            "c3": {"inputs": ["P3", "a4", "b4"], "op": data.draw(trees.keeping())},
        },
        "outputs": ["c3", "b4", "a4"],
    }
    try:
        graph = fpngraph.loads(file)
    except fpngraph.GraphError as error:
        assume("a list of at most 100 layers" not in str(error))
        raise
    plain = trained(fpngraph.build(graph, [8, 6, 8]).double(), seed)
    features = maps(size, plain)
    copies = [x.clone() for x in features]

    with torch.no_grad():
        expected = plain(features)
        fused = plain.fuse()
        first = [y.clone() for y in fused(features)]
        second = fused(features)

    for y, again, z in zip(first, second, expected, strict=True):
        assert (y - z).abs().max() <= 1e-12 * max(z.abs().max(), 1e-3)
        assert torch.equal(y, again)
    assert all(torch.equal(x, own) for x, own in zip(features, copies, strict=True))
    assert len(norms(fused)) == list(fused.unfolded.values()).count(ALONE)


def test_maps_that_others_read_stay_as_they_are() -> None:
    plain = neck_of(
        """
        a4: {inputs: [P4], op: [{sum: [[], [act]]}, {slice: {start: 0, channels: 8}}]}
        b4: {inputs: [a4], op: [{residual: [act]}, act]}
        c4: {inputs: [a4, b4], op: [{concat: [[act], []]}, {conv: {kernel: 1}}]}
        d4: {inputs: [P4], op: [{residual: []}, {repeat: {times: 0, keep: all, layers: []}}, act]}
        """,
        outputs="[c4, a4, d4]",
        channels=8,
    ).double()
    features = small_maps(plain, 64, 64, dtype=torch.float64)
    copies = [x.clone() for x in features]

    fused = assert_fused_equals(plain)
    with torch.no_grad():
        fused(features)

    assert all(torch.equal(x, own) for x, own in zip(features, copies, strict=True))


def doubled(_module: nn.Module, _given: object, y: Tensor) -> Tensor:
    return y * 2


INSIDE = "concat.1.repeat.0.residual"


@pytest.mark.parametrize("path", ["concat", "concat.1", "concat.1.repeat", f"{INSIDE}", f"{INSIDE}.conv_2", "concat.0"])
def test_what_is_hooked_inside_runs_with_its_hook_and_is_named(path: str) -> None:
    hooked = neck()
    hooked.get_submodule(f"a4.op.{path}").register_forward_hook(doubled)

    fused = assert_fused_equals(hooked)

    assert fused.unfolded[f"a4.op.{path}"] == f"has a forward hook, {__name__}.doubled"


@pytest.mark.parametrize("path", ["concat", "concat.1", f"{INSIDE}"])
def test_another_forward_inside_is_kept(path: str) -> None:
    edited = neck()
    module = edited.get_submodule(f"a4.op.{path}")
    own = module.forward
    module.forward = lambda x: own(x).mul(-2)

    fused = assert_fused_equals(edited)

    assert fused.unfolded[f"a4.op.{path}"] == "has another 'forward' than its class"


def test_what_somebody_has_put_in_the_place_of_a_layer_or_a_branch_runs_as_it_is() -> None:
    edited = neck()
    edited.set_submodule(f"a4.op.{INSIDE}.act", nn.Softplus())
    edited.set_submodule("a4.op.concat.0", nn.Sequential(nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4)).double().eval())

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {
        "a4.op.concat.0": "no rule for its class torch.nn.modules.container.Sequential",
        f"a4.op.{INSIDE}.act": "no rule for its class torch.nn.modules.activation.Softplus",
    }


def test_layers_that_somebody_has_appended_run_and_are_folded_where_a_rule_is_for_them() -> None:
    edited = neck()
    residual = edited.get_submodule(f"a4.op.{INSIDE}")
    assert isinstance(residual, Layers)
    residual.append(nn.BatchNorm2d(4).double().eval())
    residual.append(nn.Tanhshrink())

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {f"a4.op.{INSIDE}.6": "no rule for its class torch.nn.modules.activation.Tanhshrink"}
    assert norms(fused) == []


def test_branches_that_somebody_has_taken_out_are_gone_and_others_keep_their_map() -> None:
    nodes = "a4: {inputs: [P4, P5]}\nb4: {inputs: [a4], op: [{sum: [[conv], []]}, act]}\nc4: {inputs: [b4, a4]}"
    edited = neck_of(nodes, outputs="[c4]", channels=8).double()
    del edited.get_submodule("b4.op.sum")[0]
    features = small_maps(edited, 64, 64, dtype=torch.float64)
    copies = [x.clone() for x in features]

    fused = assert_fused_equals(edited)
    with torch.no_grad():
        fused(features)

    assert all(torch.equal(x, own) for x, own in zip(features, copies, strict=True))


def test_a_pruned_module_inside_runs_as_it_is() -> None:
    edited = neck()
    prune.l1_unstructured(edited.get_submodule(f"a4.op.{INSIDE}.conv"), "weight", amount=0.5)

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {
        f"a4.op.{INSIDE}.conv": "has a forward pre-hook, torch.nn.utils.prune.L1Unstructured",
        f"a4.op.{INSIDE}.norm": ALONE,
    }


def test_a_composite_of_a_class_of_its_own_runs_as_it_is() -> None:
    edited = neck()
    residual = edited.get_submodule(f"a4.op.{INSIDE}")
    residual.__class__ = type("Own", (type(residual),), {})

    fused = assert_fused_equals(edited)

    assert fused.unfolded == {f"a4.op.{INSIDE}": f"no rule for its class {__name__}.Own"}


def test_a_synchronised_norm_inside_is_folded() -> None:
    synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(neck())

    fused = assert_fused_equals(synchronised)

    assert fused.unfolded == {}
    assert not any(isinstance(part, nn.SyncBatchNorm) for part in fused.modules())


def test_copies_and_pickles_of_a_fused_neck_give_the_same() -> None:
    fused = neck().fuse()
    features = small_maps(fused, 50, 33, dtype=torch.float64)

    with torch.no_grad():
        expected = fused(features)
        for again in (copy.deepcopy(fused), pickle.loads(pickle.dumps(fused))):
            torch.testing.assert_close(again(features), expected, rtol=0, atol=0)


def test_in_bfloat16_it_computes_so_and_gives_the_type_of_its_inputs() -> None:
    plain = neck()
    features = small_maps(plain, 64, 64, dtype=torch.float64)

    fused = plain.fuse(dtype=torch.bfloat16)
    with torch.no_grad():
        (expected,), (y,) = plain(features), fused(features)

    assert {parameter.dtype for parameter in fused.parameters()} == {torch.bfloat16}
    assert y.dtype == torch.float64
    assert (y - expected).abs().max() <= 0.05 * expected.abs().max()


def test_gradients_of_the_inputs_are_those_of_the_neck() -> None:
    plain = neck("[{sum: [[conv, act], [], [act]]}, act, {residual: [act, conv]}]")
    features = small_maps(plain, 64, 64, dtype=torch.float64)
    found = []
    for module in (plain, plain.fuse()):
        leaves = [x.clone().requires_grad_() for x in features]
        module(leaves)[0].square().sum().backward()
        found.append([x.grad for x in leaves[1:]])

    torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-10)


class Absorbing(nn.Module):
    """A factor per channel that takes in a scale by a method of its own, and does not say how wide it is."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factor, self.shift = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor.view(-1, 1, 1) + self.shift.view(-1, 1, 1)

    def absorb(self, scale: Tensor, shift: Tensor) -> None:
        self.shift.data = self.shift * scale + shift
        self.factor.data = self.factor * scale


class Absorber(fpngraph.Layer):
    name: ClassVar[str] = "absorber"
    modules: ClassVar[tuple[str, ...]] = (f"{__name__}.Absorbing",)

    def build(self, inputs: Any, site: Any) -> nn.Module:
        return Absorbing(inputs[0].channels)

    def parts(self, module: nn.Module) -> Any:
        return (fpngraph.Part(module, "new", absorbs=True),)


def test_what_absorbs_by_a_method_takes_in_a_norm_after_a_sum_and_a_concat_leaves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    fpngraph.register(Absorber)

    summed = assert_fused_equals(neck("[{sum: [[conv, act, absorber], [conv]]}, norm]"))
    joined = assert_fused_equals(neck("[{concat: [[absorber], [conv]]}, norm, conv]"))

    assert summed.unfolded == {}
    assert joined.unfolded == {"a4.op.norm": ALONE}
