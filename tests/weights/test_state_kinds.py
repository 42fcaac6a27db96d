"""Which tensors can stand for a module's; the others are named before anything is copied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.efficientdet import load_effdet
from fpngraph.efficientdet.weights import effdet_state, save_effdet
from fpngraph.weights.state import StateError, differences
from fpngraph.weights.trained import trained


class Marked(Tensor):
    """A class of somebody's, derived from Tensor."""


ODD = {
    "sparse": (torch.ones(2, 2).to_sparse(), "of the layout sparse_coo, not strided"),
    "complex": (torch.ones(2, 2, dtype=torch.complex64), "complex64, not float32"),
    "integer": (torch.ones(2, 2, dtype=torch.int8), "int8, not float32"),
    "boolean": (torch.ones(2, 2, dtype=torch.bool), "bool, not float32"),
    "float8": (torch.ones(2, 2).to(torch.float8_e4m3fn), "float8_e4m3fn, not float32"),
    "meta": (torch.ones(2, 2, device="meta"), "on the device meta, without numbers"),
    "derived": (torch.ones(2, 2).as_subclass(Marked), "a Marked, which is a class of its own, not a Tensor"),
    "too large": (torch.full((2, 2), 1e300, dtype=torch.float64), "float64 with numbers beyond those of float32"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_tensor_that_is_no_array_of_floating_numbers_is_named_with_what_it_is(name: str) -> None:
    tensor, said = ODD[name]

    assert list(differences({"w": tensor}, {"w": torch.ones(2, 2)})) == [f"1 that cannot be copied: 'w' is {said}"]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged], ids=str)
def test_a_nested_tensor_is_named(layout: torch.layout) -> None:
    nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=layout)
    said = (
        "nested, not one array"
        if layout is torch.strided
        else "a NestedTensor, which is a class of its own, not a Tensor"
    )

    assert list(differences({"w": nested}, {"w": torch.ones(2, 2)})) == [f"1 that cannot be copied: 'w' is {said}"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # torch's, of quantised tensors
def test_a_quantised_tensor_is_named() -> None:
    quantised = torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8)

    assert list(differences({"w": quantised}, {"w": torch.ones(2, 2)})) == [
        "1 that cannot be copied: 'w' is quantised (qint8), not floating"
    ]


@pytest.mark.parametrize(
    "tensor",
    [
        *(torch.ones(2, 2, dtype=dtype) for dtype in (torch.float16, torch.bfloat16, torch.float64)),
        nn.Parameter(torch.ones(2, 2)),
        torch.ones(1, 1).expand(2, 2),
        torch.full((2, 2), torch.nan),
        torch.full((2, 2), torch.inf, dtype=torch.float64),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tensor.flatten()[0].item()}",
)
def test_floating_numbers_of_any_precision_can_be_copied(tensor: Tensor) -> None:
    assert list(differences({"w": tensor}, {"w": torch.ones(2, 2)})) == []


def test_a_counter_may_be_floating_as_averages_are_but_no_other_integer() -> None:
    ours = {"norm.num_batches_tracked": torch.tensor(3), "index": torch.tensor(3)}

    found = list(differences({name: tensor.float() for name, tensor in ours.items()}, ours))

    assert found == ["1 that cannot be copied: 'index' is float32, not int64"]


def test_a_module_that_nothing_can_be_copied_into_is_told() -> None:
    with torch.inference_mode():
        made = torch.ones(2)
    ours = {"a": torch.ones(2, device="meta"), "b": torch.ones(1).expand(2), "c": made}

    found = list(differences({name: torch.ones(2) for name in ours}, ours))

    assert found == [
        "3 that cannot be copied: 'a' is for one of the module's that is on the device meta, without numbers, "
        "'b' is for one of the module's whose elements share memory, "
        "'c' is for one of the module's that was made in inference mode"
    ]


def neck() -> fpngraph.Neck:
    return fpngraph.build(fpngraph.load("bifpn", channels=8), in_channels=[4, 6, 8])


def test_load_matching_changes_nothing_where_the_last_tensor_cannot_be_copied() -> None:
    module = neck()
    state = {name: torch.rand(tensor.shape) for name, tensor in module.state_dict().items()}
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    last = [*state][-2]
    state[last] = state[last].to_sparse()

    with pytest.raises(StateError) as caught:
        fpngraph.load_matching(module, state)

    assert str(caught.value) == (
        "the state dict cannot be loaded:\n"
        f"  1 that cannot be copied: {last!r} is of the layout sparse_coo, not strided"
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_load_matching_takes_other_precisions_and_what_is_no_name_of_the_module_may_be_anything() -> None:
    module = neck()
    state = {name: tensor.double() for name, tensor in module.state_dict().items()}

    matched = fpngraph.load_matching(module, {**state, "head.weight": torch.ones(2).to_sparse()})

    assert (matched.changed, matched.missing, matched.unexpected) == ((), (), ("head.weight",))


def test_a_neck_from_a_file_of_complex_numbers_is_refused(tmp_path: Path) -> None:
    graph = fpngraph.load("bifpn", channels=8)
    state = neck().state_dict()
    name = next(name for name in state if name.endswith("weight"))
    path = tmp_path / "a.pt"
    torch.save({**state, name: state[name].to(torch.complex64)}, path)

    with pytest.raises(StateError) as caught:
        trained(graph, [4, 6, 8], path)

    assert str(caught.value).splitlines()[1] == f"  1 that cannot be copied: {name!r} is complex64, not float32"


@pytest.fixture(scope="module")
def detector() -> fpngraph.efficientdet.EfficientDet:
    return fpngraph.efficientdet.create("efficientdet_d0", num_classes=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda tensor: tensor.to(torch.complex64), "complex64, not float32", id="complex"),
        pytest.param(lambda tensor: tensor.to(torch.int8), "int8, not float32", id="integer"),
        pytest.param(lambda tensor: tensor.to("meta"), "on the device meta, without numbers", id="meta"),
    ],
)
def test_a_checkpoint_of_effdets_with_such_a_tensor_changes_nothing(
    detector: Any, change: Callable[[Tensor], Tensor], said: str
) -> None:
    state = {name: torch.zeros_like(tensor) for name, tensor in effdet_state(detector).items()}
    name = "class_net.predict.conv_pw.bias"
    state[name] = change(state[name])
    before = {key: tensor.clone() for key, tensor in detector.state_dict().items()}

    with pytest.raises(StateError) as caught:
        load_effdet(detector, state)

    assert str(caught.value).splitlines()[:2] == [
        "the state dict does not fit model 'efficientdet_d0':",
        f"  1 that cannot be copied: {name!r} is {said}",
    ]
    assert all(torch.equal(tensor, before[key]) for key, tensor in detector.state_dict().items())


def test_a_detector_without_numbers_is_not_written(tmp_path: Path) -> None:
    with torch.device("meta"):
        empty = fpngraph.efficientdet.create("efficientdet_d0", num_classes=2)

    with pytest.raises(StateError) as caught:
        save_effdet(empty, tmp_path / "a.pth")

    assert str(caught.value).splitlines()[0] == "model 'efficientdet_d0' cannot be written:"
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_share_memory_are_written_as_safetensors(detector: Any, tmp_path: Path) -> None:
    memory = torch.zeros(1000)
    for head in (detector.class_head, detector.box_head):
        bias = head.predict.pointwise.bias
        bias.data = memory[: len(bias)]

    save_effdet(detector, tmp_path / "a.safetensors")

    load_effdet(detector, tmp_path / "a.safetensors")
