"""A graph as a decoder of segmentation_models_pytorch: it learns, is saved and comes back, and has the image's size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.adapters.host import HostError
from fpngraph.layers.lean import LeanNode
from tests.oracles.reference import library, randomised
from tests.pages import run_page

pytestmark = pytest.mark.hosts

HINT = "'make test-hosts' runs this"
NARROW = {"pyramid": 32, "channels": 32}
STEPS = 4


@pytest.fixture(scope="module")
def smp() -> Any:
    with library("segmentation_models_pytorch", hint=HINT):
        import segmentation_models_pytorch
    return segmentation_models_pytorch


def model(encoder: str = "resnet18", graph: Any = "semantic_fpn", **arguments: Any) -> Any:
    from fpngraph.adapters.smp import FPNGraph

    if graph == "semantic_fpn":
        arguments = {"params": NARROW} | arguments
    with library("segmentation_models_pytorch"):
        return FPNGraph(encoder, graph, encoder_weights=None, **arguments)


def scenes(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Two images of noise with a bright rectangle, and its mask."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, height, width, generator=generator) / 4
    masks = torch.zeros(2, height, width, dtype=torch.long)
    masks[:, 20:70, 30:90] = 1
    return images + masks[:, None] / 2, masks


@pytest.mark.parametrize("encoder", ["resnet18", "tu-convnext_atto", "efficientnet-b0"])
def test_it_learns_from_images_of_odd_sizes(smp: Any, encoder: str) -> None:
    torch.manual_seed(0)
    ours = model(encoder, classes=2).train()
    images, masks = scenes(129, 161)
    dice = smp.losses.DiceLoss("multiclass")
    optimizer = torch.optim.AdamW(ours.parameters(), lr=1e-3)

    losses = []
    for _ in range(STEPS):
        found = ours(images)
        loss = dice(found, masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert found.shape == (2, 2, 129, 161)
    assert losses[-1] < losses[0]
    assert [name for name, x in ours.decoder.named_parameters() if x.grad is None] == []
    assert ours.predict(images[:1]).shape == (1, 2, 129, 161)


def test_it_is_its_own_pyramid_where_the_graph_is(smp: Any) -> None:
    theirs = randomised(smp.FPN("resnet18", encoder_weights=None, classes=3, activation="sigmoid")).double().eval()
    ours = model(classes=3, activation="sigmoid", params={}).double().eval()
    ours.encoder.load_state_dict(theirs.encoder.state_dict())
    ours.segmentation_head.load_state_dict(theirs.segmentation_head.state_dict())
    source = "segmentation_models_pytorch.FPNDecoder"
    fpngraph.load_from(ours.decoder.plugged.neck, theirs.decoder.state_dict(), source)
    image = torch.rand(1, 3, 96, 128, dtype=torch.float64)

    with torch.no_grad():
        expected, found = theirs(image), ours(image)

    assert (expected - found).abs().max() < 1e-12 * expected.abs().max()
    assert expected.std() > 1e-3


@pytest.mark.parametrize("form", ["name", "path", "graph"])
def test_saved_by_smp_it_comes_back_from_its_folder_alone(
    smp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(fpngraph.dump(fpngraph.load("bifpn", channels=16, repeats=1)), encoding="utf-8")
    forms: dict[str, dict[str, Any]] = {
        "name": {"graph": "bifpn", "params": {"channels": 16, "repeats": 1}},
        "path": {"graph": "mine.yaml"},
        "graph": {"graph": fpngraph.load("mine.yaml")},
    }
    saved = randomised(
        model("tu-convnext_atto", output="P3", classes=2, aux_params={"classes": 4}, **forms[form])
    ).eval()
    saved.save_pretrained("saved")
    Path("mine.yaml").unlink()

    loaded = type(saved).from_pretrained("saved").eval()

    image = torch.rand(1, 3, 65, 97)
    with torch.no_grad():
        for x, y in zip(saved(image), loaded(image), strict=True):
            assert (x - y).abs().max() < 1e-5 * x.abs().max()  # one from a file lies elsewhere, and is rounded so
    assert loaded.decoder.plugged.neck.source_graph == saved.decoder.plugged.neck.source_graph


def test_a_lean_decoder_learns_as_a_plain_one_and_comes_back_lean(smp: Any, tmp_path: Path) -> None:
    plain, lean = (randomised(model(classes=2, lean=asked)).double().train() for asked in (False, True))
    lean.save_pretrained(tmp_path)
    again = type(lean).from_pretrained(tmp_path).double().train()
    images, masks = scenes(65, 97)

    for ours in (plain, lean, again):
        smp.losses.DiceLoss("multiclass")(ours(images.double()), masks).backward()

    lean_nodes = [sum(isinstance(part, LeanNode) for part in ours.modules()) for ours in (plain, lean, again)]
    assert lean_nodes[0] == 0 < lean_nodes[1] == lean_nodes[2]
    for x, y, z in zip(*(ours.decoder.parameters() for ours in (plain, lean, again)), strict=True):
        assert (x.grad - y.grad).abs().max() <= 1e-12 * x.grad.abs().max()
        assert (x.grad - z.grad).abs().max() <= 1e-12 * x.grad.abs().max()


def test_the_decoder_starts_with_the_weights_of_the_graph(smp: Any) -> None:
    text = "{fpngraph: 1, name: one, inputs: [C3], defaults: {channels: 512, init: effdet_alt},\n"
    text += "nodes: {P3: {inputs: [C3], op: [{conv: {kernel: 1}}]}}, outputs: [P3]}"

    weight = model(graph=text).decoder.plugged.neck.state_dict()["P3.op.conv.weight"]

    assert weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.01)


def test_a_dilated_encoder_gives_its_last_map_of_a_stride(smp: Any) -> None:
    ours = model(graph="deeplabv3p", params={"level": 4}, output_stride=16).eval()

    assert ours.decoder.plugged.neck.in_channels == {"C2": 64, "C4": 512}
    assert ours(torch.zeros(1, 3, 65, 97)).shape == (1, 1, 65, 97)


def test_one_map_has_to_be_chosen_of_several(smp: Any) -> None:
    with pytest.raises(HostError) as caught:
        model(graph="bifpn")

    assert str(caught.value) == (
        "the graph gives 5 maps, but masks are made from one: P3, P4, P5, P6, P7\n"
        "  hint: choose it, such as output='P3'"
    )


def test_an_encoder_of_too_few_maps_is_told_by_strides(smp: Any) -> None:
    with pytest.raises(fpngraph.GraphError) as caught:
        model("tu-convnext_atto", encoder_depth=4)

    assert str(caught.value) == (
        "graph 'Semantic FPN' takes maps of the strides 4, 8, 16, 32, but the host has 1, 4, 8, 16: 32 is missing "
        "[in-channels]"
    )


def test_documentation_runs(smp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with library("segmentation_models_pytorch"):
        run_page("hosts/smp.md")
