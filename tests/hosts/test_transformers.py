"""A graph as the encoder of RT-DETR, RT-DETRv2 and D-FINE: trained, saved, loaded, exported, checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import fpngraph
from fpngraph.adapters import HostError
from fpngraph.layers.lean import LeanNode
from tests.hosts.tiny_transformers import (
    RESNET,
    ROUNDING,
    WIDTH,
    both,
    boxes,
    detector,
    difference,
    losses,
    rt_detr_config,
)
from tests.pages import run_page

pytestmark = pytest.mark.hosts

KINDS = ["RTDetr", "RTDetrV2", "DFine"]
BIFPN = {"graph": "bifpn", "params": {"channels": WIDTH, "repeats": 1, "max": 5}}

CCFM = {"graph": "rtdetr", "params": {"projection": [], "width": WIDTH, "hidden": WIDTH}}
INLINE = {
    "fpngraph": 1,
    "name": "inline",
    "inputs": "C(3..5)",
    "defaults": {"channels": {3: WIDTH, 4: WIDTH, 5: WIDTH}, "fusion": "fast_normalized", "op": ["conv", "norm"]},
    "nodes": {"P(3..5)": {"inputs": ["C(l)", "P(l+1) | none"]}},
    "outputs": "P(3..5)",
}


def ours(kind: str = "RTDetr", seed: int = 0, **settings: Any) -> Any:
    return detector(rt_detr_config(kind, **(BIFPN | settings)), f"FPNGraph{kind}", seed)


def images(height: int = 100, width: int = 132) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_with_all_of_the_neck_and_is_the_same_after_saving(kind: str, tmp_path: Path) -> None:
    transformers, _ = both()
    model = ours(kind)

    fell = losses(model, 12, pixel_values=images(), labels=boxes())
    unused = [name for name, p in model.model.encoder.named_parameters() if p.grad is None]
    model.eval().save_pretrained(tmp_path)
    loaded = transformers.AutoModelForObjectDetection.from_pretrained(tmp_path).eval()

    assert min(fell) < 0.95 * fell[0]
    assert unused == []
    assert type(loaded) is type(model)
    with torch.no_grad():
        one, other = model(images()), loaded(images())
    assert difference(one.logits, other.logits) < ROUNDING
    assert difference(one.pred_boxes, other.pred_boxes) < ROUNDING


def test_a_lean_neck_learns_as_a_plain_one_and_comes_back_lean(tmp_path: Path) -> None:
    plain, lean = ours(), ours(lean=True)
    lean.save_pretrained(tmp_path)
    again = both()[0].AutoModelForObjectDetection.from_pretrained(tmp_path)

    for model in (plain, lean, again):
        torch.manual_seed(1)
        model.train()(pixel_values=images(), labels=boxes()).loss.backward()

    lean_nodes = [sum(isinstance(part, LeanNode) for part in model.modules()) for model in (plain, lean, again)]
    assert lean_nodes[0] == 0 < lean_nodes[1] == lean_nodes[2]
    for x, y, z in zip(*(model.model.encoder.parameters() for model in (plain, lean, again)), strict=True):
        assert difference(x.grad, y.grad) < ROUNDING
        assert difference(x.grad, z.grad) < ROUNDING


def assert_same_weights(model: torch.nn.Module, other: torch.nn.Module) -> None:
    state = model.state_dict()
    assert [name for name, x in other.state_dict().items() if not torch.equal(x, state[name])] == []


@pytest.mark.parametrize("kind", KINDS)
def test_attention_in_the_neck_is_loaded_too_though_hosts_rename_theirs(kind: str, tmp_path: Path) -> None:
    model = ours(kind, **CCFM)
    model.save_pretrained(tmp_path)

    assert_same_weights(type(model).from_pretrained(tmp_path), model)


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_published_model_all_but_the_neck_is_taken_and_the_neck_is_initialised(kind: str, tmp_path: Path) -> None:
    _, adapter = both()
    plain = detector(rt_detr_config(kind, plain=True), kind)
    plain.save_pretrained(tmp_path)
    with torch.no_grad():
        torch.full((1 << 20,), float("nan"))  # what is left in memory

    loaded, report = getattr(adapter, f"FPNGraph{kind}ForObjectDetection").from_pretrained(
        tmp_path, output_loading_info=True, **BIFPN
    )

    kept = {name: x for name, x in plain.state_dict().items() if not name.startswith("model.encoder.")}
    assert {name.split("neck")[0] for name in report["missing_keys"]} == {"model.encoder."}
    assert all(name.startswith("model.encoder.") for name in report["unexpected_keys"])
    assert all(torch.equal(x, loaded.state_dict()[name]) for name, x in kept.items())
    assert loaded.config.model_type == type(loaded.config).model_type
    assert_as_built(loaded.model.encoder.neck.neck)
    loaded.save_pretrained(tmp_path / "again")  # with the names that weights have in published checkpoints
    assert_same_weights(type(loaded).from_pretrained(tmp_path / "again"), loaded)


def assert_as_built(neck: fpngraph.Neck) -> None:
    """Fusion weights, norms and their statistics are those of a new neck, and convolutions are as far from zero."""
    new = fpngraph.build(neck.source_graph, neck.in_channels).state_dict()
    for name, x in neck.state_dict().items():
        if x.dim() < 4:
            assert torch.equal(x, new[name]) or name.endswith("conv.bias"), name
        else:
            assert float(x.std()) == pytest.approx(float(new[name].std()), rel=0.5), name


def test_of_a_neck_that_a_checkpoint_has_in_part_only_the_rest_is_initialised(tmp_path: Path) -> None:
    model = ours()
    with torch.no_grad():
        for x in model.model.encoder.neck.neck.parameters():
            x.add_(1)
    model.save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    lost = "model.encoder.neck.neck.bifpn.0.td4.fusion.weight"
    del state[lost]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})

    loaded = type(model).from_pretrained(tmp_path).state_dict()

    changed = [name for name, x in model.state_dict().items() if not torch.equal(x, loaded[name])]
    assert changed == [lost]
    assert loaded[lost].tolist() == [1, 1]


@pytest.mark.parametrize("kind", ["RTDetr", "RTDetrV2"])
def test_with_the_weights_of_their_encoder_the_whole_detector_is_the_same(kind: str) -> None:
    plain = detector(rt_detr_config(kind, plain=True, encoder_attention_heads=8), kind).double()
    model = ours(kind, **CCFM).double().eval()
    with torch.no_grad():
        for x in plain.model.encoder.parameters():
            x.add_(torch.randn_like(x) / 10)

    model.load_state_dict(plain.state_dict(), strict=False)
    state = plain.model.encoder.state_dict()
    carried = fpngraph.load_from(model.model.encoder.neck.neck, state, "transformers.RTDetrHybridEncoder")

    assert (carried.missing, carried.unused) == ((), ())
    with torch.no_grad():
        one, other = model(images(128, 160).double()), plain(images(128, 160).double())
    assert difference(one.logits, other.logits) < 1e-12
    assert difference(one.pred_boxes, other.pred_boxes) < 1e-12
    for y, z in zip(one.encoder_last_hidden_state, other.encoder_last_hidden_state, strict=True):
        assert difference(y, z) < 1e-12


@pytest.mark.parametrize("kind", ["RTDetr", "RTDetrV2"])
def test_a_decoder_of_five_levels_reads_five_maps_of_three(kind: str) -> None:
    levels = {"decoder_in_channels": [WIDTH] * 5, "num_feature_levels": 5}
    settings = levels | ({"decoder_n_levels": 5} if kind == "RTDetrV2" else {})
    model = ours(kind, params={"channels": WIDTH, "repeats": 1}, **settings).train()

    outputs = model(images(), labels=boxes())
    outputs.loss.backward()

    assert [tuple(x.shape[2:]) for x in outputs.encoder_last_hidden_state] == [(13, 17), (7, 9), (4, 5), (2, 3), (1, 2)]
    assert [name for name, p in model.model.encoder.named_parameters() if p.grad is None] == []


def test_strides_of_levels_that_the_neck_adds_are_no_mistake_to_check() -> None:
    transformers, adapter = both()
    backbone = adapter.FPNGraphConfig(
        backbone_config=transformers.ResNetConfig(out_indices=(2, 3, 4), **RESNET),
        out_features=["P3", "P4", "P5"],
        **BIFPN,
    )
    levels = {"feat_strides": [8, 16, 32, 64], "decoder_in_channels": [WIDTH] * 4, "num_feature_levels": 4}
    neck = {"channels": WIDTH, "repeats": 1, "max": 6}
    model = ours(backbone_config=backbone, encoder_in_channels=[WIDTH] * 3, params=neck, **levels)

    adapter.check(model)
    with torch.no_grad():
        outputs = model.eval()(images())

    assert len(outputs.encoder_last_hidden_state) == 4


def test_d_fine_takes_as_many_maps_as_its_backbone_gives() -> None:
    with pytest.raises(HostError) as caught:
        ours("DFine", decoder_in_channels=[WIDTH] * 5, num_feature_levels=5)

    assert str(caught.value) == (
        "the backbone gives 3 maps and 'decoder_in_channels' is for 5, but D-FINE requires as many of the one as of "
        "the other"
    )


@pytest.mark.exports
def test_the_whole_detector_is_exported() -> None:
    model = ours().eval()

    program = torch.export.export(model, (images(96, 128),), strict=False)

    with torch.no_grad():
        assert difference(program.module()(images(96, 128)).logits, model(images(96, 128)).logits) < 1e-5


def test_the_graph_is_in_the_configuration_whatever_it_was_given_as(tmp_path: Path) -> None:
    _, adapter = both()
    graph = fpngraph.loads(INLINE)
    path = tmp_path / "own.yaml"
    path.write_text(fpngraph.dump(graph), encoding="utf-8")

    for given in (INLINE, graph, path, str(path)):
        model = detector(rt_detr_config(graph=given), "FPNGraphRTDetr")
        model.config.to_json_file(tmp_path / "config.json")
        loaded = adapter.FPNGraphRTDetrConfig.from_json_file(tmp_path / "config.json")
        assert loaded.settled() == graph
        assert isinstance(json.loads((tmp_path / "config.json").read_text())["graph"], dict)


def test_a_name_stays_a_name_in_the_configuration() -> None:
    config = ours().config

    assert (config.graph, config.preset, config.params) == ("bifpn", None, BIFPN["params"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"graph": None},
            "the configuration has no 'graph', but the name, path or text of one is required",
            id="no graph",
        ),
        pytest.param(
            {"params": {"channels": WIDTH, "repeats": 1, "max": 7}},
            "the graph gives 5 maps (P3, P4, P5, P6, P7) of 32, 32, 32, 32, 32 channels, but 'decoder_in_channels' is "
            "32, 32, 32\n  hint: one number for each map; 'outputs' of the graph, or a 'graph.select(...)', say which "
            "there are",
            id="more maps",
        ),
        pytest.param(
            {"params": {"channels": 64, "repeats": 1, "max": 5}},
            "the graph gives 3 maps (P3, P4, P5) of 64, 64, 64 channels, but 'decoder_in_channels' is 32, 32, 32\n"
            "  hint: one number for each map; 'outputs' of the graph, or a 'graph.select(...)', say which there are",
            id="other channels",
        ),
        pytest.param(
            {"num_feature_levels": 2},
            "the graph gives 3 maps (P3, P4, P5), but 'num_feature_levels' is 2: at least 3 is required",
            id="too few levels",
        ),
        pytest.param(
            {"feat_strides": [8, 16]},
            "the backbone gives 3 maps, but 'feat_strides' has 2: a stride of each is required",
            id="too few strides",
        ),
        pytest.param(
            {"graph": INLINE | {"outputs": ["P5", "P4", "P3"]}, "params": {}},
            "the maps of the graph have the strides 32, 16, 8, but must come finest first",
            id="coarsest first",
        ),
        pytest.param(
            {"params": {"channels": WIDTH, "repeats": 1, "min": 4, "max": 6}, "anchor_image_size": [64, 64]},
            "the maps of the graph have the strides 16, 32, 64, but 'feat_strides' is 8, 16, 32, which the anchors for "
            "'anchor_image_size' are made from",
            id="anchors",
        ),
        pytest.param(
            {"graph": "fpn", "params": {"channels": WIDTH}},
            "graph 'FPN' takes maps of the strides 4, 8, 16, 32, but the host has 8, 16, 32: 4 is missing "
            "[in-channels]",
            id="stride",
        ),
    ],
)
def test_what_does_not_fit_is_told_when_the_detector_is_made(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((HostError, fpngraph.GraphError)) as caught:
        ours(**settings)

    assert str(caught.value) == message


def test_every_example_of_the_page_prints_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both()
    monkeypatch.chdir(tmp_path)

    run_page("hosts/transformers.md")
