"""What a neck has learned, drawn by ``render`` from the neck and by the command from its file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import fpngraph
from fpngraph.cli.main import main
from fpngraph.drawing import draw
from fpngraph.drawing.formats import svg
from fpngraph.layers.fusion.weighted import Weighted
from fpngraph.weights.state import StateError
from fpngraph.weights.trained import trained
from tests.drawing.reading import SVG, Picture
from tests.drawing.two_sweeps import GRAPH, TWICE

CHANNELS = [4, 6, 8]


@pytest.fixture(scope="module")
def neck() -> fpngraph.Neck:
    """Two sweeps, as if trained: of every node the first edge counts nothing, and each further one more."""
    built = fpngraph.build(fpngraph.loads(GRAPH), in_channels=CHANNELS)
    for fusion in built.modules():
        if isinstance(fusion, Weighted):
            fusion.weight.data = torch.arange(len(fusion.weight), dtype=torch.float32)
    return built


def test_a_neck_shows_what_it_has_learned(neck: fpngraph.Neck, tmp_path: Path) -> None:
    fpngraph.render(neck, tmp_path / "out.svg", weights=True)

    found = Picture((tmp_path / "out.svg").read_text(encoding="utf-8"))
    edges = {
        (e.attrib["data-from"], e.attrib["data-to"]): e.attrib
        for e in found.root.iter(f"{SVG}path")
        if e.get("data-to")
    }
    assert edges["P4", "cell.0.td4"]["data-weight"] == "0"
    assert edges["P5", "cell.0.td4"]["data-weight"] == "1"
    assert [edges[s, "cell.0.out4"]["data-weight"] for s in ("P4", "cell.0.td4", "cell.0.td3")] == [
        "0",
        "0.333",
        "0.667",
    ]
    assert [edges[s, "cell.0.out4"]["stroke-width"] for s in ("P4", "cell.0.td4", "cell.0.td3")] == [
        "0.8",
        "2.65",
        "4.5",
    ]
    assert all("data-weight" in attributes for attributes in edges.values())


def test_without_weights_a_neck_is_drawn_as_ever(neck: fpngraph.Neck, tmp_path: Path) -> None:
    fpngraph.render(neck, tmp_path / "out.svg")

    assert (tmp_path / "out.svg").read_text(encoding="utf-8") == svg.write(
        draw(neck.source_graph, in_channels=CHANNELS)
    )


@pytest.mark.parametrize("fusion", ["unbounded", "softmax", "fast_normalized"])
def test_every_weighted_fusion_tells_its_weights(fusion: str, tmp_path: Path) -> None:
    graph = fpngraph.loads(TWICE.replace("fusion: sum", f"fusion: {fusion}"))
    built = fpngraph.build(graph, in_channels=[8, 8])

    fpngraph.render(built, tmp_path / "out.svg", weights=True)

    text = (tmp_path / "out.svg").read_text(encoding="utf-8")
    each = "1" if fusion == "unbounded" else "0.333"
    assert re.findall(r'data-to="n"[^>]* data-weight="([^"]*)"', text) == [f"{each} {each}", each]


def test_a_graph_has_no_weights() -> None:
    with pytest.raises(ValueError) as caught:
        fpngraph.render(fpngraph.loads(GRAPH), weights=True)

    assert str(caught.value) == (
        "graph 'Two sweeps' has no weights, only a neck learns them"
        "\n  hint: draw the neck that fpngraph.build made of it"
    )


def test_a_neck_without_weighted_fusions_is_said() -> None:
    built = fpngraph.build(fpngraph.load("fpn"), in_channels=[8, 16, 24, 32])

    with pytest.raises(ValueError) as caught:
        fpngraph.render(built, weights=True)

    assert str(caught.value) == "no fusion of graph 'FPN' has learned weights, so none can be drawn"


def test_a_neck_whose_weights_are_folded_in_is_said(neck: fpngraph.Neck) -> None:
    with pytest.raises(ValueError) as caught:
        fpngraph.render(neck.eval().fuse(), weights=True)

    assert str(caught.value) == ("graph 'Two sweeps' has its weights folded in\n  hint: draw the neck that was fused")


def test_a_neck_whose_weights_hold_no_numbers_is_said() -> None:
    empty = fpngraph.build(fpngraph.loads(GRAPH), in_channels=CHANNELS, init=False)

    with pytest.raises(ValueError) as caught:
        fpngraph.render(empty, weights=True)

    assert str(caught.value) == (
        "the weights of graph 'Two sweeps' are on the device meta, without numbers\n"
        "  hint: load a state dict first, with assign=True"
    )


def test_the_command_draws_the_weights_of_a_file(
    neck: fpngraph.Neck, workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workshop / "my.yaml").write_text(GRAPH, encoding="utf-8")
    torch.save(neck.state_dict(), "state.pt")

    status = main(["render", "my.yaml", "-o", "cli.svg", "--in-channels", "4,6,8", "--weights", "state.pt"])

    fpngraph.render(neck, "api.svg", weights=True)
    assert (status, capsys.readouterr().err) == (0, "")
    assert Path("cli.svg").read_text(encoding="utf-8") == Path("api.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("prefix", "inside"),
    [("neck.", False), ("neck.", True), ("model.neck.", True)],
    ids=["pyramid", "saved", "training"],
)
def test_a_neck_is_found_in_what_it_was_trained_in(
    neck: fpngraph.Neck, tmp_path: Path, prefix: str, inside: bool
) -> None:
    state = {f"{prefix}{name}": x for name, x in neck.state_dict().items()} | {"backbone.weight": torch.zeros(1)}
    torch.save({"state_dict": state, "epoch": 3} if inside else state, tmp_path / "best.ckpt")

    found = trained(fpngraph.loads(GRAPH), CHANNELS, tmp_path / "best.ckpt")

    for name, x in found.state_dict().items():
        torch.testing.assert_close(x, neck.state_dict()[name], rtol=0, atol=0)


HINT = "\n  hint: the state dict of the neck is required, built with the same parameters and channels of the inputs"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param(
            ["my.yaml", "--weights", "state.pt"],
            "--weights needs the channels of the inputs: add --in-channels or --backbone",
            id="no channels",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "none.pt"],
            "'none.pt': No such file or directory",
            id="no file",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "my.yaml"],
            "'my.yaml' is no file of tensors that torch.save or safetensors wrote",
            id="no state",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "list.pt"],
            "'list.pt' holds no state dict, names with a tensor each",
            id="a list",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "other.pt"],
            "'other.pt' does not fit graph 'Two sweeps':\n"
            "  1 missing: 'cell.0.td4.fusion.weight'\n"
            "  1 unexpected: 'x'\n"
            f"  1 of another shape: 'cell.0.td3.fusion.weight' is [3], not [2]{HINT}",
            id="another neck",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "nan.pt"],
            "the weights of node 'cell.0.td3' are [nan, nan]; only finite numbers can be drawn",
            id="no numbers",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "complex.pt"],
            "'complex.pt' does not fit graph 'Two sweeps':\n"
            f"  1 that cannot be copied: 'cell.0.td3.fusion.weight' is complex64, not float32{HINT}",
            id="complex",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "sparse.pt"],
            "'sparse.pt' does not fit graph 'Two sweeps':\n"
            "  1 that cannot be copied: 'cell.0.td3.fusion.weight' is of the layout sparse_coo, not strided"
            f"{HINT}",
            id="sparse",
        ),
        pytest.param(
            ["my.yaml", "--in-channels", "4,6,8", "--weights", "folder.safetensors"],
            "'folder.safetensors': Is a directory",
            id="a folder",
        ),
        pytest.param(
            ["fpn", "--in-channels", "4,6,8,9", "--weights", "fpn.pt"],
            "no fusion of graph 'FPN' has learned weights, so none can be drawn",
            id="no weighted fusion",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of the file with a sparse tensor
def test_a_state_that_cannot_be_drawn_is_said(
    neck: fpngraph.Neck, workshop: Path, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    (workshop / "my.yaml").write_text(GRAPH, encoding="utf-8")
    torch.save([1], "list.pt")
    other = {**neck.state_dict(), "x": torch.ones(1), "cell.0.td3.fusion.weight": torch.ones(3)}
    del other["cell.0.td4.fusion.weight"]
    torch.save(other, "other.pt")
    weight = "cell.0.td3.fusion.weight"
    for file, tensor in {
        "nan.pt": torch.full((2,), torch.nan),
        "complex.pt": torch.ones(2, dtype=torch.complex64),
        "sparse.pt": torch.ones(2).to_sparse(),
    }.items():
        torch.save({**neck.state_dict(), weight: tensor}, file)
    Path("folder.safetensors").mkdir()
    torch.save(fpngraph.build(fpngraph.load("fpn"), in_channels=[4, 6, 8, 9]).state_dict(), "fpn.pt")

    status = main(["render", *options])

    assert (status, capsys.readouterr().err) == (2, f"fpngraph render: {text}\n")


def test_the_weights_of_a_projection_that_is_no_more_come_with_a_way_to_keep_it(tmp_path: Path) -> None:
    text = "fpngraph: 1\nname: one\ninputs: P3\nnodes: {a3: {inputs: [P3], op: [conv], channels: 8}}\noutputs: a3\n"
    asked = text.replace("inputs: [P3]", "inputs: [{from: P3, project: always}]")
    torch.save(fpngraph.build(fpngraph.loads(asked), [4]).state_dict(), tmp_path / "a.pt")

    with pytest.raises(StateError) as caught:
        trained(fpngraph.loads(text), [4], tmp_path / "a.pt")

    assert str(caught.value).splitlines()[1:] == [
        "  2 unexpected: 'a3.edges.P3.project.conv.weight', 'a3.edges.P3.project.conv.bias'",
        "  1 of another shape: 'a3.op.conv.weight' is [8, 8, 3, 3], not [8, 4, 3, 3]",
        "  hint: a node that is written with one input is not projected where a layer of its op gives the node's "
        "channels; 'project: always' puts a projection there",
    ]
