from __future__ import annotations

import pytest
import torch
from timm.layers import get_act_layer

from fpngraph.feature import Feature
from fpngraph.ops import Activation, Site, find

# Every activation of effdet's configurations (act_type, head_act_type), and the others that timm has too.
EFFDET = ("swish", "relu", "leaky_relu", "silu", "mish", "relu6", "hard_swish")
OTHERS = ("gelu", "elu", "sigmoid", "hard_sigmoid", "tanh")


def build(name: str, **settings: float) -> torch.nn.Module:
    operator = find(["act"], name)
    assert operator is not None
    assert issubclass(operator, Activation)
    return operator(**settings).build((Feature(3, 2),), Site())


@pytest.mark.parametrize("name", [*EFFDET, *OTHERS])
def test_activations_equal_timms_of_the_same_name(name: str) -> None:
    x = torch.linspace(-8, 8, 101, dtype=torch.float64)

    found = build(name)(x)

    torch.testing.assert_close(found, get_act_layer(name)()(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "settings", "at_minus_one"),
    [("leaky_relu", {"slope": 0.25}, -0.25), ("elu", {"alpha": 2.0}, 2 * (2.718281828459045**-1 - 1))],
    ids=["slope", "alpha"],
)
def test_settings_shape_the_negative_side(name: str, settings: dict[str, float], at_minus_one: float) -> None:
    y = build(name, **settings)(torch.tensor([-1.0, 3.0], dtype=torch.float64))

    torch.testing.assert_close(y, torch.tensor([at_minus_one, 3.0], dtype=torch.float64))
