"""Configurations of transformers become graphs by what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.importers.transformers.convert import convert


def written(folder: Path, **said: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(said, indent=2))
    return path


def test_what_is_not_said_is_as_in_transformers(tmp_path: Path) -> None:
    converted = convert(written(tmp_path, model_type="rt_detr"))

    graph = fpngraph.loads(converted.text)
    assert graph.nodes == fpngraph.load("rtdetr").nodes
    assert converted.table()["source"] == "transformers.RTDetrModel"


@pytest.mark.parametrize(
    ("said", "graph", "params"),
    [
        (
            {"model_type": "rt_detr_v2", "encoder_hidden_dim": 384, "encoder_ffn_dim": 2048, "hidden_expansion": 0.5},
            "rtdetr",
            {"width": 384, "hidden": 2048, "expand": 0.5},
        ),
        (
            {"model_type": "maskformer", "fpn_feature_size": 64, "mask_feature_size": 32},
            "maskformer_fpn",
            {"channels": 64, "mask": 32},
        ),
    ],
)
def test_settings_are_parameters(said: dict[str, Any], graph: str, params: dict[str, Any], tmp_path: Path) -> None:
    converted = convert(written(tmp_path, **said))

    assert fpngraph.loads(converted.text).nodes == fpngraph.load(graph, **params).nodes


def test_all_that_no_graph_can_say_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, model_type="rt_detr", encoder_attention_heads=4, eval_size=[640, 640], encoder_ffn_dim="x")

    with pytest.raises(GraphError) as caught:
        convert(path)

    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "config.json:3:30: 'encoder_attention_heads' is 4, but the graph is for 8 [not-converted]\n"
        '  3 |   "encoder_attention_heads": 4,\n'
        "    |                              ^\n"
        "config.json:4:16: 'eval_size' is a list, but the graph is for none [not-converted]\n"
        '  4 |   "eval_size": [\n'
        "    |                ^\n"
        "config.json:8:23: 'encoder_ffn_dim' is 'x', but must be a positive integer [not-converted]\n"
        '  8 |   "encoder_ffn_dim": "x"\n'
        "    |                       ^"
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"model_type": "d_fine"}, "there is no graph for the neck of 'd_fine'"),
        ({"model_type": ["rt_detr"]}, "there is no graph for the neck of ['rt_detr']"),
        ({}, "the file has no 'model_type'"),
    ],
)
def test_a_model_without_a_graph_is_named(said: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(GraphError) as caught:
        convert(written(tmp_path, **said))

    assert caught.value.problems[0].message == message
    assert caught.value.problems[0].hint == "there are: rt_detr, rt_detr_v2, maskformer"


@pytest.mark.parametrize("strides", [None, 8, [8, 16]])
def test_maps_of_other_strides_are_refused(strides: Any, tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="the graph is for maps of the strides 8, 16, 32"):
        convert(written(tmp_path, model_type="rt_detr", feat_strides=strides))
