"""The comparison with other libraries finds what makes two necks unequal, and says what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from tests.equality.closeness import TOLERANCE
from tests.oracles.comparison import assert_equal_necks, differences
from tests.oracles.pairing import pairs
from tests.oracles.reference import Reference, maps, randomised

NODES = {"N3": ["first", "other"]}


class Ours(nn.Module):
    """A node of two convolutions whose weights have equal shapes."""

    def __init__(self, eps: float = 1e-5, momentum: float = 0.1, act: Callable[[Tensor], Tensor] = torch.relu) -> None:
        super().__init__()
        self.act = act
        self.N3 = nn.ModuleList([nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, eps, momentum), nn.Conv2d(4, 4, 1)])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        one, norm, two = self.N3
        return [self.act(norm(one(features[0]))) + two(features[0])]


class Theirs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.other = nn.Conv2d(4, 4, 1)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        return [self.first(features[0]) + self.other(features[0])]


def reference() -> Reference:
    return Reference(randomised(Theirs()), {3: 4}, (3,))


def off(ours: nn.Module, names: dict[str, str] | None = None) -> set[str]:
    """What is not equal to the reference."""
    peer = reference()
    found = differences(ours, peer.neck, names or pairs(ours, peer.neck, NODES), maps(peer, 64, 64))
    return {what for what, value in found.items() if value > TOLERANCE}


def test_equal_necks_are_equal_in_all_that_is_compared() -> None:
    ours, peer = Ours(), reference()

    found = differences(ours, peer.neck, pairs(ours, peer.neck, NODES), maps(peer, 64, 64))

    assert max(found.values()) <= TOLERANCE
    assert list(found) == [
        *(
            f"{mode}: {what}"
            for mode in ("eval", "training")
            for what in (
                "output 0",
                "gradient of input 0",
                *(f"gradient of N3.{index}.{leaf}" for index in (0, 1, 2) for leaf in ("weight", "bias")),
            )
        ),
        *(f"training: N3.1.{leaf} afterwards" for leaf in ("running_mean", "running_var", "num_batches_tracked")),
    ]


def test_another_momentum_shows_only_in_what_a_step_leaves() -> None:
    assert off(Ours(momentum=0.03)) == {f"training: N3.1.{leaf} afterwards" for leaf in ("running_mean", "running_var")}


def test_another_eps_shows_in_both_modes() -> None:
    assert {"eval: output 0", "training: output 0"} <= off(Ours(eps=1e-3))


def test_another_activation_shows() -> None:
    assert {"eval: output 0", "training: gradient of input 0"} <= off(Ours(act=nn.SiLU()))


def test_weights_of_equal_shapes_that_are_swapped_show() -> None:
    ours, peer = Ours(), reference()
    names = pairs(ours, peer.neck, NODES)

    names["N3.0.weight"], names["N3.2.weight"] = names["N3.2.weight"], names["N3.0.weight"]

    assert {"eval: output 0", "eval: gradient of N3.0.weight"} <= off(ours, names)


def test_a_difference_is_told_with_its_size_the_largest_first() -> None:
    ours, peer = Ours(momentum=1.0), reference()

    with pytest.raises(AssertionError) as raised:
        assert_equal_necks(ours, peer.neck, pairs(ours, peer.neck, NODES), maps(peer, 64, 64))

    assert str(raised.value) == (
        "off by so much of the largest value:\n"
        "  training: N3.1.running_mean afterwards: 8.2e-01\n"
        "  training: N3.1.running_var afterwards: 3.6e-01"
    )


def test_the_modules_that_are_compared_stay_as_they_are() -> None:
    ours, peer = Ours(), reference()
    before = {name: tensor.clone() for name, tensor in (ours.state_dict() | peer.neck.state_dict()).items()}

    differences(ours, peer.neck, pairs(ours, peer.neck, NODES), maps(peer, 64, 64))

    after = ours.state_dict() | peer.neck.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert ours.training


NODE = (
    "N3 has N3.0.weight (4, 4, 1, 1), N3.0.bias (4,), N3.1.weight (4,), N3.1.bias (4,), N3.1.running_mean (4,), "
    "N3.1.running_var (4,), N3.1.num_batches_tracked (), N3.2.weight (4, 4, 1, 1), N3.2.bias (4,)"
)
FIRST = (
    "first.0.weight (4, 4, 1, 1), first.0.bias (4,), first.1.weight (4,), first.1.bias (4,), "
    "first.1.running_mean (4,), first.1.running_var (4,), first.1.num_batches_tracked ()"
)
OTHER = "other.weight (4, 4, 1, 1), other.bias (4,)"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"N3": "other"}, f"{NODE}, other has {OTHER}"),
        ({"N3": ["other", "first"]}, f"{NODE}, ['other', 'first'] has {OTHER}, {FIRST}"),
        ({"N4": "other"}, f"N4 has nothing, other has {OTHER}"),
        ({}, "entries of ours without one of theirs"),
        ({"N3.0": "other", "N3.1": "first.1", "N3.2": "other"}, "entries of theirs that are in no node, or in two"),
    ],
    ids=["too-few", "another-order", "no-such-node", "no-node", "twice"],
)
def test_pairs_leave_nothing_over_and_pair_only_equal_shapes(nodes: dict[str, str], message: str) -> None:
    with pytest.raises(AssertionError) as raised:
        pairs(Ours(), Theirs(), nodes)

    assert str(raised.value) == message


def test_random_weights_follow_from_their_seed_alone() -> None:
    torch.manual_seed(1)
    one = randomised(Theirs()).state_dict()
    torch.manual_seed(2)
    same, another = randomised(Theirs()).state_dict(), randomised(Theirs(), seed=1).state_dict()

    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], another[name]) for name in one if "tracked" not in name)
    assert all(tensor.std() > 0 for tensor in one.values() if tensor.dim())
    assert all((one[f"first.1.{leaf}"] >= 0.5).all() for leaf in ("weight", "running_var"))
