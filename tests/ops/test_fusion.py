from __future__ import annotations

import pytest

from fpngraph.feature import Feature, Size
from fpngraph.layers import fusion
from fpngraph.ops import Cost, Fusion, Site, find

MAPS = (Feature(3, 4), Feature(3, 4), Feature(3, 4))


def make(name: str, **settings: float) -> Fusion:
    operator = find(["fusion"], name)
    assert operator is not None
    assert issubclass(operator, Fusion)
    return operator(**settings)


@pytest.mark.parametrize(
    ("name", "weighted", "parameters"),
    [
        ("sum", False, 0),
        ("mean", False, 0),
        ("max", False, 0),
        ("concat", False, 0),
        ("unbounded", True, 3),
        ("softmax", True, 3),
        ("fast_normalized", True, 3),
    ],
)
def test_weighted_fusions_cost_one_parameter_per_map(name: str, weighted: bool, parameters: int) -> None:
    op = make(name)

    assert op.weighted is weighted
    assert op.cost(MAPS, Site(), Size(5, 5), Size(5, 5)) == Cost(parameters, 0)


def test_only_concat_takes_unequal_channels_and_adds_them() -> None:
    unequal = (Feature(3, 4), Feature(3, 7))

    assert make("concat").infer(unequal, Site()) == Feature(3, 11)
    assert [name for name in ("sum", "mean", "max", "unbounded", "concat") if not make(name).equal_channels] == [
        "concat"
    ]


def test_the_eps_of_a_fast_normalized_fusion_reaches_its_module() -> None:
    module = make("fast_normalized", eps=0.5).build(MAPS, Site())

    assert isinstance(module, fusion.FastNormalized)
    assert module.eps == 0.5
