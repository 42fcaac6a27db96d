"""Ultralytics: what a row may say, what is refused with the row's number, and which Ultralytics is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from fpngraph.adapters import HostError
from tests.hosts.ultralytics_models import BIFPN, image, layer_of, maps_of, said, with_our_row, written

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def host() -> Iterator[Any]:
    with with_our_row() as host:
        yield host


def built(host: Any, head: str, **more: Any) -> Any:
    return host.tasks.DetectionModel(said(head, **more), verbose=False)


def test_rows_after_a_neck_keep_their_numbers(host: Any) -> None:
    head = """
    - [[3, 4, 5], 1, FPNGraph, [bifpn, {channels: 16}]]
    - [P3, 1, Conv, [8, 3, 2]]
    - [-1, 1, Conv, [16, 1, 1]]
    - [[P4, 7], 1, Concat, [1]]
    - [-1, 1, Conv, [24, 1, 1]]
    - [[10, 8, -2, P4], 1, Detect, [nc]]
    """

    model = built(host, head)

    assert [layer.f for layer in model.model[6:]] == [[3, 4, 5], 6, 6, 7, -1, [8, 9], -1, [-1, 10, 11, 8]]
    assert model.stride.tolist() == [16] * 4
    assert [part[0].conv.in_channels for part in model.model[-1].cv2] == [24, 16, 24, 16]


def test_a_neck_may_follow_a_neck(host: Any) -> None:
    head = """
    - [[3, 4, 5], 1, FPNGraph, [bifpn, {channels: 16}]]
    - [[P3, P4, P5], 1, FPNGraph, [panet, {channels: 24, min: 3, max: 5}]]
    - [[P3, P4, P5, P7], 1, Detect, [nc]]
    """

    model = built(host, head)

    first, second = (layer.plugged for layer in model.model if type(layer).__name__ == "FPNGraph")
    assert (first.names, second.names) == (("P3", "P4", "P5", "P7"), ("P3", "P4", "P5"))
    assert [part[0].conv.in_channels for part in model.model[-1].cv2] == [24, 24, 24, 16]


ONE_MAP = """
fpngraph: 1
name: one map
params: {channels: 8}
inputs: {C4: 4, C5: 5}
defaults: {channels: $channels, op: [conv, norm, act]}
nodes:
  P4: {inputs: [C4, C5]}
outputs: [P4]
"""


def test_a_neck_of_one_output_may_be_read_by_its_number(host: Any) -> None:
    graph = yaml.safe_load(ONE_MAP)
    head = yaml.safe_load("[[[4, 5], 1, FPNGraph, []], [-1, 1, Conv, [16]], [[6, 7], 1, Detect, [nc]]]")
    head[0][3] = [graph, {"channels": 12}]

    model = built(host, yaml.safe_dump(head))

    assert [layer.f for layer in model.model[6:]] == [[4, 5], 6, 7, [7, -1]]
    assert layer_of(model).plugged.out_channels == (12,)


def test_a_graph_lies_beside_the_model_file(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "my graph.yaml").write_text(ONE_MAP, encoding="utf-8")
    path = written(tmp_path / "models", "[[[4, 5], 1, FPNGraph, [my graph.yaml]], [[P4], 1, Detect, [nc]]]")
    monkeypatch.chdir(tmp_path)

    model = host.YOLO(path.relative_to(tmp_path)).model

    assert layer_of(model).plugged.neck.source_graph.name == "one map"


def test_a_preset_and_images_of_other_channels(host: Any) -> None:
    model = host.tasks.DetectionModel(said(BIFPN.replace("{channels: 16, repeats: 2}", "{}, d0")), ch=1, verbose=False)

    assert layer_of(model).plugged.out_channels == (64,) * 5
    assert [x.shape[1] for x in maps_of(model, image()[:, :1])] == [64] * 5


def test_sizes_that_no_stride_divides(host: Any) -> None:
    model = built(host, BIFPN)

    assert [tuple(x.shape[2:]) for x in maps_of(model, image(99, 133))] == [(13, 17), (7, 9), (4, 5), (2, 3), (1, 2)]


NECK = "[[3, 4, 5], 1, FPNGraph, [bifpn]]"
READS = "[[P3], 1, Detect, [nc]]"
MISTAKES = {
    "unknown graph": (
        f"[[[3, 4, 5], 1, FPNGraph, [bifpm]], {READS}]",
        "row 6 (FPNGraph): there is no graph named 'bifpm' [unknown-graph]\n"
        "  hint: did you mean 'bifpn'? (a path has a separator or an ending)",
    ),
    "unknown parameter": (
        f"[[[3, 4, 5], 1, FPNGraph, [fpn, {{chanels: 16}}]], {READS}]",
        "row 6 (FPNGraph): there is no parameter 'chanels' [unknown-param]\n  hint: did you mean 'channels'?",
    ),
    "no file": (
        f"[[[3, 4, 5], 1, FPNGraph, [my graph.yaml]], {READS}]",
        "row 6 (FPNGraph): cannot read 'my graph.yaml': No such file or directory [unreadable-file]",
    ),
    "arguments": (
        f"[[[3, 4, 5], 1, FPNGraph, [bifpn, 16]], {READS}]",
        "row 6 (FPNGraph): the arguments are ['bifpn', 16], but must be [graph, params, preset]\n"
        "  hint: a name, a path or a mapping, then a mapping, then a name; the last two may be left out",
    ),
    "repeats": (
        f"[[[3, 4, 5], 3, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): repeats is 3, but must be 1\n  hint: 'repeats' may be a parameter of the graph",
    ),
    "three entries": (
        f"[[[3, 4, 5], FPNGraph, [bifpn]], {READS}]",
        "row 6 is [[3, 4, 5], 'FPNGraph', ['bifpn']], but must be [from, repeats, module, arguments]",
    ),
    "unknown output": (
        f"[{NECK}, [[P3, P8], 1, Detect, [nc]]]",
        "row 7 (Detect): it reads 'P8', but the necks before it give P3, P4, P5, P6, P7",
    ),
    "output of no neck": (
        f"[[[P3, 4, 5], 1, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): it reads 'P3', but no neck is before it",
    ),
    "by number": (
        f"[{NECK}, [-1, 1, Conv, [16]], [[7], 1, Detect, [nc]]]",
        "row 7 (Conv): it reads row 6, a neck with 5 outputs\n  hint: read them by their names: P3, P4, P5, P6, P7",
    ),
    "later row": (
        f"[[[3, 4, 9], 1, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): it reads row 9, but must read one before it",
    ),
    "unread": (
        f"[{NECK}, [[3, 4, 5], 1, Detect, [nc]]]",
        "row 6 (FPNGraph): no row reads its outputs: P3, P4, P5, P6, P7",
    ),
    "missing stride": (
        f"[[[3, 4], 1, FPNGraph, [bifpn]], {READS}]",
        "row 6 (FPNGraph): graph 'BiFPN' takes maps of the strides 8, 16, 32, but the host has 8, 16: 32 is missing "
        "[in-channels]",
    ),
    "no map": (
        f"[[5, 1, Classify, [7]], [[3, 4, 6], 1, FPNGraph, [bifpn]], {READS}]",
        "row 7 (FPNGraph): it reads what Classify gives, which is no map",
    ),
}


@pytest.mark.parametrize(("head", "message"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_named_with_its_row(host: Any, head: str, message: str) -> None:
    with pytest.raises(HostError) as caught:
        built(host, head)

    assert str(caught.value).startswith(message)


def test_a_neck_does_not_read_the_image(host: Any) -> None:
    with pytest.raises(HostError) as caught:
        built(host, f"[{READS}]", backbone="[[-1, 1, FPNGraph, [bifpn]]]")

    assert str(caught.value) == "row 0 (FPNGraph): it reads the image, but a neck reads maps of rows before it"


def test_models_without_the_row_are_as_they_were(host: Any) -> None:
    model = built(host, "[[[3, 4, 5], 1, Detect, [nc]]]")

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
