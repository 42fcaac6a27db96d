"""The weights of a fusion are those of its maps, in whatever order a graph reads them and however they are loaded."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Mapping

import pytest
import torch
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

import fpngraph
from fpngraph.layers.fusion.weighted import Unbounded
from tests.necks import assert_close, maps, neck_of, randomised

FUSIONS = ("unbounded", "softmax", "fast_normalized")


def neck(inputs: str, fusion: str = "fast_normalized") -> fpngraph.Neck:
    """A neck of a node that reads ``inputs``, one map of them through a projection; weights as after a training."""
    return randomised(
        neck_of(
            f"""
            a: {{inputs: [P4], level: 4, op: [{{conv: {{}}}}]}}
            b: {{inputs: {inputs}, level: 3, fusion: {fusion}, op: [{{conv: {{}}}}, norm, act]}}
            """,
            outputs="[b]",
        )
    )


def saved(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """As a file brings it back."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: Mapping[str, Tensor] = torch.load(file, weights_only=True)
    return loaded


WAYS: dict[str, Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]] = {
    "at-once": lambda state: state,
    "file": saved,
    "copy": copy.deepcopy,
    "pickle": lambda state: pickle.loads(pickle.dumps(state)),
}
LOADERS = {
    "load_state_dict": lambda module, state: module.load_state_dict(state),
    "assigned": lambda module, state: module.load_state_dict(state, assign=True),
    "load_matching": fpngraph.load_matching,
}
NAMES = "[P3, a, {from: P5, project: always}]", "[{from: P5, project: always}, P3, a]"


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_inputs_in_another_order_give_the_same_plain_and_fused(
    fusion: str,
    way: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
    load: Callable[[nn.Module, Mapping[str, Tensor]], object],
) -> None:
    trained, other = (neck(inputs, fusion) for inputs in NAMES)
    with torch.no_grad():
        trained.get_parameter("b.fusion.weight").copy_(torch.tensor([0.2, 1.5, 0.7]))
    before = copy.deepcopy(trained.state_dict())
    features = maps(trained, 64, 96)

    load(other, way(trained.state_dict()))

    torch.testing.assert_close(other.get_parameter("b.fusion.weight").data, torch.tensor([0.7, 0.2, 1.5]))
    assert_close(other(features), trained(features))
    assert_close(other.fuse()(features), trained(features))
    torch.testing.assert_close(dict(trained.state_dict()), dict(before), rtol=0, atol=0)


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_layers_that_a_fusion_has_for_its_maps_stay_with_them(
    load: Callable[[nn.Module, Mapping[str, Tensor]], object],
) -> None:
    trained, other = (neck(inputs, "spatial_softmax") for inputs in NAMES)
    features = maps(trained, 64, 96)
    before = copy.deepcopy(trained.state_dict())

    load(other, trained.state_dict())

    assert_close(other(features), trained(features))
    assert_close(other.fuse()(features), trained(features))
    torch.testing.assert_close(dict(trained.state_dict()), dict(before), rtol=0, atol=0)


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
@pytest.mark.parametrize("fusion", ["fast_normalized", "spatial_softmax"])
def test_a_neck_that_a_model_has_under_two_names_is_loaded_once(
    fusion: str, load: Callable[[nn.Module, Mapping[str, Tensor]], object]
) -> None:
    trained, other = (neck(inputs, fusion) for inputs in NAMES)
    features = maps(trained, 64, 96)

    load(nn.ModuleDict({"neck": other, "same": other}), nn.ModuleDict({"neck": trained, "same": trained}).state_dict())

    assert_close(other(features), trained(features))


def test_layers_for_other_maps_are_neither_loaded_nor_matched() -> None:
    module, state = neck("[P3, P4]", "spatial_softmax"), neck("[P3, P5]", "spatial_softmax").state_dict()

    with pytest.raises(RuntimeError, match=r"'b\.fusion\.weigh\.weight' is for maps of P3, P5, not of P3, P4"):
        module.load_state_dict(state)
    missing = fpngraph.load_matching(module, state).missing
    assert set(missing) == {name for name in module.state_dict() if name.startswith(("b.fusion.", "b.edges.P4"))}


def test_a_map_that_is_read_twice_has_a_weight_for_each_edge() -> None:
    trained, other = neck("[P3, a, P3]"), neck("[a, P3, P3]")

    other.load_state_dict(trained.state_dict())

    assert trained.b.fusion.sources == ("P3", "a", "P3_2")
    first, second, third = trained.b.fusion.weight.tolist()
    assert other.b.fusion.weight.tolist() == [second, first, third]


def test_weights_of_other_maps_are_refused() -> None:
    module = neck("[P3, P4]")
    before = copy.deepcopy(module.state_dict())

    with pytest.raises(RuntimeError) as caught:
        module.load_state_dict(neck("[P3, P5]").state_dict())

    assert "'b.fusion.weight' is for maps of P3, P5, not of P3, P4" in str(caught.value)
    assert torch.equal(module.state_dict()["b.fusion.weight"], before["b.fusion.weight"])


def test_weights_of_fewer_maps_are_refused_by_the_maps() -> None:
    with pytest.raises(RuntimeError) as caught:
        neck("[P3, P4]").load_state_dict(neck("[P3]").state_dict(), strict=False)

    assert "'b.fusion.weight' is for maps of P3, not of P3, P4" in str(caught.value)


@pytest.mark.parametrize(
    "odd",
    [torch.ones(3), torch.tensor(1.0), torch.ones(2, 2), torch.ones(2, 1)],
    ids=["more", "scalar", "square", "column"],
)
def test_weights_that_are_not_as_many_as_their_maps_are_refused_by_their_shape(odd: Tensor) -> None:
    state = neck("[P3, P4]").state_dict()
    state["b.fusion.weight"] = odd

    with pytest.raises(RuntimeError, match=r"size mismatch for b\.fusion\.weight"):
        neck("[P4, P3]").load_state_dict(state)
    assert [str(it) for it in fpngraph.load_matching(neck("[P4, P3]"), state).changed] == [
        f"'b.fusion.weight' is {list(odd.shape)}, not [2]"
    ]


@pytest.mark.parametrize(
    "plain",
    [dict, lambda state: from_safetensors(to_safetensors(dict(state)))],
    ids=["dict", "safetensors"],
)
@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_a_state_that_does_not_know_the_maps_is_taken_in_its_own_order(
    load: Callable[[nn.Module, Mapping[str, Tensor]], object],
    plain: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
) -> None:
    trained, other = neck("[P3, P4]"), neck("[P4, P3]")

    load(other, plain(trained.state_dict()))

    assert torch.equal(other.b.fusion.weight, trained.b.fusion.weight)


def test_a_fusion_alone_knows_no_maps_and_takes_all() -> None:
    alone, trained = Unbounded(2), neck("[P3, P4]", "unbounded").b.fusion

    alone.load_state_dict(trained.state_dict())
    assert torch.equal(alone.weight, trained.weight)

    trained.load_state_dict(Unbounded(2).state_dict())
    assert trained.weight.tolist() == [1, 1]


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda module: pickle.loads(pickle.dumps(module)),
    "of-a-copy": lambda module: copy.deepcopy(copy.deepcopy(module)),
}


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_copies_put_weights_in_order_too_each_its_own(way: Callable[[nn.Module], nn.Module]) -> None:
    trained, other = neck("[P3, P4]"), neck("[P4, P3]")
    before = other.b.fusion.weight.clone()
    copied = way(other)

    copied.load_state_dict(way(trained).state_dict())

    assert copied.b.fusion.weight.tolist() == trained.b.fusion.weight.flip(0).tolist()
    assert torch.equal(other.b.fusion.weight, before)


def test_a_model_around_necks_keeps_each_ones_maps() -> None:
    trained = nn.ModuleDict({"one": neck("[P3, P4]"), "two": neck("[P4, P3]")})
    other = nn.ModuleDict({"one": neck("[P4, P3]"), "two": neck("[P4, P3]")})

    other.load_state_dict(saved(trained.state_dict()))

    assert torch.equal(other.one.b.fusion.weight, trained.one.b.fusion.weight.flip(0))
    assert torch.equal(other.two.b.fusion.weight, trained.two.b.fusion.weight)


def test_a_lean_neck_is_no_exception() -> None:
    trained = neck("[P3, P4]")
    graph = neck("[P4, P3]").source_graph
    lean = fpngraph.build(graph, trained.in_channels, lean=True).eval()

    lean.load_state_dict(trained.state_dict())

    assert torch.equal(lean.b.fusion.weight, trained.b.fusion.weight.flip(0))


def test_the_state_dict_says_the_version_of_its_keys() -> None:
    state = neck("[P3, P4]").state_dict()

    assert state._metadata[""]["version"] == 2
    assert state._metadata["b.fusion"]["sources"] == ("P3", "P4")
