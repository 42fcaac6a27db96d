"""Whatever is typed after a command ends in a message of a few lines, never in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import fpngraph
from fpngraph.cli.main import main
from fpngraph.errors import Refusal
from tests.cli.refusing import said

HUGE = "1" + "0" * 30
NOT_A_LIST = "is not a list of numbers such as 40,112,320"
MISTAKES = {
    "a preset as a parameter": (
        ["show", "bifpn", "-p", "preset=d1"],
        "argument -p: 'preset=d1' sets no parameter: '--preset NAME' chooses a preset, where a command has it",
    ),
    "parameters that are too long together": (
        ["show", "bifpn", "-p", f"a={'x' * 12_000}", "-p", f"b={'x' * 12_000}"],
        f"argument -p: 'b={'x' * 58}...' brings them to more than 20,000 characters",
    ),
    "channels without end": (
        ["show", "bifpn", "--in-channels", f"{HUGE},2,3"],
        f"argument --in-channels: '{HUGE},2,3' has a number of more than 12 digits",
    ),
    "channels as a power": (["show", "fpn", "--in-channels", "10**30"], f"'10**30' {NOT_A_LIST}"),
    "channels in science": (["show", "fpn", "--in-channels", "1e3,2"], f"'1e3,2' {NOT_A_LIST}"),
    "channels in other digits": (["show", "fpn", "--in-channels", "4_0,٤"], f"'4_0,٤' {NOT_A_LIST}"),
    "no channels": (["show", "fpn", "--in-channels", ""], f"'' {NOT_A_LIST}"),
    "as many threads as pixels": (
        ["bench", "fpn", "--threads", "100000"],
        "argument --threads: '100000' is not a whole number from 1 to 1024",
    ),
    "a batch of many digits": (
        ["bench", "fpn", "--batch-size", "9" * 5000],
        f"argument --batch-size: '{'9' * 60}...' is not a whole number from 1 to a million",
    ),
    "an image of many digits": (
        ["show", "fpn", "--image-size", "9" * 5000],
        f"argument --image-size: '{'9' * 60}...' is no image size such as 512 or 512x640",
    ),
    "an opset below all": (
        ["export", "fpn", "--format", "onnx", "-o", "x.onnx", "--opset", "-1"],
        "argument --opset: '-1' is not a whole number from 1 to a million",
    ),
    "TF32 on a processor": (
        ["bench", "bifpn", "--in-channels", "4,4,4", "--dtype", "tf32"],
        "fpngraph bench: --dtype tf32 is a way of GPUs to round float32\n  hint: add --device cuda",
    ),
    "a device without numbers": (
        ["bench", "bifpn", "--in-channels", "4,4,4", "--device", "meta"],
        "fpngraph bench: --device 'meta': it holds no numbers",
    ),
    "a device without numbers for a detector": (
        ["detect", "photo.png", "--model", "efficientdet_d0", "-o", "out", "--device", "meta"],
        "fpngraph detect: --device 'meta': it holds no numbers",
    ),
    "a neck that no memory holds": (
        ["bench", "bifpn", "--in-channels", "1000000000,2,1000000000", "-p", "channels=1000000000"],
        "fpngraph bench: the memory is too small\n"
        "  hint: --batch-size and --image-size can be smaller, or the channels of the graph",
    ),
    "a kernel that no memory holds": (
        ["export", "wide.yaml", "--in-channels", "4", "--format", "torch-export", "-o", "x.pt2"],
        "fpngraph export: the memory is too small\n  hint: --image-size can be smaller, or the channels of the graph",
    ),
    "a backbone without a name": (["show", "bifpn", "--backbone", ""], "fpngraph show: timm has no model named ''"),
    "a path to import": (
        ["list", "--import", "../a/own.py"],
        "\n  hint: write '--import own' in the folder of the module",
    ),
    "images that no memory holds": (
        ["export", "fpn", "--in-channels", "1,2,3,4", "--image-size", "100000", "-o", "x.onnx"],
        "fpngraph export: --image-size has more than 67,108,864 pixels\n",
    ),
    "an empty name of a graph": (["list", ""], "fpngraph list: there is no graph named '' [unknown-graph]\n"),
    "an empty name of an image": (
        ["detect", "", "--model", "efficientdet_d0", "-o", "out"],
        "fpngraph detect: '': there is no such file\n",
    ),
    "costs of detectors": (
        ["list", "--detectors", "--in-channels", "4"],
        "fpngraph list: costs are told of single graphs: name them\n",
    ),
    "a device for detections that are there": (
        ["evaluate", "--val", "photos", "val.json", "--results", "found.json", "--device", "cuda"],
        "fpngraph evaluate: --device is for a detector, and --results has what one has found\n",
    ),
    "a batch of detections that are there": (
        ["evaluate", "--val", "photos", "val.json", "--results", "found.json", "--batch-size", "8"],
        "fpngraph evaluate: --batch-size is for a detector, and --results has what one has found\n",
    ),
    "a graph's parameters for a file of ONNX": (
        ["detect", "photo.png", "--weights", "a.onnx", "-o", "out", "--no-match"],
        "fpngraph detect: --match is for weights of torch: in a file of ONNX all that is decided\n",
    ),
    "a folder as weights": (
        ["export", "fpn", "--in-channels", "1,2,3,4", "--weights", "x.safetensors", "--format", "onnx", "-o", "x"],
        "fpngraph export: ",
    ),
}
WIDE = """\
fpngraph: 1
name: wide
inputs: C(3..3)
nodes:
  P3: {inputs: [C3], channels: 8, op: [{conv: {kernel: 1000000000}}]}
outputs: P(3..3)
"""


@pytest.mark.parametrize(("command", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_a_few_lines(
    command: list[str], message: str, workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("x.safetensors").mkdir()
    Path("wide.yaml").write_text(WIDE)

    Image.new("RGB", (8, 8)).save("photo.png")

    printed = said(capsys, *command)

    assert message in printed
    assert len(printed) < 700


@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("op", ["[" + "act," * 250_000 + "act]"], id="one value"),
        pytest.param("op", ["[" + "act," * 2_500 + "act]"] * 100, id="a hundred values"),
        pytest.param("x" * 1_000_000, ["1"], id="name"),
        pytest.param("op", ["'" + "a" * 1_000_000], id="a text that does not end"),
    ],
)
def test_a_megabyte_of_parameters_is_refused_at_once(
    name: str, values: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = [part for value in values for part in ("-p", f"{name}={value}")]
    before = time.process_time()

    printed = said(capsys, "show", "bifpn", *options)

    assert time.process_time() - before < 1
    assert printed.endswith(" brings them to more than 20,000 characters\n")
    assert len(printed) < 200


@pytest.mark.parametrize(
    ("command", "status"),
    [
        pytest.param("list >&-", 0, id="no output"),
        pytest.param("check nothing >&- 2>&-", 2, id="no streams at all"),
        pytest.param("render bifpn >&-", 0, id="no terminal"),
        pytest.param("check bifpn >/dev/full", 2, id="full"),
    ],
)
def test_streams_that_take_nothing_are_no_traceback(command: str, status: int) -> None:
    if "full" in command and not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which Linux has")
    environment = os.environ | {"PYTHONPATH": str(Path(fpngraph.__file__).parent.parent)}

    done = subprocess.run(
        f"exec {sys.executable} -m fpngraph {command}",
        shell=True,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == ("fpngraph check: No space left on device\n" if "full" in command else "")


@pytest.mark.parametrize("wrong", [None, 3, b"bifpn", ["bifpn"]])
def test_what_is_no_name_and_no_path_is_a_type_error(wrong: object) -> None:
    with pytest.raises(TypeError) as caught:
        fpngraph.load(wrong)  # type: ignore[arg-type]

    assert str(caught.value) == f"name_or_path is {wrong!r}, not the name of a graph or a path"


@pytest.mark.parametrize("wrong", [None, 3, b"fpngraph: 1", ["bifpn"]])
def test_what_is_no_text_and_no_mapping_is_a_type_error(wrong: object) -> None:
    with pytest.raises(TypeError) as caught:
        fpngraph.loads(wrong)  # type: ignore[arg-type]

    assert str(caught.value) == f"source is {wrong!r}, not YAML text or a mapping"


def test_channels_beyond_all_integers_of_a_graph_are_refused() -> None:
    with pytest.raises(fpngraph.GraphError) as caught:
        fpngraph.infer(fpngraph.load("fpn"), [4, 4, 10**30, 4])

    assert str(caught.value) == "in_channels of 'C4' is beyond 1000000000, the largest integer [number-too-large]"


def test_what_any_room_refuses_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class OwnError(Refusal, OSError):
        """As a room has one that others catch as an OSError."""

    def refuse(_: object) -> int:
        raise OwnError("there is no moon\n  hint: wait")

    monkeypatch.setattr("fpngraph.cli.commands.schema.run", refuse)

    assert main(["schema"]) == 2
    assert capsys.readouterr().err == "fpngraph schema: there is no moon\n  hint: wait\n"
