"""Rules are for modules of exactly the classes that an operator names."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict
from typing import Any, ClassVar

import pytest
from torch import nn

import fpngraph
from fpngraph.inference.classes import is_one_of
from fpngraph.inference.folding import chain, held
from fpngraph.ops import registry


@pytest.fixture
def _own_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


class Own(nn.ReLU):
    pass


@pytest.mark.parametrize(
    ("module", "names", "expected"),
    [
        (nn.ReLU(), ["torch.nn.ReLU"], True),
        (nn.ReLU(), ["torch.nn.SiLU", "torch.nn.ReLU"], True),
        (Own(), ["torch.nn.ReLU"], False),
        (Own(), [f"{__name__}.Own"], True),
        (nn.ReLU(), [f"{__name__}.Own"], False),
        (nn.ReLU(), ["nobody.has.imported.ReLU"], False),
        (nn.ReLU(), ["torch.nn.NoSuchClass", "ReLU"], False),
        (nn.ReLU(), [], False),
    ],
)
def test_a_class_is_one_of_those_named_or_not(module: nn.Module, names: list[str], expected: bool) -> None:
    assert is_one_of(module, names) is expected


def test_nothing_is_imported_to_compare() -> None:
    code = (
        "import sys; from fpngraph.ops.norm import BatchNorm; from fpngraph.inference.classes import is_one_of; "
        "assert not is_one_of(object(), BatchNorm.modules); print({'torch', 'timm', 'torchvision'} & set(sys.modules))"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed == "set()\n"


@pytest.mark.usefixtures("_own_operators")
@pytest.mark.parametrize(("kind", "rule"), [(fpngraph.Layer, "parts"), (fpngraph.Fusion, "factors")])
def test_an_operator_with_a_rule_names_its_classes(kind: type[Any], rule: str) -> None:
    body = {"__module__": __name__, "name": "ruled", rule: lambda *_: (), "__annotations__": {"name": ClassVar[str]}}
    operator = type("Ruled", (kind,), body)

    with pytest.raises(ValueError) as raised:
        fpngraph.register(operator)

    assert str(raised.value) == (
        f"Ruled: {rule!r} holds for the classes of modules in 'modules', but that is empty\n"
        "  hint: give their full names, such as modules = ('torch.nn.ReLU',)"
    )


class Nothing(fpngraph.Layer):
    """Does nothing in inference."""

    name: ClassVar[str] = "nothing"
    modules = ("torch.nn.Dropout2d",)

    def parts(self, module: nn.Module) -> tuple[fpngraph.Part, ...]:
        return ()


def test_a_rule_of_ones_own_is_asked_for_its_class_alone() -> None:
    layers = nn.Sequential(OrderedDict(dropped=nn.Dropout2d(), kept=nn.Dropout()))

    found = chain({"dropped": Nothing(), "kept": Nothing()}, held("op", layers))

    assert [type(part.module) for part in found.parts] == [nn.Dropout]
    assert found.unfolded == {"op.kept": "no rule for its class torch.nn.modules.dropout.Dropout"}
