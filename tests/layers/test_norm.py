"""Norms of a neck that a host which freezes batch norms does not find, and that do what they did."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from fpngraph.layers.norm import KeptBatchNorm2d, keep_batch_norms
from tests.necks import assert_close, maps, randomised, shipped


def frozen(module: nn.Module) -> list[str]:
    """What a host finds that freezes every ``nn.BatchNorm2d``."""
    return [name for name, part in module.named_modules() if isinstance(part, nn.BatchNorm2d)]


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_a_neck_with_them_gives_the_same_maps_and_has_the_same_weights(training: bool) -> None:
    neck = randomised(shipped("bifpn")).double().train(training)
    given = [x.double() for x in maps(neck, 64, 96)]
    kept = copy.deepcopy(neck)
    keep_batch_norms(kept)

    ys, others = neck(given), kept(given)

    assert frozen(neck)
    assert frozen(kept) == []
    assert list(kept.state_dict()) == list(neck.state_dict())
    assert all(torch.equal(y, other) for y, other in zip(ys, others, strict=True))
    assert all(torch.equal(x, kept.state_dict()[name]) for name, x in neck.state_dict().items())


def test_they_are_copied_pickled_reset_synchronised_and_folded() -> None:
    neck = randomised(shipped("bifpn")).eval()
    keep_batch_norms(neck)

    loaded = pickle.loads(pickle.dumps(copy.deepcopy(neck)))
    fused = loaded.fuse()
    ys, others = fused(maps(neck, 64, 96)), neck(maps(neck, 64, 96))
    synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(neck))
    loaded.reset_parameters()

    norms = [part for part in loaded.modules() if isinstance(part, KeptBatchNorm2d)]
    assert len(norms) == len([part for part in synchronised.modules() if isinstance(part, nn.SyncBatchNorm)]) > 0
    assert_close(ys, others)
    assert fused.unfolded == shipped("bifpn").fuse().unfolded
    assert {float(norm.running_var.max()) for norm in norms if norm.running_var is not None} == {1.0}


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        KeptBatchNorm2d(4)(torch.zeros(2, 4))

    assert str(caught.value) == "the map has 2 dimensions, but must have 4"
