"""What others call an operator, or have one for."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic_core import PydanticCustomError

from fpngraph.ops import elsewhere
from fpngraph.ops.reading import LAYERS, read_operator
from fpngraph.ops.registry import KINDS, find

CALLED = [(name, meant) for name, all_meant in elsewhere._CALLED.items() for meant in all_meant]


def problem(name: str, *kinds: str) -> dict[str, Any]:
    with pytest.raises(PydanticCustomError) as caught:
        read_operator(name, kinds)
    return caught.value.context or {}


@pytest.mark.parametrize(("name", "meant"), CALLED)
def test_another_name_leads_to_an_operator_and_is_none_of_that_kind(name: str, meant: str) -> None:
    kinds = [kind for kind in KINDS if find((kind,), meant)]

    assert kinds
    assert [problem(name.upper(), kind)["better"] for kind in kinds] == [meant] * len(kinds)


@pytest.mark.parametrize("name", elsewhere._WRITTEN)
def test_what_is_no_operator_here_is_shown_as_it_can_be_written_and_not_replaced(name: str) -> None:
    found = problem(name, *LAYERS)

    written = re.findall("'([^']+)'", found["hint"].split("; one of your own")[0])
    assert written
    assert all(read_operator(yaml.safe_load(it), LAYERS) for it in written)
    assert found["better"] is None


@pytest.mark.parametrize(("name", "meant"), [("cnov", "conv"), ("Conv", "conv"), ("separable_cnv", "separable_conv")])
def test_a_slip_is_replaced(name: str, meant: str) -> None:
    assert problem(name, *LAYERS)["better"] == meant
