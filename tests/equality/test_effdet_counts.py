"""The shipped graphs have as many parameters as the necks of all configurations of effdet 0.4.1."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from effdet.config.model_config import efficientdet_model_param_dict

import fpngraph
from tests.equality.effdet_reference import Options, graph_of

_TABLE = Path(__file__).parent.parent / "efficientdet" / "effdet_models.csv"
_FLAGS = ("apply_resample_bn", "redundant_bias", "conv_bn_relu_pattern", "separable_conv")


def rows() -> list[dict[str, str]]:
    origin, *lines = _TABLE.read_text().splitlines()
    assert origin.startswith("#")
    return list(csv.DictReader(lines))


def options_of(row: dict[str, str]) -> Options:
    return Options(
        fpn_name=row["fpn_name"] or "bifpn_fa",
        min_level=int(row["min_level"]),
        max_level=int(row["max_level"]),
        fpn_channels=int(row["fpn_channels"]),
        fpn_cell_repeats=int(row["fpn_repeats"]),
        pad_type=row["pad_type"],
        act_type=row["act_type"],
        downsample_type=row["downsample_type"],
        upsample_type=row["upsample_type"],
        **{name: row[name] == "True" for name in _FLAGS},
    )


def test_the_table_has_every_configuration() -> None:
    assert [row["name"] for row in rows()] == list(efficientdet_model_param_dict)


@pytest.mark.slow
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["name"])
def test_the_neck_has_as_many_parameters_as_effdets(row: dict[str, str]) -> None:
    graph, in_channels = graph_of(options_of(row)), json.loads(row["backbone_channels"])

    with torch.device("meta"):
        neck = fpngraph.build(graph, in_channels=in_channels)

    assert sum(p.numel() for p in neck.parameters()) == int(row["params_neck"])
    assert fpngraph.cost(graph, in_channels, 512).parameters == int(row["params_neck"])
