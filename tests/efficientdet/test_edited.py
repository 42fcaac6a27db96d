"""A detector whose neck was edited: what it keeps of its weights, and what is said where another function is meant."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.efficientdet import EfficientDet, create, effdet_state, load_effdet, save_effdet
from fpngraph.library import shipped
from fpngraph.weights.state import StateError
from tests.efficientdet.detectors import SMALL, small_effdet_model, small_model

NAME = "tf_efficientdet_d0"
SHIPPED = shipped()["bifpn"].read_text(encoding="utf-8").replace("channels: 64\n", "channels: 16\n", 1)
SHIPPED = SHIPPED.replace("repeats: 3\n", "repeats: 2\n", 1)
OUT = "out(min+1..max): {inputs: [P(l), "
ONE_MORE = (OUT, f"{OUT}P(l-1), ")
BIAS = (
    ("op: [act, separable_conv, norm]", "op: [act, {separable_conv: {bias: true}}, norm]"),
    ("project: {norm: true}", "project: {norm: true, bias: true}"),
)
SAME = ("padding: symmetric", "padding: same     ")


@pytest.fixture(scope="module")
def original() -> EfficientDet:
    torch.manual_seed(0)
    return small_model(NAME)


def edited(folder: Path, *edits: tuple[str, str]) -> EfficientDet:
    text = SHIPPED
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return create(NAME, graph=path, match=False, **SMALL)


def neck(names: tuple[str, ...]) -> set[str]:
    return {name for name in names if name.startswith("neck.")}


def test_a_neck_without_the_biases_keeps_every_other_tensor_and_hears_of_them(
    tmp_path: Path, original: EfficientDet
) -> None:
    model, state = edited(tmp_path, ONE_MORE), original.state_dict()

    matched = fpngraph.load_matching(model, state)

    ours = model.state_dict()
    assert matched.changed == ()
    assert len(neck(matched.taken)) == len([name for name in state if name.startswith("neck.")]) - 21
    assert all(torch.equal(ours[name], state[name]) for name in matched.taken if not name.endswith("fusion.weight"))
    assert torch.equal(ours["neck.bifpn.0.out4.fusion.weight"][[0, 2, 3]], state["neck.bifpn.0.out4.fusion.weight"])
    assert str(matched).splitlines()[1] == (
        "  hint: 21 of the unexpected are biases of convolutions that have none in this graph: 'bias: true' gives them "
        "one, as in {separable_conv: {bias: true}} and in project: {bias: true}"
    )


def test_a_neck_with_the_biases_keeps_all(tmp_path: Path, original: EfficientDet) -> None:
    model = edited(tmp_path, ONE_MORE, *BIAS, SAME)

    matched = fpngraph.load_matching(model, original.state_dict())

    assert (matched.changed, matched.unexpected, matched.hint) == ((), (), "")
    new = ("neck.bifpn.0.out5.edges.P4.project.", "neck.bifpn.0.out6.edges.P5.project.")  # 16 channels come from P3
    of_maps = {"out4": "P3", "out5": "P4", "out6": "P5", "out7": "P6"}
    assert {name for name in matched.missing if not name.startswith(new)} == {
        f"neck.bifpn.{run}.{node}.fusion.weight[{source}]" for run in (0, 1) for node, source in of_maps.items()
    }


def test_a_checkpoint_of_effdet_is_told_to_go_through_load_effdet(tmp_path: Path) -> None:
    model, theirs = edited(tmp_path), small_effdet_model(NAME).state_dict()

    matched = fpngraph.load_matching(model, theirs)

    assert neck(matched.taken) == set()
    assert matched.hint == (
        "it has the names of effdet: fpngraph.efficientdet.load_effdet takes it into a detector with the neck that it "
        "is of, whose state_dict() is taken here"
    )


@pytest.mark.parametrize("edits", [(), (ONE_MORE, *BIAS, SAME)], ids=["without biases", "one edge more"])
def test_load_effdet_names_load_matching_where_the_neck_is_another(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    model = edited(tmp_path, *edits)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    with pytest.raises(StateError) as caught:
        load_effdet(model, small_effdet_model(NAME).state_dict())

    assert str(caught.value).splitlines()[-1] == (
        "  hint: graph 'BiFPN' is another neck than the checkpoint's: load that into original = "
        "efficientdet.create('tf_efficientdet_d0', ...) with the neck that it was trained with, then "
        "fpngraph.load_matching(model, original.state_dict()) takes every tensor that fits"
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


HINT = (
    "  hint: for a model of effdet's whose fpn_config is this neck, write effdet_state(model); for one with this graph "
    "in its place (fpngraph.adapters.effdet), effdet_state(model, neck='graph')"
)


@pytest.mark.parametrize(
    ("edits", "differences"),
    [
        pytest.param(
            (SAME,),
            "  21 missing: 'fpn.resample.3.conv.conv.bias', 'fpn.cell.0.fnode.0.after_combine.conv.conv_pw.bias', "
            "'fpn.cell.0.fnode.1.combine.resample.2.conv.conv.bias' and 18 more",
            id="without biases",
        ),
        pytest.param(
            BIAS,
            "  18 of its nodes compute something else: 'coarse.P6', 'coarse.P7', 'bifpn.0.td6' and 15 more",
            id="another padding",
        ),
        pytest.param(
            (*BIAS, SAME, ("[P(l), td(l+1) | P(l+1)]", "[td(l+1) | P(l+1), P(l)]")),
            "  8 of its nodes compute something else: 'bifpn.0.td6', 'bifpn.0.td5', 'bifpn.0.td4' and 5 more",
            id="weights in another order",
        ),
    ],
)
def test_a_neck_that_effdets_model_of_the_name_has_not_is_not_saved(
    edits: tuple[tuple[str, str], ...], differences: str, tmp_path: Path
) -> None:
    model = edited(tmp_path, *edits)

    with pytest.raises(StateError) as caught:
        save_effdet(model, tmp_path / "a.pth")

    assert str(caught.value) == (
        "effdet's model 'tf_efficientdet_d0' has another neck than graph 'BiFPN':\n" + differences + "\n" + HINT
    )
    assert not (tmp_path / "a.pth").exists()
    assert effdet_state(model)


def test_a_copy_of_effdets_neck_is_saved(tmp_path: Path) -> None:
    model = edited(tmp_path, *BIAS, SAME, ("td(", "middle("))

    save_effdet(model, tmp_path / "a.pth")

    state: dict[str, Tensor] = torch.load(tmp_path / "a.pth", weights_only=True)
    small_effdet_model(NAME).load_state_dict(state)
