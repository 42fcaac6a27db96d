"""Modules are made without values where that is asked for, and as torch makes them everywhere else."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from fpngraph.layers.conv import PaddedConv2d
from fpngraph.layers.unset import made, unset


def drawn(kind: type[nn.Module]) -> bool:
    """Whether torch's random numbers go on when a module of this class is made of two numbers of channels."""
    before = torch.get_rng_state()
    made(kind, 3, 4, 1)
    return not torch.equal(torch.get_rng_state(), before)


def test_a_module_without_values_is_one_of_its_class_in_all_else() -> None:
    with unset(nn.Conv2d):
        conv = made(nn.Conv2d, 3, 4, 1, bias=False)

    assert type(conv) is nn.Conv2d
    assert conv.weight.shape == (4, 3, 1, 1)
    assert conv.bias is None
    conv.reset_parameters()
    assert type(pickle.loads(pickle.dumps(conv))) is nn.Conv2d


def test_only_modules_of_the_classes_named_and_of_those_below_them_are_without_values() -> None:
    with unset(nn.Conv2d):
        found = {kind: drawn(kind) for kind in (nn.Conv2d, PaddedConv2d, nn.ConvTranspose2d)}

    assert found == {nn.Conv2d: False, PaddedConv2d: False, nn.ConvTranspose2d: True}


def test_a_norm_without_values_has_its_statistics() -> None:
    with unset(nn.BatchNorm2d):
        norm = made(nn.BatchNorm2d, 2)

    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.running_mean.tolist() == [0, 0]
    assert norm.running_var.tolist() == [1, 1]
    assert norm.num_batches_tracked == 0


def test_a_module_without_values_is_made_on_the_device_that_is_named() -> None:
    with unset(nn.Conv2d, device="meta"):
        conv, norm = made(nn.Conv2d, 3, 4, 1), made(nn.BatchNorm2d, 4)

    assert conv.weight.is_meta
    assert not norm.weight.is_meta


def test_it_ends_with_the_context_also_by_an_error() -> None:
    with pytest.raises(RuntimeError), unset(nn.Conv2d):
        raise RuntimeError

    assert drawn(nn.Conv2d)


def test_another_thread_is_not_concerned() -> None:
    with unset(nn.Conv2d), ThreadPoolExecutor(1) as other:
        found = other.submit(drawn, nn.Conv2d).result()

    assert found
