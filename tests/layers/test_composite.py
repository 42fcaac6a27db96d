"""Modules that hold lists of layers do what their equations say."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from fpngraph.layers.composite import ConcatOfBranches, Residual, Runs, Slice, SumOfBranches
from fpngraph.layers.layout import Layers, channels_last


class Times(nn.Module):
    """``factor * x``, and whether its map was contiguous."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.seen: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.is_contiguous())
        return x * self.factor


def layers(*factors: float) -> Layers:
    return Layers([Times(factor) for factor in factors])


X = torch.arange(16.0).view(1, 4, 2, 2)
CASES = [
    pytest.param(Residual([Times(2), Times(5)]), 11 * X, id="residual"),
    pytest.param(Residual(), 2 * X, id="residual of no layers"),
    pytest.param(SumOfBranches([layers(2, 5), layers(3), layers()]), 14 * X, id="sum"),
    pytest.param(SumOfBranches([layers(), layers(3)]), 4 * X, id="sum with the map itself first"),
    pytest.param(ConcatOfBranches([layers(2), layers(), layers(3, 3)]), torch.cat([2 * X, X, 9 * X], 1), id="concat"),
    pytest.param(Runs([layers(2), layers(3)]), 6 * X, id="runs"),
    pytest.param(Runs([layers(2), layers(3)], joins=True), torch.cat([X, 2 * X, 6 * X], 1), id="joined runs"),
    pytest.param(Runs(), X, id="no runs"),
    pytest.param(Runs(joins=True), X, id="no joined runs"),
    pytest.param(Slice(1, 2), X[:, 1:3], id="slice"),
]


@pytest.mark.parametrize(("module", "expected"), CASES)
def test_each_gives_what_its_equation_says_and_writes_to_nothing(module: nn.Module, expected: Tensor) -> None:
    given = X.clone()

    y = module(given)

    torch.testing.assert_close(y, expected, rtol=0, atol=0)
    assert given._version == 0


@pytest.mark.parametrize(("module", "expected"), CASES)
def test_copies_and_pickles_give_the_same(module: nn.Module, expected: Tensor) -> None:
    for again in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.testing.assert_close(again(X), expected, rtol=0, atol=0)
        assert list(again.state_dict()) == list(module.state_dict())


@pytest.mark.parametrize(("module", "expected"), CASES)
def test_a_layer_that_nobody_knows_gets_contiguous_maps_wherever_it_stands(module: nn.Module, expected: Tensor) -> None:
    module = copy.deepcopy(module)

    module(channels_last(X))

    assert [flag for part in module.modules() if isinstance(part, Times) for flag in part.seen if not flag] == []


def test_a_slice_is_a_view_of_the_map() -> None:
    x = X.clone()

    y = Slice(1, 2)(x)

    assert y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert y.data_ptr() == x[:, 1:].data_ptr()


def test_what_they_are_is_seen_when_they_are_printed() -> None:
    assert repr(Slice(1, 2)) == "Slice(1, 2)"
    assert "joins=True" in repr(Runs([layers(2)], joins=True))
