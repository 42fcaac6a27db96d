"""Ultralytics is made to know the row once, and a version that does otherwise is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from fpngraph.adapters import HostError
from tests.hosts.ultralytics_models import layer_of, said, with_our_row

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def host() -> Iterator[Any]:
    with with_our_row() as host:
        yield host


def test_models_without_the_row_are_as_they_were(host: Any) -> None:
    model = host.tasks.DetectionModel(said("[[[3, 4, 5], 1, Detect, [nc]]]"), verbose=False)

    assert model.stride.tolist() == [8, 16, 32]


def test_it_is_enabled_once(host: Any) -> None:
    before = host.tasks.parse_model

    host.adapter.enable()

    assert host.tasks.parse_model is before


def as_imported(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ultralytics as it is without our row, until the test is over."""
    monkeypatch.delattr(host.tasks, "FPNGraph")
    for name in ("parse_model", "initialize_weights"):
        monkeypatch.setattr(host.tasks, name, getattr(host.tasks, name).__wrapped__)


def test_enabling_takes_no_random_numbers(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    as_imported(host, monkeypatch)
    expected = torch.rand(1, generator=torch.manual_seed(0))
    torch.manual_seed(0)

    host.adapter.enable()

    assert torch.rand(1) == expected


def test_an_ultralytics_that_reads_rows_in_another_way_is_refused(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(rows: Any) -> Any:
        return rows

    as_imported(host, monkeypatch)
    monkeypatch.setattr(host.tasks, "parse_model", changed)

    with pytest.raises(HostError) as caught:
        host.adapter.enable()

    assert "does not make the row FPNGraph of a model file as 8.4.190 does: TypeError: " in str(caught.value)
    assert host.tasks.parse_model is changed
    assert not hasattr(host.tasks, "FPNGraph")


def test_an_ultralytics_that_sets_norms_in_another_way_is_refused(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Model(host.tasks.DetectionModel):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            layer_of(self).plugged.neck.get_submodule("P5.op.norm").eps = 1e-3

    as_imported(host, monkeypatch)
    monkeypatch.setattr(host.tasks, "DetectionModel", Model)

    with pytest.raises(HostError) as caught:
        host.adapter.enable()

    assert "the layers are Conv, FPNGraph, Index, Detect, strides [32.0], eps of norms [0.001]" in str(caught.value)


def test_an_ultralytics_without_the_functions_is_refused(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    as_imported(host, monkeypatch)
    monkeypatch.delattr(host.tasks, "initialize_weights")

    with pytest.raises(HostError):
        host.adapter.enable()
