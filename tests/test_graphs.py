"""The shipped graphs: they load and build for every range of levels, and their presets are the papers' numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import fpngraph
from fpngraph.library import shipped
from tests.parts import parts
from tools.necks_doc import lines as lines_of

SEARCHED = {"nas_fpn", "nas_fpn_mmdet"}
GRAPHS = {"bifpn", "fpn", "pan_effdet", "panet", "qufpn", "retinanet_fpn", "simple_fpn"}
DETECTORS = {"yolov5", "yolov8", "yolov9", "yolov10", "yolo11", "yolo12", "yolo26", "yolox", "rtmdet", "rtdetr"}
DETECTORS |= {"damo_yolo", "ppyoloe", "yolov3", "yolov6", "yolov7", "gold_yolo", "mafpn", "prn", "lim_yolo", "sta"}
PYRAMIDS = {"hrfpn", "bfp", "libra", "fpg", "ssh", "ssd", "nasfcos_fpn", "carafe_fpn", "gfpn", "asff", "afpn"}
PYRAMIDS |= {"bifpn_paddle", "m2det"}
DECODERS = {"unetpp", "linknet", "upernet", "semantic_fpn", "deeplabv3p", "maskformer_fpn", "clft", "cobicount"}
PUBLISHED = SEARCHED | DETECTORS | PYRAMIDS | DECODERS
KINDS = {"gold_yolo": ["l"], "prn": ["l"], "yolo11": ["m"], "yolov10": ["m"], "yolov5": ["n6"], "yolov6": ["l"]}
KINDS |= {"yolov7": ["x"]}
"""Scales that have something which the first of the file has not: more than other channels and repeats."""
NORMED_BY_IMAGE = {"upernet", "semantic_fpn", "maskformer_fpn"}  # by group or layer norms, which stay in inference
FOLDER = Path(__file__).parents[1] / "graphs"
JOINED = "follows no convolution that could take it in"
UNFOLDED = {
    "rtdetr": {"S5.op.encoder_layer": "the statistics of its norms are those of each pixel"},
    "ssd": {"P3.op.l2_norm": "its lengths are those of each pixel"},
    "m2det": {"out.P3.op.norm": JOINED},
    "nasfcos_fpn": {f"{name}.op.norm": JOINED for name in ("a5", "b5", "c5", "d3", "e5", "f3", "g3")},
}
"""What is not folded: norms of an image's own, and those of joined maps."""

# arXiv:1911.09070, table 1: channels and layers of the BiFPN. D7x has one level more (Sec. 5.1).
EFFICIENTDET = {
    "d0": (64, 3, 7),
    "d1": (88, 4, 7),
    "d2": (112, 5, 7),
    "d3": (160, 6, 7),
    "d4": (224, 7, 7),
    "d5": (288, 7, 7),
    "d6": (384, 8, 7),
    "d7": (384, 8, 7),
    "d7x": (384, 8, 8),
}
RANGES = [
    pytest.param(name, {"min": low, "backbone_max": middle, "max": high}, id=f"{name}-{low}-{middle}-{high}")
    for name in sorted(GRAPHS - {"simple_fpn"})
    for low, middle, high in [(3, 5, 7), (3, 5, 8), (2, 5, 6), (2, 4, 6), (4, 5, 6), (0, 2, 4), (5, 5, 7)]
    if name != "retinanet_fpn" or middle == 5
]


def shapes(neck: fpngraph.Neck, height: int, width: int) -> dict[str, tuple[int, ...]]:
    """What comes out for maps of an image of this size, by output name."""
    levels = {name: entry.level for name, entry in neck.source_graph.inputs.items()}
    maps = {
        name: torch.randn(1, channels, -(-height // 2 ** levels[name]), -(-width // 2 ** levels[name]))
        for name, channels in neck.in_channels.items()
    }
    with torch.no_grad():
        return {name: tuple(y.shape) for name, y in neck(maps).items()}


def build(name: str, **params: object) -> fpngraph.Neck:
    graph = fpngraph.load(name, channels=8, **params)
    return fpngraph.build(graph, in_channels=[6 + 2 * index for index in range(len(graph.inputs))]).eval()


def test_these_graphs_are_shipped() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == GRAPHS | SEARCHED
    assert {path.stem for folder in ("yolo", "detr") for path in (FOLDER / folder).glob("*.yaml")} == DETECTORS
    assert {path.stem for path in (FOLDER / "fpn").glob("*.yaml")} == PYRAMIDS
    assert {path.stem for path in (FOLDER / "segmentation").glob("*.yaml")} == DECODERS
    assert set(shipped()) == GRAPHS | PUBLISHED


@pytest.mark.parametrize("name", sorted(GRAPHS | PUBLISHED))
def test_a_shipped_graph_names_its_paper_and_says_what_it_is(name: str) -> None:
    graph = fpngraph.load(name)

    assert graph.source.startswith("https://")
    assert graph.description.endswith(".")


@pytest.mark.parametrize("name", sorted((GRAPHS | PUBLISHED) - {"pan_effdet"}))
def test_a_shipped_graph_has_no_warnings(name: str) -> None:
    assert fpngraph.load(name).warnings == ()


def test_pan_effdet_is_warned_about_for_the_weights_that_effdet_gives_single_inputs() -> None:
    warnings = fpngraph.load("pan_effdet").warnings

    lines = {warning.line for warning in warnings}
    text = (FOLDER / "pan_effdet.yaml").read_text().splitlines()
    assert {text[line - 1].strip().split("(")[0] for line in lines if line} == {"td", "out"}
    assert fpngraph.load("pan_effdet", fusion="sum").warnings == ()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "params"), RANGES)
def test_a_shipped_graph_gives_every_level_of_a_range(name: str, params: dict[str, int]) -> None:
    neck = build(name, **params)

    assert shapes(neck, 333, 500) == {
        f"P{level}": (1, 8, -(-333 // 2**level), -(-500 // 2**level))
        for level in range(params["min"], params["max"] + 1)
    }


@pytest.mark.parametrize("name", sorted(GRAPHS - {"simple_fpn"}))
def test_a_shipped_graph_takes_an_image_of_one_pixel(name: str) -> None:
    neck = build(name)

    assert set(shapes(neck, 1, 1).values()) == {(1, 8, 1, 1)}


@pytest.mark.parametrize("name", sorted(PYRAMIDS))
@pytest.mark.parametrize(("height", "width"), [(101, 67), (1, 1)])
def test_a_pyramid_takes_images_of_any_size(name: str, height: int, width: int) -> None:
    graph = fpngraph.load(name)
    neck = fpngraph.build(graph, [6 + 2 * index for index in range(len(graph.inputs))]).eval()

    outputs = shapes(neck, height, width)

    levels = [int(output.removeprefix("P")) for output in outputs]
    sizes = {f"P{level}": (-(-height // 2**level), -(-width // 2**level)) for level in levels}
    assert levels == list(range(levels[0], levels[-1] + 1))
    assert {output: shape[2:] for output, shape in outputs.items()} == sizes


@pytest.mark.parametrize("preset", EFFICIENTDET)
def test_a_preset_of_bifpn_has_the_numbers_of_the_paper(preset: str) -> None:
    channels, repeats, max_level = EFFICIENTDET[preset]

    graph = fpngraph.load("bifpn", preset=preset)

    assert {node.channels for node in graph.nodes.values()} == {channels}
    assert {node.run for node in graph.nodes.values()} == {None, *range(repeats)}
    assert list(graph.outputs) == [f"P{level}" for level in range(3, max_level + 1)]


@pytest.mark.parametrize("preset", ["d0", "d1"])
def test_a_preset_of_bifpn_builds_and_runs(preset: str) -> None:
    channels, _, max_level = EFFICIENTDET[preset]
    neck = fpngraph.build(fpngraph.load("bifpn", preset=preset), in_channels=[40, 112, 320]).eval()

    outputs = shapes(neck, 97, 65)

    assert set(outputs) == {f"P{level}" for level in range(3, max_level + 1)}
    assert outputs["P3"] == (1, channels, 13, 9)


def test_the_widest_presets_add_without_weights() -> None:
    fusions = {
        preset: {n.fusion.name for n in fpngraph.load("bifpn", preset=preset).nodes.values()} for preset in EFFICIENTDET
    }

    assert {preset for preset, names in fusions.items() if names == {"sum"}} == {"d6", "d7", "d7x"}


def test_quad_nodes_of_qufpn_are_weighted_whatever_the_fusion() -> None:
    graph = fpngraph.load("qufpn", fusion="sum")

    weighted = {node.member for node in graph.nodes.values() if node.fusion.weighted}

    assert weighted == {"q3", "q4", "q5", "q6", "q7"}


@pytest.mark.parametrize("source", ["C5", "P5"])
def test_the_source_of_retinanets_first_extra_level_is_a_parameter(source: str) -> None:
    graph = fpngraph.load("retinanet_fpn", source=source)

    assert [edge.source for edge in graph.nodes["P6"].edges] == [source]


@pytest.mark.parametrize(("level", "max_level"), [(4, 6), (4, 5), (3, 7), (5, 6)])
def test_simple_fpn_makes_every_level_of_one_map(level: int, max_level: int) -> None:
    graph = fpngraph.load("simple_fpn", channels=8, level=level, max=max_level)
    neck = fpngraph.build(graph, in_channels=[12]).eval()

    outputs = shapes(neck, 7 << level, 5 << level)

    assert outputs == {
        f"P{it}": (1, 8, -(-(7 << level) // 2**it), -(-(5 << level) // 2**it)) for it in range(level - 2, max_level + 1)
    }


@pytest.mark.parametrize(("depth", "nodes", "most"), [(2, 15, 4), (3, 20, 5), (4, 25, 5), (5, 30, 6), (13, 70, 7)])
def test_gfpn_has_as_many_layers_as_it_is_told(depth: int, nodes: int, most: int) -> None:
    graph = fpngraph.load("gfpn", backbone_max=7, pairs=depth // 2, odd=depth % 2)

    assert len(graph.nodes) == nodes
    assert max(len(node.edges) for node in graph.nodes.values()) == most


def test_a_node_of_gfpn_reads_layers_at_powers_of_two_its_neighbour_and_two_of_the_layer_before() -> None:
    nodes = fpngraph.load("gfpn", backbone_max=7, pairs=6, odd=1).nodes

    assert [edge.source for edge in nodes["last.t5"].edges] == [
        *("pair.2.t5", "pair.4.t5", "pair.5.t5", "pair.5.n5"),  # 8, 4, 2 and 1 layers before
        *("last.t6", "pair.5.n6", "pair.5.n4"),
    ]


def test_graph_files_have_at_most_forty_lines_but_for_one_with_nine_presets() -> None:
    longer = {name: count for name, path in shipped().items() if (count := lines_of(path)) > 40}

    assert longer == {"bifpn": 41}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_scale_is_built_and_of_a_kind_that_is_trained(name: str) -> None:
    trained = [set(parts(fpngraph.load(name, preset=preset))) for preset in (None, *KINDS.get(name, ()))]
    for preset in fpngraph.describe(name).presets:
        graph = fpngraph.load(name, preset=preset)

        neck = fpngraph.build(graph, [8] * len(graph.inputs), init=False)

        assert set(parts(graph)) in trained
        assert list(neck.out_channels) == list(graph.outputs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "preset"), [(name, preset) for name in sorted(PUBLISHED) for preset in (None, *KINDS.get(name, ()))]
)
def test_every_kind_of_a_detectors_neck_trains_and_is_folded(name: str, preset: str | None) -> None:
    torch.manual_seed(0)  # of maps this small a relu may let nothing through
    graph = fpngraph.load(name, preset=preset)
    levels = [entry.level for entry in graph.inputs.values()]
    steps = [level - min(levels) for level in levels]
    neck = fpngraph.build(graph, [8 << step for step in steps])
    maps = [torch.randn(2, 8 << step, 32 >> step, 48 >> step) for step in steps]

    sum(y.square().mean() for y in neck(maps)).backward()

    assert [path for path, x in neck.named_parameters() if x.grad is None or not x.grad.abs().sum() > 0] == []
    fused = neck.eval().fuse()
    if name in NORMED_BY_IMAGE:
        assert set(fused.unfolded.values()) == {"its statistics are those of each image"}
    else:
        assert fused.unfolded == UNFOLDED.get(name, {})
    kept = list(fused.unfolded.values()).count(JOINED)
    assert sum(isinstance(part, nn.BatchNorm2d) for part in fused.modules()) == kept
    for y, expected in zip(fused(maps), neck(maps), strict=True):
        torch.testing.assert_close(y, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_decoder_ends_in_one_map_of_the_finest_level_for_any_image(name: str) -> None:
    graph = fpngraph.load(name)
    neck = fpngraph.build(graph, [6 + 2 * index for index in range(len(graph.inputs))]).eval()

    (output,) = shapes(neck, 101, 77).values()

    level = min(node.level for node in graph.nodes.values())
    finest = max(level, 1)  # no map of level 0 comes in: it is twice as large as that of level 1
    assert output[2:] == tuple(-(-side // 2**finest) << finest - level for side in (101, 77))
    assert [graph.nodes[name].level for name in graph.outputs.values()] == [level]
