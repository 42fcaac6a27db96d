"""The shipped graphs fpn, retinanet_fpn and panet equal the necks of mmdet and torchvision that they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

import fpngraph
from tests.oracles.comparison import assert_equal_necks, differences
from tests.oracles.pairing import Theirs, pairs
from tests.oracles.reference import Reference, maps, randomised
from tests.oracles.references import mmdet, torchvision

WIDTHS = {2: 6, 3: 8, 4: 10, 5: 12}  # 8 is the necks' own, which others project all the same
CHANNELS = 8
SIZES = [(128, 192), (100, 52)]


def widths(first: int) -> dict[int, int]:
    return {level: width for level, width in WIDTHS.items() if level >= first}


def compare(reference: Reference, graph: fpngraph.Graph, nodes: Mapping[str, Theirs], size: tuple[int, int]) -> None:
    """Equal weights give equal numbers."""
    theirs = randomised(reference.neck)
    ours = fpngraph.build(graph, list(reference.in_channels.values()))

    assert_equal_necks(ours, theirs, pairs(ours, theirs, nodes), maps(reference, *size))


def pyramid(first: int, laterals: str, outputs: str) -> dict[str, Theirs]:
    """The nodes of our pyramids, by what another library calls its lists of modules."""
    levels = list(enumerate(range(first, 6)))
    sums: dict[str, Theirs] = {f"M{level}": f"{laterals}.{index}" for index, level in levels}
    return sums | {f"P{level}": f"{outputs}.{index}" for index, level in levels}


def mmdet_extra(mode: str, *, relu: bool) -> Reference:
    """mmdet's FPN with two levels more by convolutions."""
    settings = {"add_extra_convs": mode, "relu_before_extra_convs": relu}
    return mmdet.neck("FPN", widths(3), range(3, 8), out_channels=CHANNELS, num_outs=5, **settings)


EXTRA: Mapping[str, Theirs] = {"P6": "fpn_convs.3", "P7": "fpn_convs.4"}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_fpn_is_mmdets_with_a_pooled_level(size: tuple[int, int]) -> None:
    theirs = mmdet.neck("FPN", widths(2), range(2, 7), out_channels=CHANNELS, num_outs=5)

    compare(theirs, fpngraph.load("fpn", channels=CHANNELS), pyramid(2, "lateral_convs", "fpn_convs"), size)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("mode", "source"),
    [("on_input", "C5"), ("on_lateral", "M5"), ("on_output", "P5")],
    ids=["input", "lateral", "output"],
)
def test_retinanet_fpn_is_mmdets_with_convolved_levels(mode: str, source: str, size: tuple[int, int]) -> None:
    graph = fpngraph.load("retinanet_fpn", channels=CHANNELS, source=source)

    compare(mmdet_extra(mode, relu=True), graph, {**pyramid(3, "lateral_convs", "fpn_convs"), **EXTRA}, size)


def test_without_mmdets_activation_between_convolved_levels_all_but_the_last_is_equal() -> None:
    reference = mmdet_extra("on_input", relu=False)
    theirs = randomised(reference.neck)
    ours = fpngraph.build(fpngraph.load("retinanet_fpn", channels=CHANNELS), list(reference.in_channels.values()))
    names = pairs(ours, theirs, {**pyramid(3, "lateral_convs", "fpn_convs"), **EXTRA})

    found = differences(ours, theirs, names, maps(reference, *SIZES[0]))

    outputs = [found[f"eval: output {index}"] for index in range(5)]
    assert max(outputs[:4]) < 1e-14
    assert outputs[4] > 0.1


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("first", "last"), [(2, 6), (3, 5)], ids=str)
def test_panet_is_mmdets(first: int, last: int, size: tuple[int, int]) -> None:
    number = last - first + 1
    theirs = mmdet.neck("PAFPN", widths(first), range(first, last + 1), out_channels=CHANNELS, num_outs=number)
    nodes: dict[str, Theirs] = {}
    for index, level in enumerate(range(first, 6)):
        nodes |= {f"M{level}": f"lateral_convs.{index}", f"F{level}": f"fpn_convs.{index}"}
        if index > 0:
            nodes |= {f"S{level}": f"downsample_convs.{index - 1}", f"N{level}": f"pafpn_convs.{index - 1}"}

    compare(theirs, fpngraph.load("panet", min=first, max=last, channels=CHANNELS), nodes, size)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("build", "name", "last", "extra"),
    [
        (torchvision.plain, "fpn", 5, {}),
        (torchvision.max_pooled, "fpn", 6, {}),
        (torchvision.convolved, "retinanet_fpn", 7, {"P6": "extra_blocks.p6", "P7": "extra_blocks.p7"}),
    ],
    ids=["plain", "max-pooled", "convolved"],
)
def test_pyramids_are_torchvisions(
    build: Callable[[Mapping[int, int], int], Reference],
    name: str,
    last: int,
    extra: Mapping[str, str],
    size: tuple[int, int],
) -> None:
    graph = fpngraph.load(name, min=3, max=last, channels=CHANNELS)

    compare(build(widths(3), CHANNELS), graph, {**pyramid(3, "inner_blocks", "layer_blocks"), **extra}, size)


@pytest.mark.parametrize("relu", [False, True], ids=["plain", "relu"])
@pytest.mark.parametrize(("mode", "source"), [("on_input", "C5"), ("on_lateral", "M5"), ("on_output", "P5")])
def test_the_weights_of_mmdets_four_forms_come_by_their_table(mode: str, source: str, relu: bool) -> None:
    reference = mmdet_extra(mode, relu=relu)
    theirs = randomised(reference.neck).double()
    extra = {} if relu else {"extra": {"strided_conv": {"kernel": 3}}}
    graph = fpngraph.load("retinanet_fpn", channels=CHANNELS, source=source, **extra)
    ours = fpngraph.build(graph, list(reference.in_channels.values())).double()
    settings = {"add_extra_convs": mode, "relu_before_extra_convs": relu}

    fpngraph.load_from(ours, theirs.state_dict(), "mmdet.FPN", config=settings)

    given = maps(reference, *SIZES[1])
    for y, other in zip(ours(given), theirs(given), strict=True):
        assert float((y - other).detach().abs().max() / other.detach().abs().max()) < 1e-12


def test_the_weights_of_mmdets_fpn_with_norms_come_by_their_table() -> None:
    reference = mmdet.neck("FPN", widths(3), range(3, 6), out_channels=CHANNELS, num_outs=3, norm_cfg={"type": "BN"})
    theirs = randomised(reference.neck).double().eval()
    params = {"lateral": {"when": "always", "norm": True}, "smooth": [{"conv": {"kernel": 3}}, "norm"]}
    graph = fpngraph.load("fpn", min=3, max=5, channels=CHANNELS, **params)
    ours = fpngraph.build(graph, list(reference.in_channels.values())).double().eval()

    fpngraph.load_from(ours, theirs.state_dict(), "mmdet.FPN")

    given = maps(reference, *SIZES[0])
    for y, other in zip(ours(given), theirs(given), strict=True):
        assert float((y - other).detach().abs().max() / other.detach().abs().max()) < 1e-12
