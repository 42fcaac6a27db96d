"""``fpngraph export`` writes what was run and compared, whole or not at all, and names every reason not to."""

from __future__ import annotations

import re
from importlib import util
from pathlib import Path

import numpy
import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.cli.main import main
from fpngraph.exporting import onnx
from tests.necks import assert_close, maps, randomised

GRAPH = """\
fpngraph: 1
name: small
inputs: P(3..4)
defaults: {channels: 4, fusion: fast_normalized, op: [act, separable_conv, norm]}
nodes:
  td3:  {inputs: [P3, P4]}
  td2:  {inputs: [td3]}
  out4: {inputs: [P4, td3]}
  out5: {inputs: [out4], resample: {down: avg_pool}}
outputs: {P2: td2, P3: td3, P4: out4, P5: out5}
"""
TINY = """\
fpngraph: 1
name: tiny
inputs: P(3..3)
nodes:
  P4: {inputs: [P3], resample: {up: nearest}}
  Q3: {inputs: [P4], resample: {up: nearest}}
outputs: Q(3..3)
"""
ASKED = ("export", "my.yaml", "--in-channels", "6,8", "--image-size", "96x128")
DONE = """\
wrote {file}: {size:,} bytes, {operators} operators
inputs  {first} [batch, 6, height/8, width/8]
inputs  {second} [batch, 8, height/16, width/16]
outputs P2 [batch, 4, height/4, width/4]
outputs P3 [batch, 4, height/8, width/8]
outputs P4 [batch, 4, height/16, width/16]
outputs P5 [batch, 4, height/32, width/32]
largest difference from the neck, run at other sizes: {difference} of an output's largest value
"""


@pytest.fixture(autouse=True)
def neck(workshop: Path) -> fpngraph.Neck:
    """A neck as if trained, whose graph and state are in the working directory."""
    (workshop / "my.yaml").write_text(GRAPH, encoding="utf-8")
    neck = randomised(fpngraph.build(fpngraph.loads(GRAPH), [6, 8]))
    torch.save(neck.state_dict(), workshop / "state.pt")
    return neck


def told(err: str) -> str:
    """What is on standard error beside the stages, which a slow machine says."""
    return "".join(line for line in err.splitlines(keepends=True) if not line.startswith("exporting "))


def assert_written(capsys: pytest.CaptureFixture[str], file: str, inputs: tuple[str, str]) -> None:
    """The command has said what it wrote, and how close it is."""
    out, err = capsys.readouterr()
    words = out.split()
    difference = out.splitlines()[-1].split(": ")[1].split()[0]
    assert told(err) == ""
    assert out == DONE.format(
        file=file,
        size=Path(file).stat().st_size,
        operators=int(words[4]),
        first=inputs[0],
        second=inputs[1],
        difference=difference,
    )
    assert float(difference) < 1e-5


@pytest.mark.exports
def test_onnx_runs_at_any_size_and_has_the_names_of_the_graph(
    neck: fpngraph.Neck, capsys: pytest.CaptureFixture[str]
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx', which 'dev' has")

    status = main([*ASKED, "--weights", "state.pt", "--format", "onnx", "-o", "my.onnx", "--opset", "18"])

    assert status == 0
    assert_written(capsys, "my.onnx", ("P3_in", "P4_in"))
    session = onnxruntime.InferenceSession("my.onnx", providers=["CPUExecutionProvider"])
    assert [(x.name, x.shape) for x in session.get_inputs()] == [
        ("P3_in", ["batch", 6, "height3", "width3"]),
        ("P4_in", ["batch", 8, "height4", "width4"]),
    ]
    assert [x.name for x in session.get_outputs()] == ["P2", "P3", "P4", "P5"]
    for batch, size in ((1, (333, 501)), (5, (33, 40))):
        features = maps(neck, *size, batch=batch)
        found: list[numpy.ndarray] = session.run(
            None, dict(zip(("P3_in", "P4_in"), map(Tensor.numpy, features), strict=True))
        )
        assert_close([torch.from_numpy(y) for y in found], neck(features))


@pytest.mark.exports
def test_an_exported_program_is_loaded_and_runs_at_any_size(
    neck: fpngraph.Neck, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([*ASKED, "--weights", "state.pt", "--format", "torch-export", "-o", "my.pt2"])

    assert status == 0
    assert_written(capsys, "my.pt2", ("P3", "P4"))
    program = torch.export.load("my.pt2").module()
    for batch, size in ((1, (333, 501)), (5, (33, 40))):
        features = maps(neck, *size, batch=batch)
        assert_close(program(features), neck(features))


MISTAKES = {
    "no-channels": (
        ["export", "my.yaml", "--format", "onnx", "-o", "my.onnx"],
        "export needs the channels of the inputs: add --in-channels or --backbone",
    ),
    "opset-of-torch": (
        [*ASKED, "--format", "torch-export", "-o", "my.pt2", "--opset", "18"],
        "--opset is for --format onnx",
    ),
    "there-already": (
        [*ASKED, "--format", "onnx", "-o", "my.yaml"],
        "'my.yaml' exists already\n  hint: add --force to write over it",
    ),
    "no-folder": (
        [*ASKED, "--format", "onnx", "-o", "nowhere/my.onnx"],
        "'nowhere': there is no such folder",
    ),
    "no-weights": (
        [*ASKED, "--format", "onnx", "-o", "my.onnx", "--weights", "none.pt"],
        "'none.pt': No such file or directory",
    ),
    "weights-of-another": (
        [*ASKED, "--format", "onnx", "-o", "my.onnx", "--weights", "other.pt"],
        "'other.pt' does not fit graph 'small':\n"
        "  38 missing: 'td3.edges.P3.project.conv.weight', 'td3.edges.P3.project.conv.bias', "
        "'td3.edges.P4.project.conv.weight' and 35 more\n"
        "  hint: the state dict of the neck is required, built with the same parameters and channels of the inputs",
    ),
    "small-images": (
        [*ASKED, "--format", "torch-export", "-o", "my.pt2", "--image-size", "32x40"],
        "images of 32x40 pixels have fewer than 2 at level 5, but 33 a side have 2",
    ),
}


@pytest.mark.exports
def test_the_opset_that_is_offered_in_place_of_another_can_be_written(
    workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    command = ["export", "tiny.yaml", "--in-channels", "4", "--format", "onnx", "-o", "my.onnx", "--opset"]

    assert main([*command, "7"]) == 2
    found = re.search(r"fpngraph export: opset 7 cannot be written, but (\d+) can\n$", capsys.readouterr().err)

    assert found is not None
    assert main([*command, found[1], "-q"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("wanted", "nearest"), [(1, 15), (13, 15), (14, 15), (28, 27), (29, 27), (64, 27), (10**6, 27)]
)
def test_it_is_the_nearest_one(wanted: int, nearest: int) -> None:
    tried: list[int] = []

    def works(opset: int) -> bool:
        tried.append(opset)
        return 15 <= opset <= 27

    assert onnx._nearest(works, wanted, 18) == nearest
    assert len(tried) <= 6


@pytest.mark.slow
@pytest.mark.exports
@pytest.mark.parametrize(("command", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_have_messages_and_leave_nothing_behind(
    command: list[str], message: str, workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({}, "other.pt")
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    before = sorted(workshop.iterdir())

    status = main(command)

    assert status == 2
    assert told(capsys.readouterr().err) == f"fpngraph export: {message}\n"
    assert sorted(workshop.iterdir()) == before


@pytest.mark.exports
def test_the_extra_is_named_where_its_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxscript" else util.find_spec(name))

    status = main([*ASKED, "--format", "onnx", "-o", "my.onnx"])

    assert status == 2
    assert capsys.readouterr().err.endswith(
        "fpngraph export: ONNX needs the package 'onnxscript', which is not installed\n"
        "  hint: pip install 'fpngraph[onnx]'\n"
    )


@pytest.mark.parametrize("form", ["onnx", "torch-export"])
def test_an_older_torch_is_refused_with_the_version_that_is_needed(
    form: str, workshop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch, "__version__", "2.12.1+cpu")

    status = main([*ASKED, "--format", form, "-o", "my.file"])

    assert status == 2
    assert capsys.readouterr().err.endswith("fpngraph export: exports need torch 2.13 or newer, this is 2.12.1+cpu\n")
    assert not Path("my.file").exists()


OWN = """\
from typing import ClassVar

import torch
from torch import nn

import fpngraph


class Peeking(nn.Module):
    def forward(self, x):
        return x if x.sum().item() > 0 else -x


class Moody(nn.Module):
    def forward(self, x):
        return 3 * x if torch.compiler.is_compiling() else x


@fpngraph.register
class Peek(fpngraph.Layer):
    name: ClassVar[str] = "peek"

    def build(self, inputs, site):
        return Peeking()


@fpngraph.register
class Mood(fpngraph.Layer):
    name: ClassVar[str] = "mood"

    def build(self, inputs, site):
        return Moody()
"""
ODD = {
    "something-else": ("mood", "what was exported differs from the neck by 2.0e+00, more than 1e-04"),
    "not-traceable": ("peek", "torch-export does not take the neck: "),
}


@pytest.mark.exports
@pytest.mark.parametrize(("layer", "message"), ODD.values(), ids=ODD)
def test_what_cannot_be_traced_or_comes_out_different_is_not_written(
    layer: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("odd.py").write_text(OWN, encoding="utf-8")
    Path("odd.yaml").write_text(
        f"fpngraph: 1\nname: odd\ninputs: P(3..3)\nnodes:\n  P4: {{inputs: [P3], op: [{layer}]}}\noutputs: P(4..4)\n",
        encoding="utf-8",
    )
    command = ["export", "odd.yaml", "--in-channels", "4", "--import", "odd"]

    status = main([*command, "--format", "torch-export", "-o", "my.pt2"])

    assert status == 2
    assert told(capsys.readouterr().err).startswith(f"fpngraph export: {message}")
    assert not Path("my.pt2").exists()
