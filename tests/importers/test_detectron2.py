"""Configurations of detectron2 become graphs by what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.importers.detectron2.convert import convert

Write = Callable[..., Path]
BASE = """
MODEL:
  BACKBONE: {NAME: build_resnet_fpn_backbone}
  ANCHOR_GENERATOR: {SIZES: !!python/object/apply:eval ["[[x] for x in [32]]"]}
  FPN: {IN_FEATURES: [res2, res3, res4, res5]}
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


@pytest.mark.parametrize(
    ("text", "name", "levels"),
    [
        ("_BASE_: base.yaml", "FPN", range(2, 7)),
        (
            "_BASE_: base.yaml\nMODEL: {BACKBONE: {NAME: build_retinanet_resnet_fpn_backbone}, "
            "FPN: {IN_FEATURES: [res3, res4, res5], OUT_CHANNELS: 128, NORM: GN, FUSE_TYPE: avg}}",
            "RetinaNet FPN",
            range(3, 8),
        ),
        (
            "model: {backbone: {_target_: detectron2.modeling.backbone.FPN, in_features: [res3, res4, res5], "
            "top_block: {_target_: a.LastLevelMaxPool}}}",
            "FPN",
            range(3, 7),
        ),
        (
            "model: {backbone: {_target_: detectron2.modeling.backbone.FPN, in_features: [res4, res5]}}",
            "FPN",
            range(4, 6),
        ),
        (
            "model: {backbone: {_target_: detectron2.modeling.backbone.FPN, in_features: '${.bottom_up.out_features}', "
            "bottom_up: {out_features: [s1, s2, s3, s4]}, top_block: {_target_: a.LastLevelP6P7, in_feature: p5}}}",
            "RetinaNet FPN",
            range(2, 8),
        ),
    ],
    ids=["Faster R-CNN", "RetinaNet", "LazyConfig", "no top", "reference"],
)
def test_a_pyramid_has_the_levels_and_settings_that_are_said(text: str, name: str, levels: range, write: Write) -> None:
    write(BASE, "base.yaml")

    converted = convert(write(text))
    graph = fpngraph.loads(converted.text)

    assert (graph.name, list(graph.outputs)) == (name, [f"P{level}" for level in levels])
    if "GN" in text:
        assert {node.fusion.name for node in graph.nodes.values()} == {"mean"}
        assert "group_norm" in converted.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MODEL: {BACKBONE: {NAME: build_mine}}", "the backbone is 'build_mine', which has no pyramid"),
        ("MODEL: {META_ARCHITECTURE: RetinaNet}", "the backbone is 'build_resnet_backbone', which has no pyramid"),
        ("_BASE_: none.yaml", "there is no file 'none.yaml'"),
        ("_BASE_: mine.yaml", "'mine.yaml' is based on itself"),
        (
            "_BASE_: base.yaml\nMODEL: {FPN: {IN_FEATURES: [res2, res4], NORM: LN, FUSE_TYPE: max}}",
            "'IN_FEATURES' is res2, res4",
        ),
        (
            "_BASE_: base.yaml\nMODEL: {FPN: {IN_FEATURES: [res2, res4], NORM: LN, FUSE_TYPE: max}}",
            "there is no norm for 'LN'",
        ),
        (
            "_BASE_: base.yaml\nMODEL: {FPN: {IN_FEATURES: [res2, res4], NORM: LN, FUSE_TYPE: max}}",
            "'FUSE_TYPE' is 'max', but must be 'sum' or 'avg'",
        ),
        ("_BASE_: base.yaml\nMODEL: {RESNETS: {RES5_DILATION: 2}}", "'RES5_DILATION' makes res5 as fine as res4"),
    ],
)
def test_what_no_graph_can_say_is_told_with_its_place(text: str, message: str, write: Write) -> None:
    write(BASE, "base.yaml")

    with pytest.raises(GraphError) as caught:
        convert(write(text))

    assert message in str(caught.value)
    assert all(problem.span is not None for problem in caught.value.problems)


def test_a_configuration_that_would_have_to_be_run_is_refused(write: Write) -> None:
    path = write("x = 1", "mine.py")

    with pytest.raises(GraphError) as caught:
        convert(path)

    assert str(caught.value) == (
        f"{str(path)!r} would have to be run to be read [not-converted]\n"
        "  hint: 'LazyConfig.save(config, path)' of detectron2 writes it as YAML"
    )
