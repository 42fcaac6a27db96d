"""Lists of modules with names: what is put in or taken out leaves the names of the others alone."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import nn

from fpngraph.feature import Size
from fpngraph.layers.fusion.weighted import FastNormalized
from fpngraph.layers.layout import Layers
from fpngraph.layers.named import Named
from fpngraph.layers.node import Edge, Node


def names(modules: nn.Module) -> list[str]:
    return [name for name, _ in modules.named_children()]


def three(kind: type[Named] = Named) -> Named:
    """A convolution, a norm and an activation."""
    return kind({"conv": nn.Conv2d(4, 4, 1), "norm": nn.BatchNorm2d(4), "act": nn.SiLU()})


EDITS: dict[str, tuple[Callable[[Named], object], list[str]]] = {
    "append": (lambda it: it.append(nn.Tanh()), ["conv", "norm", "act", "3"]),
    "append-twice": (lambda it: it.append(nn.Tanh()).append(nn.ReLU()), ["conv", "norm", "act", "3", "4"]),
    "extend": (lambda it: it.extend([nn.Tanh(), nn.ReLU()]), ["conv", "norm", "act", "3", "4"]),
    "plus": (lambda it: it.__iadd__(nn.Sequential(nn.Tanh(), nn.ReLU())), ["conv", "norm", "act", "3", "4"]),
    "insert-first": (lambda it: it.insert(0, nn.Tanh()), ["3", "conv", "norm", "act"]),
    "insert-second": (lambda it: it.insert(1, nn.Tanh()), ["conv", "3", "norm", "act"]),
    "insert-before-the-last": (lambda it: it.insert(-1, nn.Tanh()), ["conv", "norm", "3", "act"]),
    "insert-last": (lambda it: it.insert(3, nn.Tanh()), ["conv", "norm", "act", "3"]),
    "insert-twice": (lambda it: it.insert(1, nn.Tanh()).insert(1, nn.ReLU()), ["conv", "4", "3", "norm", "act"]),
    "delete": (lambda it: it.__delitem__(1), ["conv", "act"]),
    "delete-from-the-end": (lambda it: it.__delitem__(-1), ["conv", "norm"]),
    "delete-slice": (lambda it: it.__delitem__(slice(0, 2)), ["act"]),
    "delete-all": (lambda it: it.__delitem__(slice(None)), []),
    "pop": (lambda it: it.pop(0), ["norm", "act"]),
}


@pytest.mark.parametrize("kind", [Named, Layers, Edge])
@pytest.mark.parametrize(("edit", "expected"), EDITS.values(), ids=EDITS)
def test_an_edit_leaves_the_others_their_names_and_modules(
    edit: Callable[[Named], object], expected: list[str], kind: type[Named]
) -> None:
    modules = three(kind)
    before = dict(modules.named_children())

    edit(modules)

    assert names(modules) == expected
    assert len(modules) == len(expected)
    for name, module in modules.named_children():
        assert module is before.get(name, module)


def test_an_exchanged_module_has_the_name_of_the_one_before() -> None:
    modules = three()

    modules[1] = nn.GroupNorm(2, 4)

    assert names(modules) == ["conv", "norm", "act"]
    assert type(modules[1]) is nn.GroupNorm


def test_no_number_is_given_twice() -> None:
    modules = three().append(nn.Tanh())
    del modules[0]

    modules += nn.Sequential(nn.ReLU(), nn.GELU())

    assert names(modules) == ["norm", "act", "3", "4", "5"]
    assert [type(module) for module in modules][2:] == [nn.Tanh, nn.ReLU, nn.GELU]


def test_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        del three()[3]


def test_pop_gives_what_it_takes_out() -> None:
    modules = three()
    norm = modules[1]

    assert modules.pop(1) is norm


def test_without_names_modules_have_numbers() -> None:
    assert names(Named([nn.ReLU(), nn.Tanh()])) == names(Layers(nn.Sequential(nn.ReLU(), nn.Tanh()))) == ["0", "1"]
    assert names(Named()) == []


def test_a_slice_has_the_names_and_the_modules() -> None:
    modules = three(Layers)

    part = modules[1:]

    assert type(part) is Layers
    assert names(part) == ["norm", "act"]
    assert part[0] is modules[1]


@pytest.mark.parametrize("way", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["deepcopy", "pickle"])
def test_copies_have_the_names_and_modules_of_their_own(way: Callable[[Named], Named]) -> None:
    modules = three(Layers).eval()
    modules.insert(1, nn.Tanh())
    x = torch.randn(1, 4, 5, 6)

    copied = way(modules)
    copied.append(nn.ReLU())

    assert names(copied) == ["conv", "3", "norm", "act", "4"]
    assert names(modules) == ["conv", "3", "norm", "act"]
    assert not set(copied.modules()) & set(modules.modules())
    torch.testing.assert_close(copied(x), modules(x).relu())


def test_layers_run_in_the_order_in_which_they_stand() -> None:
    layers = Layers({"act": nn.ReLU()})
    x = torch.tensor([[[[-2.0, 3.0]]]])

    layers.insert(0, nn.Threshold(-3, 0)).insert(0, nn.Hardtanh(-1, 1))  # -1, 1; as they are; 0, 1

    assert layers(x).tolist() == [[[[0, 1]]]]
    del layers[1:]
    assert layers(x).tolist() == [[[[-1, 1]]]]


def test_a_resampler_is_called_with_the_size_wherever_it_comes_to_stand() -> None:
    edge = Edge({"up": nn.ReLU(), "act": nn.Hardtanh(-1, 1)})
    edge.insert(0, _Constant())
    edge.resampler = "2"  # the number that was free

    y = edge(torch.zeros(1, 1, 2, 2), Size(3, 4))

    assert y.tolist() == torch.ones(1, 1, 3, 4).tolist()


class _Constant(nn.Module):
    """A map of the size wanted, of 5 everywhere."""

    def forward(self, x: torch.Tensor, size: Size) -> torch.Tensor:
        return x.new_full((*x.shape[:2], size.height, size.width), 5)


def test_a_node_tells_its_fusion_the_maps_by_name_or_number() -> None:
    named = Node({"P3": Edge(), "P4": Edge()}, FastNormalized(2))
    numbered = Node([Edge(), Edge()], FastNormalized(2))

    assert named.fusion.sources == ("P3", "P4")
    assert numbered.fusion.sources == ("0", "1")
