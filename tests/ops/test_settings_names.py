"""What the settings of an own operator may be called, and how YAML's lists become tuples."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import pytest
from pydantic import Field

import fpngraph
from fpngraph.ops import registry


@pytest.fixture(autouse=True)
def _own_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


def operator(kind: type[Any], setting: str) -> type[Any]:
    """An operator with one setting, of which pydantic only warns where it hides something."""
    body = {"__module__": __name__, "name": "own", setting: 2, "__annotations__": {"name": ClassVar[str], setting: int}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return type("Own", (kind,), body)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        *((fpngraph.Layer, rule) for rule in ("parts", "cost", "build", "infer", "modules", "layout", "kind")),
        (fpngraph.Fusion, "weighted"),
        (fpngraph.Fusion, "factors"),
        (fpngraph.Init, "apply"),
    ],
)
def test_a_setting_that_would_hide_a_rule_is_refused(kind: type[Any], setting: str) -> None:
    with pytest.raises(ValueError, match="Own") as caught:
        fpngraph.register(operator(kind, setting))

    assert str(caught.value) == (
        f"Own: no setting can be called {setting!r}, which is something else of an operator\n"
        f"  hint: call the field '{setting}_', with Field(alias={setting!r}), or annotate it as a ClassVar"
    )


def test_a_name_that_is_no_class_variable_is_refused() -> None:
    class Own(fpngraph.Layer):
        name: str = "own"  # type: ignore[misc]

    with pytest.raises(ValueError, match="no setting can be called 'name'"):
        fpngraph.register(Own)


@pytest.mark.parametrize("setting", ["factors", "weighted", "size"])
def test_what_hides_nothing_of_its_kind_is_a_setting_like_any(setting: str) -> None:
    registered = fpngraph.register(operator(fpngraph.Layer, setting))

    assert getattr(registered(**{setting: 3}), setting) == 3


def test_a_tuple_that_is_not_strict_takes_a_list_and_its_entries_stay_strict() -> None:
    @fpngraph.register
    class Sized(fpngraph.Layer):
        name: ClassVar[str] = "sized"
        size: tuple[int, int] = Field((1, 1), strict=False)

    text = "fpngraph: 1\nname: a\ninputs: P3\nnodes: {a3: {inputs: [P3], op: [{sized: {size: %s}}]}}\noutputs: a3\n"
    graph = fpngraph.loads(text % "[2, 3]")

    assert graph.nodes["a3"].op == (Sized(size=(2, 3)),)
    assert fpngraph.loads(fpngraph.dump(graph)) == graph
    with pytest.raises(fpngraph.GraphError, match="'size' is '3', but must be an integer"):
        fpngraph.loads(text % "[2, '3']")
