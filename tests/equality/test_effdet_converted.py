"""What effdet's configuration says, converted and loaded by its table, gives what effdet gives."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from torch import Tensor

import fpngraph
from fpngraph.importers.effdet.config import NAMES
from fpngraph.importers.effdet.convert import Converted, convert
from fpngraph.weights.sources import names_of
from fpngraph.weights.tables import Table
from tests.equality.closeness import assert_equal, assert_equal_results, results
from tests.equality.effdet_reference import Options, calibrate, effdet_config, effdet_neck, feature_maps, randomise
from tests.equality.test_effdet_random import FAR, Topology, topologies


def converted(written: dict[str, Any], folder: Path) -> Converted:
    path = folder / "mine.json"
    path.write_text(json.dumps(written))
    return convert(path)


def assert_equal_effdets(found: Converted, theirs: Any, maps: list[Tensor]) -> None:
    """In both modes the graph gives what effdet's neck gives, with its gradients and its statistics afterwards."""
    randomise(theirs.double())
    calibrate(theirs, [torch.cat([x, torch.randn_like(x)]) for x in maps])
    ours = fpngraph.build(fpngraph.loads(found.graph), [x.shape[1] for x in maps])
    table = Table.model_validate(found.table())
    carried = fpngraph.load_from(ours.double(), theirs.state_dict(), "effdet", table=table)
    names = {name: one for name, (one,) in names_of(ours, table).items()}

    for training in (False, True):
        expected = results(theirs.train(training), theirs, maps)
        got = results(ours.train(training), ours, maps)

        assert_equal_results(got, expected)
        largest = max(float(x.abs().max()) for x in expected.parameters.values())
        for name, gradient in got.parameters.items():
            assert_equal(gradient, expected.parameters[names[name]], f"gradient of {name}", largest)
    statistics = dict(theirs.named_buffers())
    for name, tensor in ours.named_buffers():
        assert_equal(tensor, statistics[names[name]], name)
    assert (carried.missing, carried.unused) == ((), ())


@pytest.mark.slow
@example(FAR)
@hypothesis_settings(max_examples=30)
@given(topologies())
def test_random_cells_of_a_configuration_equal_effdets(topology: Topology) -> None:
    torch.manual_seed(0)
    maps = feature_maps(topology.in_channels, topology.options.min_level, topology.image_size, batch=2)
    theirs = effdet_neck(topology.options, topology.in_channels, topology.image_size, topology.fpn_config())
    said = vars(topology.options) | {"fpn_config": topology.fpn_config()}
    said["backbone_indices"] = list(range(len(topology.in_channels)))

    with TemporaryDirectory() as folder:
        found = converted(said, Path(folder))

    assert_equal_effdets(found, theirs, maps)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_with_a_name_equals_effdets(name: str) -> None:
    torch.manual_seed(0)
    maps = feature_maps((40, 112, 320), 3, (256, 384), batch=2)
    theirs = effdet_neck(Options(fpn_name=name, fpn_channels=64, fpn_cell_repeats=3), (40, 112, 320), (256, 384))

    assert_equal_effdets(convert(name), theirs, maps)


def test_a_whole_configuration_that_effdet_writes_is_read(tmp_path: Path) -> None:
    from omegaconf import OmegaConf

    torch.manual_seed(0)
    config = effdet_config(Options(fpn_name="qufpn_sum", max_level=8, redundant_bias=True, pad_type="same"), (256, 256))
    path = tmp_path / "whole.yaml"
    path.write_text(OmegaConf.to_yaml(config))
    options = Options(fpn_name="qufpn_sum", max_level=8, redundant_bias=True, pad_type="same")
    maps = feature_maps((8, 10, 12), 3, (256, 256), batch=2)

    assert_equal_effdets(convert(path), effdet_neck(options, (8, 10, 12), (256, 256)), maps)
