"""What does not fit is told tensor by tensor; what does can be saved for effdet."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from fpngraph.efficientdet import EfficientDet, create, effdet_state, load_effdet, save_effdet
from fpngraph.weights.state import StateError
from tests.efficientdet.detectors import SMALL, maps, small_effdet_model, small_model

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def ours() -> EfficientDet:
    torch.manual_seed(0)
    return small_model("efficientdet_d0").eval()


def assert_refused(model: EfficientDet, state: State, differences: str) -> None:
    before = copy.deepcopy(model.state_dict())

    with pytest.raises(StateError) as caught:
        load_effdet(model, state)

    assert str(caught.value) == f"the state dict does not fit model 'efficientdet_d0':\n{differences}"
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def without(state: State, *ends: str) -> State:
    return {name: tensor for name, tensor in state.items() if not name.endswith(ends)}


def with_more(state: State) -> State:
    return state | {"class_net.scale": torch.ones(1)}


def with_others(state: State) -> State:
    """Without one, with one more, one of another shape, and all others drawn anew."""
    changed = {
        name: torch.rand_like(tensor.float()) for name, tensor in with_more(without(state, "conv_stem.weight")).items()
    }
    return changed | {"fpn.cell.0.fnode.0.combine.edge_weights": torch.ones(3)}


@pytest.mark.parametrize(
    ("edit", "differences"),
    [
        pytest.param(
            lambda state: without(state, "edge_weights"),
            "  16 missing: 'fpn.cell.0.fnode.0.combine.edge_weights', 'fpn.cell.0.fnode.1.combine.edge_weights', "
            "'fpn.cell.0.fnode.2.combine.edge_weights' and 13 more",
            id="missing",
        ),
        pytest.param(with_more, "  1 unexpected: 'class_net.scale'", id="unexpected"),
        pytest.param(
            with_others,
            "  1 missing: 'backbone.conv_stem.weight'\n"
            "  1 unexpected: 'class_net.scale'\n"
            "  1 of another shape: 'fpn.cell.0.fnode.0.combine.edge_weights' is [3], not [2]\n"
            "  hint: graph 'BiFPN' is another neck than the checkpoint's: load that into original = "
            "efficientdet.create('efficientdet_d0', ...) with the neck that it was trained with, then "
            "fpngraph.load_matching(model, original.state_dict()) takes every tensor that fits",
            id="all of it",
        ),
    ],
)
def test_every_difference_is_told_and_nothing_is_loaded(
    ours: EfficientDet, edit: Callable[[State], State], differences: str
) -> None:
    assert_refused(ours, edit(effdet_state(ours)), differences)


def test_another_number_of_classes_is_told_with_the_way_there() -> None:
    assert_refused(
        small_model("efficientdet_d0", num_classes=20),
        small_effdet_model("efficientdet_d0").state_dict(),
        "  2 of another shape: 'class_net.predict.conv_pw.weight' is [810, 16, 1, 1], not [180, 16, 1, 1], "
        "'class_net.predict.conv_pw.bias' is [810], not [180]\n"
        "  hint: it has 90 classes, the model 20: create the model with num_classes=90, load, "
        "then model.reset_heads(num_classes=20)",
    )


def test_other_anchors_are_told_with_the_way_there() -> None:
    assert_refused(
        small_model("efficientdet_d0", num_scales=2, conv="conv"),
        small_effdet_model("efficientdet_d0", separable_conv=False, fpn_name="bifpn_fa").state_dict(),
        "  4 of another shape: 'class_net.predict.conv.weight' is [810, 16, 3, 3], not [540, 16, 3, 3], "
        "'class_net.predict.conv.bias' is [810], not [540], "
        "'box_net.predict.conv.weight' is [36, 16, 3, 3], not [24, 16, 3, 3] and 1 more\n"
        "  hint: it has 9 anchors per place, the model 6: create the model with the aspect_ratios and num_scales of "
        "the checkpoint, load, then model.reset_heads(...)",
    )


def test_a_state_dict_of_our_own_is_told(ours: EfficientDet) -> None:
    with pytest.raises(StateError) as caught:
        load_effdet(ours, ours.state_dict())

    hint = str(caught.value).splitlines()[-1]
    assert hint == "  hint: it has the names of this package: model.load_state_dict takes it"


def test_a_state_dict_of_our_own_with_another_neck_is_told_what_takes_it(ours: EfficientDet) -> None:
    other = small_model("efficientdet_d0", params={"repeats": 1})

    with pytest.raises(StateError) as caught:
        load_effdet(ours, other.state_dict())

    assert str(caught.value).splitlines()[-1] == (
        "  hint: it has the names of this package, of a model with another neck or other heads: "
        "fpngraph.load_matching(model, state) takes every tensor that fits"
    )


@pytest.mark.parametrize("name", ["efficientdet_d0", "cspresdext50pan"], ids=["repeat first", "level first"])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_what_is_saved_loads_into_effdets_model(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    ours, theirs = small_model(name).eval(), small_effdet_model(name).eval()

    save_effdet(ours, path)

    state = safetensors.torch.load_file(path) if ending == ".safetensors" else torch.load(path, weights_only=True)
    theirs.load_state_dict(state)
    images = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        for y, expected in zip(maps(ours, images), maps(theirs, images), strict=True):
            torch.testing.assert_close(y, expected)


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(
    ours: EfficientDet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save_effdet(ours, path)

    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.pth", b"before")]


def test_a_neck_that_effdet_does_not_have_is_not_saved(tmp_path: Path) -> None:
    ours = create("efficientdet_d0", graph="fpn", params={"channels": 16, "min": 3, "max": 5}, **SMALL)

    with pytest.raises(StateError) as caught:
        save_effdet(ours, tmp_path / "a.pth")

    assert str(caught.value) == (
        "effdet has no model like 'efficientdet_d0' with graph 'FPN':\n"
        "  10 of ours without a counterpart: 'neck.M4.edges.C4.project.conv.weight', "
        "'neck.M4.edges.C4.project.conv.bias', 'neck.M3.edges.C3.project.conv.weight' and 7 more"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_detector_in_half_precision_stays_so(ours: EfficientDet) -> None:
    half = copy.deepcopy(ours).half()

    load_effdet(half, effdet_state(ours))

    assert {tensor.dtype for tensor in half.parameters()} == {torch.float16}


def test_an_inference_form_has_no_weights_of_effdet(ours: EfficientDet) -> None:
    fused: Any = ours.fuse()

    with pytest.raises(TypeError) as caught:
        effdet_state(fused)

    assert str(caught.value) == (
        "model is a FusedEfficientDet, not an EfficientDet\n  hint: an inference form is made from one"
    )
