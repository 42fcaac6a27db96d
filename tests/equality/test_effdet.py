"""The shipped graphs of effdet's family give what effdet 0.4.1 gives, with its weights carried over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pytest
import torch
from effdet.efficientdet import BiFpn
from torch import Tensor

import fpngraph
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet
from tests.differences import note
from tests.equality.closeness import Results, assert_equal, assert_equal_results, results
from tests.equality.effdet_reference import Options, effdet_neck, equal_necks, feature_maps, graph_of
from tests.equality.pairwise import Case, pairs, pairwise

IN_CHANNELS = {2: (6, 8, 10, 12), 3: (8, 10, 12)}  # 8 is the neck's, so that one map needs no projection
VALUES: dict[str, tuple[object, ...]] = {
    "fpn_name": ("bifpn_sum", "bifpn_attn", "bifpn_fa", "pan_sum", "pan_fa", "qufpn_sum", "qufpn_fa"),
    "fpn_cell_repeats": (1, 2, 3, 4, 5, 6, 7, 8),
    # Batch, height, width; at the small ones the coarsest levels have one pixel, of which batch norm needs two.
    "images": ((1, 512, 512), (2, 500, 333), (1, 300, 420), (2, 64, 64), (2, 48, 56)),
    "levels": ((3, 7), (3, 8), (2, 6)),
    "downsample_type": ("max", "avg", "bilinear", "nearest"),
    "act_type": ("swish", "relu", "leaky_relu", "relu6", "hard_swish"),
    "upsample_type": ("nearest", "bilinear"),
    "pad_type": ("", "same"),
    "apply_resample_bn": (True, False),
    "redundant_bias": (True, False),
    "conv_bn_relu_pattern": (True, False),
    "separable_conv": (True, False),
}
CASES = pairwise(VALUES)


def identity(case: Case) -> str:
    return "-".join(str(value).replace(" ", "") or "symmetric" for value in case.values())


def options_of(case: Case) -> Options:
    values: dict[str, Any] = dict(case)
    del values["images"]
    values["min_level"], values["max_level"] = values.pop("levels")
    return Options(**values)


def assert_equal_parameter_gradients(
    ours: Results, theirs: Results, neck: fpngraph.Neck, state: Mapping[str, Tensor]
) -> None:
    """No gradient is further off than 1e-10 of the largest one of its node.

    Not of its own largest: the gradient of a bias before batch statistics is 0 but for rounding, and so is that of a
    fusion's weights, but for its eps, where only one of them is positive.
    """
    expected = neck_state_from_effdet({**state, **theirs.parameters}, neck)
    scales = []
    for _, members in groupby(ours.parameters, key=lambda name: re.split(r"\.(?:edges|fusion|op)\.", name)[0]):
        names = list(members)
        largest = max(expected[name].abs().max().item() for name in names)
        for name in names:
            assert_equal(ours.parameters[name], expected[name], f"gradient of {name}", largest)
        scales.append(largest)
    # A node may be cut off by negative weights, but then few are.
    assert sum(scale > 0 for scale in scales) > 0.75 * len(scales)


def test_the_cases_have_every_pair_of_options() -> None:
    seen = set().union(*(pairs(case) for case in CASES))

    names = list(VALUES)
    wanted = sum(
        len(VALUES[one]) * len(VALUES[other]) for index, one in enumerate(names) for other in names[index + 1 :]
    )
    assert len(seen) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=identity)
def test_outputs_and_gradients_equal_effdets(case: Case) -> None:
    torch.manual_seed(0)
    options = options_of(case)
    batch, *image_size = case["images"]  # type: ignore[misc]  # a tuple of the table above
    maps = feature_maps(IN_CHANNELS[options.min_level], options.min_level, tuple(image_size), batch)
    theirs, ours = necks(options, tuple(image_size), maps)

    evaluated = results(ours.eval(), ours, maps), results(theirs.eval(), theirs, maps)
    trained = results(ours.train(), ours, maps), results(theirs.train(), theirs, maps)

    note(ours, theirs, "eval", assert_equal_results(*evaluated))
    assert_equal_parameter_gradients(*evaluated, ours, theirs.state_dict())
    note(ours, theirs, "training", assert_equal_results(*trained))
    assert_equal_parameter_gradients(*trained, ours, theirs.state_dict())
    statistics = dict(ours.named_buffers())
    expected = neck_state_from_effdet(theirs.state_dict(), ours)
    for name, tensor in statistics.items():
        assert_equal(tensor, expected[name], name)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())


def necks(options: Options, image_size: tuple[int, int], maps: Sequence[Tensor]) -> tuple[BiFpn, fpngraph.Neck]:
    theirs = effdet_neck(options, [x.shape[1] for x in maps], image_size)
    return theirs, equal_necks(theirs, graph_of(options), maps)


@torch.no_grad()
def outputs_of(options: Options, image_size: tuple[int, int]) -> tuple[list[Tensor], list[Tensor]]:
    """What the two give in eval mode for the same maps of three levels, ours first."""
    torch.manual_seed(0)
    maps = feature_maps((40, 112, 320), 3, image_size)
    theirs, ours = necks(options, image_size, maps)
    return ours.eval()(maps), theirs.eval()(list(maps))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("image_size", "options"),
    [
        pytest.param((512, 512), Options(fpn_channels=64, fpn_cell_repeats=3), id="efficientdet_d0"),
        pytest.param((333, 500), Options(fpn_channels=88, fpn_cell_repeats=4), id="efficientdet_d1"),
        pytest.param((512, 512), Options(fpn_name="qufpn_fa", fpn_channels=64, fpn_cell_repeats=3), id="q0"),
        pytest.param((300, 420), Options(fpn_name="pan_fa", fpn_channels=88, separable_conv=False), id="pan"),
        pytest.param((65, 1024), Options(), id="wide"),
    ],
)
def test_outputs_equal_effdets_at_full_width(image_size: tuple[int, int], options: Options) -> None:
    got, expected = outputs_of(options, image_size)

    for level, (y, wanted) in enumerate(zip(got, expected, strict=True), 3):
        assert y.shape[2:] == tuple(-(-side // 2**level) for side in image_size)
        assert_equal(y, wanted, f"P{level}")


def test_effdet_skips_a_pooling_where_only_one_side_shrinks() -> None:
    got, expected = outputs_of(Options(), (64, 1024))

    assert [tuple(y.shape[2:]) for y in got] == [(8, 128), (4, 64), (2, 32), (1, 16), (1, 8)]
    assert [tuple(y.shape[2:]) for y in expected] == [(8, 128), (4, 64), (2, 32), (1, 16), (1, 16)]
