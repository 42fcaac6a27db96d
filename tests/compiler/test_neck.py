"""A compiled neck as a module: what it takes and gives, and what it leaves alone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import fpngraph
from tests.necks import GRAPHS, assert_close, maps, neck_of, shipped


def test_channels_and_strides_are_told_by_name() -> None:
    neck = fpngraph.build(fpngraph.load("bifpn", channels=88), {"P4": 112, "P3": 40, "P5": 320})

    assert neck.in_channels == {"P3": 40, "P4": 112, "P5": 320}
    assert neck.out_channels == {"P3": 88, "P4": 88, "P5": 88, "P6": 88, "P7": 88}
    assert neck.out_strides == {"P3": 8, "P4": 16, "P5": 32, "P6": 64, "P7": 128}
    assert neck.source_graph == fpngraph.load("bifpn", channels=88)


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_sequence_gives_a_list_in_the_order_of_the_outputs(kind: type) -> None:
    neck = neck_of("out5: {inputs: [P3]}\nout4: {inputs: [P4]}", outputs="[out5, P3, out4]")

    outs = neck(kind(maps(neck, 64, 64)))

    assert type(outs) is list
    assert [tuple(y.shape[-2:]) for y in outs] == [(2, 2), (8, 8), (4, 4)]


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_a_mapping_in_any_order_gives_a_dict_by_the_names_of_the_outputs(kind: type) -> None:
    neck = neck_of("out5: {inputs: [P3, P5]}", outputs="{top: out5, same: P3}")
    features = dict(zip(neck.in_channels, maps(neck, 64, 64), strict=True))

    outs = neck(kind(reversed(features.items())))

    assert type(outs) is dict
    assert list(outs) == ["top", "same"]
    assert_close(list(outs.values()), neck(list(features.values())))


def test_an_output_that_is_an_input_is_the_caller_s_tensor() -> None:
    neck = neck_of("out4: {inputs: [P3]}", outputs="[P3, out4]")
    features = maps(neck, 64, 64)

    outs = neck(features)

    assert outs[0] is features[0]


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", GRAPHS)
def test_the_caller_s_containers_and_tensors_stay_as_they_are(name: str, mode: bool) -> None:
    neck = shipped(name).train(mode)
    features = maps(neck, 300, 260)
    originals = [x.clone() for x in features]
    versions = [x._version for x in features]
    listed, named = list(features), dict(zip(neck.in_channels, features, strict=True))

    neck(listed)
    neck(named)

    assert all(x is y for x, y in zip(listed, features, strict=True))
    assert len(listed) == len(features)
    assert list(named) == list(neck.in_channels)
    assert [x._version for x in features] == versions
    torch.testing.assert_close(features, originals, rtol=0, atol=0)


def image(*shape: int) -> Tensor:
    return torch.zeros(shape)


UNFIT: list[Any] = [
    pytest.param(
        lambda: image(1, 4, 8, 8),
        TypeError,
        "features is a Tensor, but the neck takes P3, P4, as a list in this order or a mapping by name",
        id="a-tensor",
    ),
    pytest.param(
        lambda: [image(1, 4, 8, 8)], ValueError, "features has 1 maps, but the neck takes P3, P4", id="too-few"
    ),
    pytest.param(
        lambda: {"P3": image(1, 4, 8, 8), "C4": image(1, 4, 4, 4)},
        ValueError,
        "features has the maps P3, C4, but the neck takes P3, P4",
        id="other-names",
    ),
    pytest.param(
        lambda: [image(1, 4, 8, 8), None],
        TypeError,
        "map 'P4' is a NoneType, not a tensor [batch, 4, height, width]",
        id="no-tensor",
    ),
    pytest.param(
        lambda: [image(1, 8, 8, 4), image(1, 4, 4, 4)],
        ValueError,
        "map 'P3' has the shape [1, 8, 8, 4], not a tensor [batch, 4, height, width]",
        id="channels-last-dimension",
    ),
    pytest.param(
        lambda: [image(4, 8, 8), image(1, 4, 4, 4)],
        ValueError,
        "map 'P3' has the shape [4, 8, 8], not a tensor [batch, 4, height, width]",
        id="no-batch",
    ),
]


@pytest.mark.parametrize(("features", "error", "message"), UNFIT)
def test_features_that_do_not_fit_are_refused_with_what_is_required(
    features: Callable[[], object], error: type[Exception], message: str
) -> None:
    neck = neck_of("out4: {inputs: [P3, P4]}", inputs="P(3..4)", outputs="[out4]")

    with pytest.raises(error) as raised:
        neck(features())

    assert str(raised.value) == message


def test_inputs_of_one_level_with_different_sizes_are_refused_by_both_names() -> None:
    neck = neck_of("out4: {inputs: [left, right]}", inputs="{left: 3, P4: 4, right: 3}", outputs="[out4]")

    with pytest.raises(ValueError) as raised:
        neck([image(1, 4, 8, 8), image(1, 4, 4, 4), image(1, 4, 8, 9)])

    assert str(raised.value) == (
        "map 'right' is 8x9, but map 'left', also of level 3, is 8x8; maps of one level have one size"
    )


def test_hooks_of_nodes_see_what_flows() -> None:
    neck = neck_of("out4: {inputs: [P3, P4], op: [act]}", inputs="P(3..4)", outputs="[out4]")
    seen: list[Tensor] = []
    neck.get_submodule("out4").register_forward_hook(lambda _module, _arguments, y: seen.append(y))

    (out,) = neck([x.to(memory_format=torch.channels_last) for x in maps(neck, 64, 64)])

    assert seen[0] is out
