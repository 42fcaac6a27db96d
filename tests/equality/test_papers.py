"""Shipped graphs for which no reference runs are equal to implementations of their papers in plain torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

import fpngraph
from tests.equality.gold_yolo import GATHERED, GoldYolo
from tests.equality.level_shift import LimYolo
from tests.equality.multi_branch import Mafpn
from tests.equality.paddle_bifpn import PaddleBifpn
from tests.equality.progressive_refinement import Prn
from tests.equality.spatial_weights import Afpn, Asff
from tests.equality.thinned_u_shapes import Thinned
from tests.equality.yolo_papers import CspStackRep, ElanStage, Rep, Stage, Yolov6, Yolov7, conv, reps
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.pairing import pairs
from tests.oracles.reference import randomised


@pytest.mark.parametrize("size", [(12, 20), (4, 4), (8, 28)], ids=str)
def test_asff_weighs_three_levels(size: tuple[int, int]) -> None:
    inner, width = (6, 6, 10), (5, 7, 9)
    theirs = randomised(Asff(inner, width, hidden=4))
    tables = {"inner": dict(zip((3, 4, 5), inner, strict=True)), "width": dict(zip((3, 4, 5), width, strict=True))}
    ours = fpngraph.build(fpngraph.load("asff", hidden=4, **tables), inner)
    maps = [torch.randn(2, channels, *(side >> index for side in size)) for index, channels in enumerate(inner)]

    names = pairs(ours, theirs, {it: it for it in ("F5", "F4", "F3", "P5", "P4", "P3")})

    assert_equal_necks(ours, theirs, names, maps)


@pytest.mark.parametrize("size", [(16, 24), (8, 8)], ids=str)
def test_afpn_joins_level_after_level(size: tuple[int, int]) -> None:
    given, width = (8, 9, 10, 11), {2: 3, 3: 4, 4: 5, 5: 6}
    theirs = randomised(Afpn(given, width, channels=7, hidden=3, blocks=2))
    ours = fpngraph.build(fpngraph.load("afpn", width=width, channels=7, hidden=3, blocks=2), given)
    maps = [torch.randn(2, channels, *(side >> index for side in size)) for index, channels in enumerate(given)]

    nodes = [name for name in ours.source_graph.nodes if name != "out.P6"]

    assert_equal_necks(ours, theirs, pairs(ours, theirs, {it: it for it in nodes}), maps)


YOLOV6: Mapping[str, tuple[Stage, Mapping[str, Any]]] = {
    "n": (partial(reps, count=2), {"stage": {"rep_vgg": {"blocks": 2}}}),
    "m": (
        lambda given, gives: CspStackRep(given, gives, 2 * gives // 3, 2, nn.ReLU()),
        {"stage": {"bep_c3": {"blocks": 2, "expand": 0.666666666667}}},
    ),
    "l": (
        lambda given, gives: CspStackRep(given, gives, gives // 2, 3, nn.SiLU(), plain=True),
        {"stage": {"bep_c3": {"blocks": 3, "block": "conv"}}, "act": "silu"},
    ),
}


@pytest.mark.parametrize("size", [(16, 24), (8, 8)], ids=str)
@pytest.mark.parametrize(("stage", "params"), YOLOV6.values(), ids=YOLOV6)
def test_yolov6_reads_a_finer_level_on_its_way_down(
    stage: Stage, params: Mapping[str, Any], size: tuple[int, int]
) -> None:
    given, width = (7, 8, 9, 10), (6, 12, 18)
    theirs = randomised(Yolov6(given, width, stage))
    graph = fpngraph.load("yolov6", width=dict(zip((3, 4, 5), width, strict=True)), **params)
    ours = fpngraph.build(graph, given)
    maps = [torch.randn(2, channels, *(side >> index for side in size)) for index, channels in enumerate(given)]

    names = pairs(ours, theirs, {it: it for it in ("R5", "B4", "R4", "B3", "N4", "N5")})

    assert_equal_necks(ours, theirs, names, maps)


YOLOV7: Mapping[str, tuple[Stage, Stage, Mapping[str, Any]]] = {
    "plain": (
        lambda given, gives: ElanStage(given, gives, (gives, gives // 2), 3),
        lambda given, gives: Rep(given, gives, nn.SiLU()),
        {"stage": {"elan": {"blocks": 3}}},
    ),
    "x": (
        lambda given, gives: ElanStage(given, gives, (4 * gives // 5, 4 * gives // 5), 2, step=2),
        lambda given, gives: conv(given, gives, 3, 1, nn.SiLU()),
        {"stage": {"elan": {"blocks": 2, "depth": 2, "expand": 0.8, "half": False}}, "last": ["conv", "norm", "act"]},
    ),
}


@pytest.mark.parametrize("size", [(8, 12), (4, 4)], ids=str)
@pytest.mark.parametrize(("stage", "last", "params"), YOLOV7.values(), ids=YOLOV7)
def test_yolov7_goes_up_by_two_paths(
    stage: Stage, last: Stage, params: Mapping[str, Any], size: tuple[int, int]
) -> None:
    given, width, out = (7, 8, 9), (10, 20, 30), (5, 8, 10)
    theirs = randomised(Yolov7(given, width, out, stage, last))
    tables = {"width": dict(zip((3, 4, 5), width, strict=True)), "out": dict(zip((3, 4, 5), out, strict=True))}
    ours = fpngraph.build(fpngraph.load("yolov7", **params, **tables), given)
    # Of four images: norms of two pixels alone turn rounding errors into gradients.
    maps = [torch.randn(4, channels, *(side >> index for side in size)) for index, channels in enumerate(given)]

    names = pairs(ours, theirs, {it: it for it in ours.source_graph.nodes})

    assert_equal_necks(ours, theirs, names, maps)


GOLD_YOLO: Mapping[str, tuple[Stage, Callable[[], nn.Module], Mapping[str, Any]]] = {
    "n": (
        YOLOV6["n"][0],
        lambda: reps(GATHERED, GATHERED, 2),
        {**YOLOV6["n"][1], "gather": {"rep_vgg": {"blocks": 2}}},
    ),
    "m": (
        YOLOV6["m"][0],
        lambda: reps(GATHERED, GATHERED, 2),
        {**YOLOV6["m"][1], "gather": {"rep_vgg": {"blocks": 2}}},
    ),
    "l": (
        YOLOV6["l"][0],
        lambda: nn.Sequential(*(conv(GATHERED, GATHERED, 3, 1, nn.SiLU()) for _ in range(2))),
        {
            **YOLOV6["l"][1],
            "gather": {"repeat": {"times": 2, "layers": ["conv", "norm", "silu"]}},
            "finer": "B(l-1)",
        },
    ),
}


@pytest.mark.parametrize("size", [(32, 48), (23, 37), (9, 12)], ids=str)
@pytest.mark.parametrize(("stage", "gather", "params"), GOLD_YOLO.values(), ids=GOLD_YOLO)
def test_gold_yolo_gathers_and_distributes_twice(
    stage: Stage, gather: Callable[[], nn.Module], params: Mapping[str, Any], size: tuple[int, int]
) -> None:
    given, width, heads = (7, 8, 9, 10), (6, 12, 18), {"heads": 2, "key": 3, "value": 5}
    theirs = randomised(GoldYolo(given, width, stage, gather(), again="finer" in params, **heads))
    tables = {"width": dict(zip((3, 4, 5), width, strict=True)), "gathered": GATHERED}
    graph = fpngraph.load("gold_yolo", transformer={"topformer": {"blocks": 2, **heads}}, **params, **tables)
    ours = fpngraph.build(graph, given)
    sides = [tuple(-(-side // 2**index) for side in size) for index in range(4)]
    maps = [torch.randn(2, channels, *side) for channels, side in zip(given, sides, strict=True)]

    names = pairs(ours, theirs, {it: it for it in ours.source_graph.nodes if not it.startswith("M")})

    assert_equal_necks(ours, theirs, names, maps)


@pytest.mark.parametrize("size", [(16, 32), (15, 21), (3, 2)], ids=str)
def test_bifpn_paddle_projects_each_level_once(size: tuple[int, int]) -> None:
    given = (7, 8, 9)
    theirs = randomised(PaddleBifpn(given, channels=6, repeats=2))
    ours = fpngraph.build(fpngraph.load("bifpn_paddle", channels=6, repeats=2), given)
    sides = [tuple(-(-side // 2**index) for side in size) for index in range(3)]
    maps = [torch.randn(2, channels, *side) for channels, side in zip(given, sides, strict=True)]

    names = {f"levels.L{level}": f"lateral.{level - 3}" for level in (3, 4, 5)} | {"levels.L6": "extra"}
    nodes = [f"td{level}" for level in (3, 4, 5, 6)] + [f"out{level}" for level in (4, 5, 6, 7)]
    names |= {f"cell.{run}.{node}": f"cells.{run}.nodes.{node}" for run in (0, 1) for node in nodes}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)


@pytest.mark.parametrize("size", [(33, 40), (64, 32)], ids=str)
@pytest.mark.parametrize("weighs", [True, False], ids=["weighed", "joined"])
def test_m2det_joins_the_maps_of_its_modules_and_weighs_their_channels(size: tuple[int, int], weighs: bool) -> None:
    given = (5, 6)
    theirs = randomised(Thinned(given, (3, 4), reduced=5, channels=12, count=3, weighs=weighs))
    weighing = {} if weighs else {"weighing": []}
    graph = fpngraph.load("m2det", shallow=3, deep=4, reduced=5, channels=12, modules=3, **weighing)
    ours = fpngraph.build(graph, given)
    sides = [size, tuple(-(-side // 2) for side in size)]
    maps = [torch.randn(2, channels, *side) for channels, side in zip(given, sides, strict=True)]

    names = {"base.R3": "R3", "base.R4": "R4", "out.P3": "norm"}
    names |= {f"out.W{level}": f"weighings.{level - 3}" for level in range(3, 9)}
    for run in range(3):
        node, shape = f"module.{run}", f"shapes.{run}"
        names |= {f"{node}.X3": f"{shape}.reduce", f"{node}.D8": f"{shape}.top"}
        names |= {f"{node}.E{level}": f"{shape}.down.{level - 4}" for level in range(4, 9)}
        names |= {f"{node}.D{level}": f"{shape}.lateral.{level - 3}" for level in range(3, 8)}
        names |= {f"{node}.S{level}": f"{shape}.smooth.{level - 3}" for level in range(3, 8)}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)


@pytest.mark.parametrize("size", [(16, 24), (8, 8)], ids=str)
def test_mafpn_reads_three_levels_of_the_backbone_and_four_of_its_own_maps(size: tuple[int, int]) -> None:
    given, width = (3, 5, 6, 7), {3: 4, 4: 6, 5: 8}
    theirs = randomised(Mafpn(given, width))
    ours = fpngraph.build(fpngraph.load("mafpn", width=width), given)
    maps = [torch.randn(2, channels, *(side >> index for side in size)) for index, channels in enumerate(given)]

    names: dict[str, str | list[str]] = {node: node for node in ("S5", "S4", "S3", "P3")}
    names |= {f"P{level}": [f"down{level}", f"P{level}"] for level in (4, 5)}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)


@pytest.mark.parametrize("size", [(16, 24), (8, 8)], ids=str)
def test_prn_refines_the_finest_levels_three_times(size: tuple[int, int]) -> None:
    given, width = (3, 5, 6, 7), {2: 4, 3: 8, 4: 12}
    theirs = randomised(Prn(given, width))
    ours = fpngraph.build(fpngraph.load("prn", width=width), given)
    maps = [torch.randn(2, channels, *(side >> index for side in size)) for index, channels in enumerate(given)]

    names: dict[str, str | list[str]] = {node: node for node in ours.source_graph.nodes}
    names |= {"D3": ["from2", "D3"], "F4": ["from3", "F4"]}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)


@pytest.mark.parametrize("size", [(16, 24), (8, 8)], ids=str)
def test_lim_yolo_aggregates_from_stride_4_to_stride_16(size: tuple[int, int]) -> None:
    given, width = (3, 5, 6), {2: 4, 3: 8, 4: 12}
    theirs = randomised(LimYolo(given, width, blocks=2))
    ours = fpngraph.build(fpngraph.load("lim_yolo", width=width), given)
    maps = [torch.randn(2, channels, *(side >> index for side in size)) for index, channels in enumerate(given)]

    names: dict[str, str | list[str]] = {"T3": "T3", "T2": "T2"}
    names |= {f"N{level}": [f"down{level}", f"N{level}"] for level in (3, 4)}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, names), maps)
