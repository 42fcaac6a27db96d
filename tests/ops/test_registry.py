"""Names of operators: one each, and such that the modules that are called by them can be."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

import fpngraph
from fpngraph.layers.layout import Layers
from fpngraph.layers.node import Edge
from fpngraph.ops import registry
from fpngraph.ops.base import Activation, Down, Fusion, Init, Layer, Norm, Operator, Up
from tests.necks import neck_of

CALLED_BY_NAME = (Layer, Down, Up)
CALLED_BY_ROLE = (Norm, Activation, Fusion, Init)
HINT = "  hint: a name of lower-case words, such as 'my_conv'"


@pytest.fixture(autouse=True)
def _own_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


def own(kind: type[Operator], name: str, **body: object) -> type[Operator]:
    return type(
        "Own", (kind,), {"__module__": __name__, "name": name, "__annotations__": {"name": ClassVar[str]}, **body}
    )


def refused(operator: type[Operator]) -> str:
    with pytest.raises(ValueError) as caught:
        fpngraph.register(operator)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (Layer, "conv", "Own: there is an operator of kind 'layer' named 'conv' already"),
        (Norm, "relu", "Own: there is an operator of kind 'act' named 'relu' already"),
        (Up, "act", "Own: 'act' is a word of the language"),
    ],
)
def test_a_name_that_is_taken_is_refused(kind: type[Operator], name: str, message: str) -> None:
    assert refused(own(kind, name)) == message


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (type("Own", (Layer,), {}), "Own: an operator has a name, such as name = 'my_conv'"),
        (type("Own", (Fusion,), {"name": None}), "Own: an operator has a name, such as name = 'my_conv'"),
        (dict, "<class 'dict'> is no operator"),
        (Operator, "<class 'fpngraph.ops.base.Operator'> is no operator"),
        (Layer(), "Layer() is no operator"),
    ],
)
def test_what_is_no_operator_with_a_name_is_refused(operator: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        fpngraph.register(operator)

    assert str(caught.value).splitlines()[0] == message


UNFIT = {
    "forward": "is what modules need for themselves",
    "append": "is what modules need for themselves",
    "training": "is what modules need for themselves",
    "project": "is what modules need for themselves",
    "resampler": "is what modules need for themselves",
    "_modules": "begins with '_', as what torch keeps for itself does",
    "my-conv": "is no identifier",
    "my.conv": "is no identifier",
    "3x3": "is no identifier",
    "": "is no identifier",
}


@pytest.mark.parametrize("kind", CALLED_BY_NAME)
@pytest.mark.parametrize(("name", "reason"), UNFIT.items())
def test_a_name_that_no_module_can_have_is_refused(kind: type[Operator], name: str, reason: str) -> None:
    assert refused(own(kind, name)) == f"Own: its modules are called by its name, {name!r}, but that {reason}\n{HINT}"


@pytest.mark.parametrize("kind", CALLED_BY_ROLE)
@pytest.mark.parametrize("name", ["forward", "my-own", "project"])
def test_an_operator_whose_module_is_called_by_its_role_may_have_any_name(kind: type[Operator], name: str) -> None:
    fpngraph.register(own(kind, name))

    assert registry.find([kind.kind], name) is not None


@pytest.mark.parametrize("holder", [Edge(), Layers()], ids=["edge", "op"])
def test_no_name_of_what_holds_the_modules_is_left(holder: Edge | Layers) -> None:
    needed = {*dir(holder), *vars(holder)}

    assert [name for name in sorted(needed) if not registry._unfit(name)] == []


@pytest.mark.parametrize("name", ["edges", "op", "fusion", "keys", "weight", "conv_2", "lambda", "steps"])
def test_other_names_are_those_of_modules(name: str) -> None:
    def build(*_: Any) -> Any:
        from torch import nn

        return nn.Conv2d(4, 4, 1)

    fpngraph.register(own(Layer, name, build=build))

    neck = neck_of(f"a: {{inputs: [P3], level: 3, op: [{name}, conv, {name}, conv]}}", inputs="[P3]", outputs="[a]")

    second = f"{name}_2" if name != "conv_2" else "conv_2_2"
    assert [path for path, _ in neck.a.op.named_children()] == [
        name,
        "conv",
        second,
        "conv_3" if name == "conv_2" else "conv_2",
    ]
