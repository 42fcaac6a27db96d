"""effdet's checkpoints load whole or not at all, however they were saved, and ours load into effdet's models."""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from effdet import DetBenchPredict, DetBenchTrain
from effdet import EfficientDet as EffdetModel
from timm.utils import CheckpointSaver
from torch import Tensor, nn

from fpngraph.efficientdet import EfficientDet, effdet_state, load_effdet
from fpngraph.weights.state import StateError
from tests.efficientdet.detectors import maps, small_effdet_model, small_model

State = dict[str, Tensor]


def drawn(model: nn.Module) -> nn.Module:
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape))
    return model


@pytest.fixture(scope="module")
def theirs() -> EffdetModel:
    """effdet's detector, every tensor of it drawn; nobody changes it."""
    torch.manual_seed(0)
    return drawn(small_effdet_model("efficientdet_d0")).eval()


@pytest.fixture(scope="module")
def built() -> EfficientDet:
    torch.manual_seed(1)
    return small_model("efficientdet_d0").eval()


@pytest.fixture
def ours(built: EfficientDet) -> EfficientDet:
    """Our detector of the same configuration, untrained."""
    return copy.deepcopy(built)


def copied(model: nn.Module) -> State:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_loaded(ours: EfficientDet, theirs: EffdetModel) -> None:
    images = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        for y, expected in zip(maps(ours, images), maps(theirs, images), strict=True):
            torch.testing.assert_close(y, expected)
    back = effdet_state(ours)
    assert {name: torch.equal(back[name], tensor) for name, tensor in theirs.state_dict().items()} == dict.fromkeys(
        back, True
    )


def assert_refused(ours: EfficientDet, source: Any, message: str, **arguments: Any) -> None:
    before = copied(ours)

    with pytest.raises(StateError) as caught:
        load_effdet(ours, source, **arguments)

    assert str(caught.value) == message
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


def saved_zip(state: State, path: Path) -> None:
    torch.save(state, path)


def saved_in_the_old_format(state: State, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        pytest.param("a.pth", saved_zip, id="torch.save"),
        pytest.param("a.pth", saved_in_the_old_format, id="torch.save before 1.6"),
        pytest.param("a.safetensors", safetensors.torch.save_file, id="safetensors"),
    ],
)
def test_a_file_of_every_format_is_loaded(
    ours: EfficientDet, theirs: EffdetModel, tmp_path: Path, name: str, save: Callable[[State, Path], None]
) -> None:
    save(theirs.state_dict(), tmp_path / name)

    load_effdet(ours, tmp_path / name)

    assert_loaded(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(DetBenchTrain, id="effdet's bench for training"),
        pytest.param(DetBenchPredict, id="effdet's bench for prediction"),
        pytest.param(lambda model: nn.ModuleDict({"module": DetBenchTrain(model)}), id="in DistributedDataParallel"),
        pytest.param(lambda model: nn.ModuleDict({"_orig_mod": model}), id="torch.compile"),
        pytest.param(lambda model: nn.ModuleDict({"detector": DetBenchTrain(model)}), id="in somebody's module"),
    ],
)
def test_what_was_around_the_model_does_not_matter(
    ours: EfficientDet, theirs: EffdetModel, wrap: Callable[[EffdetModel], nn.Module]
) -> None:
    load_effdet(ours, wrap(theirs).state_dict())

    assert_loaded(ours, theirs)


@pytest.mark.parametrize(
    ("level_first", "toggles"),
    [
        pytest.param(False, 1, id="toggled"),
        pytest.param(False, 2, id="toggled back"),
        pytest.param(True, 0, id="level first"),
        pytest.param(True, 1, id="level first, toggled"),
    ],
)
def test_the_norms_of_heads_come_in_both_orders(ours: EfficientDet, level_first: bool, toggles: int) -> None:
    theirs = drawn(small_effdet_model("efficientdet_d0", head_bn_level_first=level_first)).eval()
    for _ in range(toggles):
        theirs.toggle_head_bn_level_first()
    repeat_first = "class_net.bn_rep.0.4.bn.weight" in theirs.state_dict()

    load_effdet(ours, theirs.state_dict())

    assert repeat_first == ((level_first + toggles) % 2 == 0)
    if not repeat_first:
        theirs.toggle_head_bn_level_first()
    assert_loaded(ours, theirs)


def test_counters_of_norms_may_be_missing_as_in_old_files(ours: EfficientDet, theirs: EffdetModel) -> None:
    state = {name: tensor for name, tensor in theirs.state_dict().items() if not name.endswith("num_batches_tracked")}

    load_effdet(ours, state)

    assert_loaded(ours, theirs)


def training_checkpoint(theirs: EffdetModel, folder: Path) -> Path:
    """A checkpoint of timm's, as effdet's training program saves it; its plain weights are all 0."""
    plain = DetBenchTrain(drawn(small_effdet_model("efficientdet_d0")))
    for parameter in plain.state_dict().values():
        parameter.zero_()
    saver = CheckpointSaver(
        plain,
        torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9),
        args=argparse.Namespace(model="efficientdet_d0", lr=0.1, names=["a"], mean=None),
        model_ema=nn.ModuleDict({"module": DetBenchTrain(theirs)}),
        checkpoint_dir=str(folder),
        unwrap_fn=lambda model: model,
    )
    saver.save_checkpoint(0, metric=np.float64(0.3))
    return folder / "last.pth.tar"


@pytest.mark.parametrize("ema", [None, True])
def test_of_a_training_checkpoint_the_averaged_weights_are_taken(
    ours: EfficientDet, theirs: EffdetModel, tmp_path: Path, ema: bool | None
) -> None:
    load_effdet(ours, training_checkpoint(theirs, tmp_path), ema=ema)

    assert_loaded(ours, theirs)


def test_of_a_training_checkpoint_the_plain_weights_can_be_taken(
    ours: EfficientDet, theirs: EffdetModel, tmp_path: Path
) -> None:
    load_effdet(ours, training_checkpoint(theirs, tmp_path), ema=False)

    assert {tensor.abs().sum().item() for tensor in ours.state_dict().values()} == {0}


def test_averaged_weights_that_are_not_there_are_told(ours: EfficientDet, theirs: EffdetModel) -> None:
    assert_refused(
        ours,
        {"state_dict": theirs.state_dict(), "epoch": 3},
        "the state dict has no averaged weights\n  hint: ema=False takes those that it has",
        ema=True,
    )


def test_a_checkpoint_without_a_state_dict_is_told(ours: EfficientDet) -> None:
    assert_refused(
        ours,
        {"weights": {}, "epoch": 3},
        "the state dict holds no state dict, names with a tensor each, itself or as 'state_dict_ema', 'model_ema', "
        "'state_dict', 'model', but 2 entries: 'weights', 'epoch'",
    )


def test_a_file_of_something_else_is_told(ours: EfficientDet, tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save([1], path)

    assert_refused(
        ours,
        path,
        f"{str(path)!r} holds no state dict, names with a tensor each, itself or as 'state_dict_ema', 'model_ema', "
        "'state_dict', 'model', but a list",
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x80\x02. no pickle", bytes(64)], ids=repr)
def test_a_broken_file_is_told(ours: EfficientDet, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    assert_refused(ours, path, f"{str(path)!r} is no file of tensors that torch.save or safetensors wrote")


@pytest.mark.parametrize(
    ("name", "save"),
    [
        pytest.param("a.pth", saved_zip, id="torch.save"),
        pytest.param("a.pth", saved_in_the_old_format, id="torch.save before 1.6"),
        pytest.param("a.safetensors", safetensors.torch.save_file, id="safetensors"),
    ],
)
def test_a_file_that_was_cut_off_is_told(
    ours: EfficientDet, tmp_path: Path, name: str, save: Callable[[State, Path], None]
) -> None:
    path = tmp_path / name
    save({"a": torch.rand(100), "b": torch.rand(2)}, path)
    path.write_bytes(path.read_bytes()[:-10])

    assert_refused(ours, path, f"{str(path)!r} is no file of tensors that torch.save or safetensors wrote")


def test_a_file_that_does_not_exist_is_told_as_ever(ours: EfficientDet, tmp_path: Path) -> None:
    for name in ("a.pth", "a.safetensors"):
        with pytest.raises(FileNotFoundError):
            load_effdet(ours, tmp_path / name)


class Running:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return tempfile.gettempdir, ()


def test_nothing_in_a_file_is_run(ours: EfficientDet, theirs: EffdetModel, tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"state_dict": theirs.state_dict(), "args": Running()}, path)

    assert_refused(
        ours,
        path,
        f"{str(path)!r} names 'tempfile.gettempdir'; only tensors and plain values are read, for others may run code\n"
        "  hint: where the file is trusted, read it with torch.load(path, weights_only=False) and go on with the state "
        "dict in it",
    )
