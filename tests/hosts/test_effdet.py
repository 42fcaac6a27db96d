"""A neck of ours in effdet's detectors: it trains in effdet's bench, and checkpoints go both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.adapters import HostError
from fpngraph.adapters.effdet import load, own_state, replace_neck
from fpngraph.efficientdet import create, effdet_state, load_effdet, neck_of, save_effdet
from fpngraph.weights.state import StateError
from tests.efficientdet.detectors import SMALL, maps, small_effdet_model, small_model
from tests.equality.closeness import assert_equal
from tests.oracles.reference import randomised
from tests.pages import run_page

pytestmark = pytest.mark.hosts

SIZE = (128, 128)
NAMES = ["efficientdet_d0", "tf_efficientdet_lite0", "efficientdet_q0"]


def trained(name: str, **changes: Any) -> Any:
    """effdet's model with weights of no training, in float64."""
    return randomised(small_effdet_model(name, SIZE, num_classes=3, **changes)).double().eval()


def images() -> Tensor:
    return torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1)).double()


def assert_same_maps(model: Any, expected: list[Tensor]) -> None:
    for got, reference in zip(maps(model, images()), expected, strict=True):
        assert_equal(got, reference, "maps")


def targets() -> dict[str, Tensor]:
    return {
        "bbox": torch.tensor([[[8.0, 8.0, 72.0, 72.0]], [[30.0, 4.0, 100.0, 90.0]]]),
        "cls": torch.tensor([[1.0], [3.0]]),
        "img_scale": torch.ones(2),
        "img_size": torch.full((2, 2), 128.0),
    }


def losses(model: Any, steps: int = 4) -> list[float]:
    from effdet import DetBenchTrain

    bench = DetBenchTrain(model.float(), create_labeler=True).train()
    optimizer = torch.optim.SGD(bench.parameters(), lr=0.01, momentum=0.9)
    told = []
    for _ in range(steps):
        loss = bench(images().float(), targets())["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        told.append(float(loss.detach()))
    assert [name for name, parameter in bench.named_parameters() if parameter.grad is None] == []
    return told


def test_the_page_runs_and_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    run_page("hosts/effdet.md")


@pytest.mark.parametrize("name", NAMES)
def test_the_configurations_neck_has_the_weights_and_numbers_of_effdets(name: str) -> None:
    model = trained(name)
    expected = maps(model, images())

    replace_neck(model)

    assert_same_maps(model, expected)


@pytest.mark.parametrize("graph", ["bifpn", "retinanet_fpn", "panet"])
def test_it_trains_in_effdets_bench(graph: str) -> None:
    torch.manual_seed(0)
    model = small_effdet_model("efficientdet_d0", SIZE, num_classes=3)
    replace_neck(model, graph, params={"min": 3, "max": 7})

    told = losses(model)

    assert told[-1] < told[0]


@pytest.mark.parametrize("kind", ["plugged", "as it is"])
def test_a_checkpoint_of_the_bench_comes_back_into_our_detector(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = small_effdet_model("efficientdet_d0", SIZE, num_classes=3)
    if kind == "plugged":
        replace_neck(model)
    else:
        model.fpn = neck_of(model)
    from effdet import DetBenchTrain

    losses(model, 1)
    path = tmp_path / "trained.pth"
    torch.save({"state_dict": DetBenchTrain(model).state_dict()}, path)

    ours = small_model("efficientdet_d0", num_classes=3)
    load_effdet(ours, path)

    assert_same_maps(ours.double().eval(), maps(model.double().eval(), images()))


@pytest.mark.parametrize("name", NAMES)
def test_our_detectors_weights_go_into_effdets_model_with_our_neck_and_with_its_own(name: str, tmp_path: Path) -> None:
    ours = randomised(small_model(name, num_classes=3)).double().eval()
    expected = maps(ours, images())
    hosted, plain = trained(name), trained(name)
    replace_neck(hosted)
    save_effdet(ours, tmp_path / "ours.pth")

    load(hosted, tmp_path / "ours.pth")
    assert_same_maps(hosted, expected)
    randomised(hosted, seed=2)
    load(hosted, effdet_state(ours, neck="graph"))
    assert_same_maps(hosted, expected)
    plain.load_state_dict(own_state(hosted))
    assert_same_maps(plain, expected)


def test_a_graph_of_ones_own_goes_both_ways() -> None:
    graph = fpngraph.load("panet", min=3, max=7, channels=16)
    hosted = trained("efficientdet_d0")
    replace_neck(hosted, graph)
    randomised(hosted)
    ours = create("efficientdet_d0", graph=graph, match=False, num_classes=3, **SMALL).double().eval()

    load_effdet(ours, hosted.state_dict())
    assert_same_maps(ours, maps(hosted, images()))
    randomised(ours, seed=3)
    load(hosted, effdet_state(ours, neck="graph"))
    assert_same_maps(ours, maps(hosted, images()))

    with pytest.raises(StateError) as caught:
        own_state(hosted)
    assert str(caught.value).startswith("effdet has no neck like graph 'PANet':")


def test_what_it_replaces_says_mode_type_and_a_bench_is_taken() -> None:
    from effdet import DetBenchPredict

    model = trained("efficientdet_d0").train()

    neck = replace_neck(DetBenchPredict(model), "qufpn")

    assert model.fpn is neck
    assert neck.training
    assert {parameter.dtype for parameter in neck.parameters()} == {torch.float64}
    assert neck.out_channels == (16,) * 5


def test_mistakes_are_told_and_change_nothing() -> None:
    model = trained("efficientdet_d0")
    theirs = model.fpn

    with pytest.raises(HostError) as strides:
        replace_neck(model, "fpn", params={"max": 6})
    with pytest.raises(HostError) as widths:
        replace_neck(model, "bifpn", params={"channels": 88})
    with pytest.raises(fpngraph.GraphError) as fine:
        replace_neck(model, "panet", params={"min": 2})
    with pytest.raises(HostError) as kind:
        replace_neck(torch.nn.Identity())
    with pytest.raises(HostError):
        load(model, {})

    assert str(strides.value) == (
        "the graph gives maps of the strides 8, 16, 32, 64, but the anchors are for 8, 16, 32, 64, 128\n"
        "  hint: 'min_level' and 'max_level' of effdet's configuration say which"
    )
    assert "but the heads take 16 each" in str(widths.value)
    assert "4 is missing" in str(fine.value)
    assert str(kind.value) == "model is a Identity, but must be an EfficientDet of effdet, or a bench with one"
    assert model.fpn is theirs


def test_a_checkpoint_that_does_not_fit_changes_nothing() -> None:
    model = trained("efficientdet_d0")
    replace_neck(model)
    before = maps(model, images())
    other = trained("efficientdet_d0", box_class_repeats=1)

    for state in (other.state_dict(), {"backbone.a": torch.zeros(1)}):
        with pytest.raises(StateError):
            load(model, state)

    assert_same_maps(model, before)
