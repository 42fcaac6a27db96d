"""A checkpoint becomes a file, and the file finds what the checkpoint finds."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from fpngraph import efficientdet
from fpngraph.cli import detectors
from fpngraph.cli.main import main
from tests.cli.deploying import CATEGORIES, write_checkpoint

ASTRONAUT = Path(__file__).parents[2] / "tools" / "astronaut.jpg"


@pytest.fixture(autouse=True)
def _here(workshop: Path) -> None:
    write_checkpoint(workshop / "best.ckpt")
    (workshop / "photos").mkdir()
    for number, size in enumerate([(120, 90), (70, 130), (200, 200)]):
        Image.open(ASTRONAUT).resize(size).save(workshop / f"photos/{number}.png")


def read(folder: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(Path(folder, "detections.json").read_text(encoding="utf-8"))
    return rows


def assert_alike(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Each of the rows of two files has one like it in the other, but for a few that rounding decides."""

    def has(row: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
        return any(
            all(row[key] == other[key] for key in ("image_id", "category_id"))
            and row["score"] == pytest.approx(other["score"], abs=1e-4)
            and row["bbox"] == pytest.approx(other["bbox"], abs=0.05)
            for other in rows
        )

    assert len(found) == len(wanted) > 100
    assert sum(has(row, wanted) for row in found) >= 0.98 * len(found)
    assert sum(has(row, found) for row in wanted) >= 0.98 * len(wanted)


@pytest.mark.slow
@pytest.mark.exports
def test_a_file_of_onnx_gives_the_results_of_its_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx', which 'dev' has")

    assert main(["export", "--weights", "best.ckpt", "-o", "detector.onnx"]) == 0
    said = capsys.readouterr().out
    assert main(["detect", "photos", "--weights", "best.ckpt", "-o", "torch", "--device", "cpu"]) == 0
    assert main(["detect", "photos", "--runtime", "onnx", "--weights", "detector.onnx", "-o", "onnx"]) == 0

    assert "it takes any number of images whose sides are 65 pixels or more, and has the names of 10 classes" in said
    assert re.search(r"compared with the detector, run at other sizes: \d+ of \d+ detections are alike: ", said)
    assert_alike(read("onnx"), read("torch"))
    assert sorted(path.name for path in Path("onnx").iterdir()) == sorted(path.name for path in Path("torch").iterdir())
    images = [json.loads(Path(folder, "images.json").read_bytes()) for folder in ("onnx", "torch")]
    assert images[0] == images[1]
    assert images[0]["categories"] == [it._asdict() for it in CATEGORIES]
    capsys.readouterr()
    assert main(["detect", "photos", "--weights", "detector.onnx", "-o", "small", "--image-size", "64"]) == 2
    assert capsys.readouterr().err == (
        "fpngraph detect: the program takes images whose sides are 65 pixels or more, not of 64x64\n"
    )


MISTAKES = {
    "nothing": (["export", "-o", "a.onnx"], "fpngraph export: a GRAPH, --model NAME or --weights FILE is required\n"),
    "no ending": (
        ["export", "--weights", "best.ckpt", "-o", "detector"],
        "fpngraph export: -o 'detector' has no ending that says the format\n  hint: .onnx or .pt2, or add --format\n",
    ),
    "another ending": (
        ["export", "--weights", "best.ckpt", "-o", "detector.onnx", "--format", "torch-export"],
        "fpngraph export: -o 'detector.onnx' ends as onnx does, but --format is torch-export\n",
    ),
    "of a neck": (
        ["export", "--weights", "best.ckpt", "-o", "a.onnx", "--in-channels", "4"],
        "fpngraph export: --in-channels is for a neck\n  hint: name its GRAPH, without --model\n",
    ),
    "of a detector": (
        ["export", "fpn", "--in-channels", "4,4,4,4", "-o", "a.onnx", "--score", "0.5"],
        "fpngraph export: --score is for a detector\n  hint: add --model NAME, or leave out GRAPH\n",
    ),
    "no backbone": (
        ["export", "fpn", "--in-channels", "4,4,4,4", "-o", "a.onnx", "--with-backbone"],
        "fpngraph export: --with-backbone needs the backbone\n  hint: add --backbone NAME\n",
    ),
    "no detector": (
        ["export", "--weights", "photos/0.png", "-o", "a.onnx"],
        "fpngraph export: 'photos/0.png' ",
    ),
    "int8 alone": (
        ["export", "--weights", "best.ckpt", "-o", "a.onnx", "--int8"],
        "fpngraph export: --int8 is for ONNX, and needs --calibrate IMAGES\n",
    ),
    "calibration alone": (
        ["export", "--weights", "best.ckpt", "-o", "a.onnx", "--calibrate", "photos"],
        "fpngraph export: --calibrate and --val are for --int8\n",
    ),
    "no images": (
        ["export", "--weights", "best.ckpt", "-o", "a.onnx", "--int8", "--calibrate", "gone"],
        "fpngraph export: --calibrate 'gone': there is no such file\n",
    ),
    "fixed": (
        ["detect", "photos", "--weights", "a.onnx", "-o", "out", "--soft-nms"],
        "fpngraph detect: --soft-nms is for weights of torch: in a file of ONNX all that is decided\n",
    ),
    "no file": (
        ["detect", "photos", "--runtime", "onnx", "-o", "out"],
        "fpngraph detect: --runtime onnx needs a detector of 'export'\n  hint: add --weights detector.onnx\n",
    ),
    "no such file": (
        ["detect", "photos", "--weights", "a.onnx", "-o", "out"],
        "fpngraph detect: 'a.onnx': No such file or directory\n",
    ),
    "no model": (
        ["detect", "photos", "--runtime", "onnx", "--weights", "best.ckpt", "-o", "out"],
        "fpngraph detect: 'best.ckpt' is no model that ONNX Runtime can run: ",
    ),
}


@pytest.mark.parametrize(("command", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_messages_and_write_nothing(
    command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().iterdir())

    assert main(command) == 2

    assert capsys.readouterr().err.startswith(message)
    assert sorted(Path().iterdir()) == before


def test_a_preset_and_a_folder_are_of_a_graph(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "photos", "--model", "efficientdet_d0", "--preset", "d1", "-o", "out"]) == 2

    assert capsys.readouterr().err == "fpngraph detect: --preset is for a graph\n  hint: add --graph GRAPH\n"


def test_a_graph_in_a_detector_is_told_of_by_the_command_that_was_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(name: str, **_: Any) -> None:
        warnings.warn(efficientdet.UnmatchedWarning(f"{name}: match=True or match=False"), stacklevel=2)

    def load(*_: object) -> None:
        raise efficientdet.ConfigError("no more of it")

    monkeypatch.setattr(efficientdet, "create", create)
    monkeypatch.setattr(detectors, "_load", load)
    typed = ["export", "mine.yaml", "--model", "efficientdet_d0", "--weights", "mine.pth", "-o", "d.onnx"]
    torch.save({}, "mine.pth")

    assert main(typed) == 2

    assert capsys.readouterr().err == (
        "fpngraph export: warning: efficientdet_d0: --match or --no-match\nfpngraph export: no more of it\n"
    )
    assert main(["export", "--model", "efficientdet_d0", "--match", "-o", "d.onnx"]) == 2
    assert capsys.readouterr().err == (
        "fpngraph export: --match and --no-match are for a graph file\n  hint: name its GRAPH, with --model NAME\n"
    )


@pytest.mark.slow
@pytest.mark.exports
def test_a_backbone_is_written_with_its_neck(capsys: pytest.CaptureFixture[str]) -> None:
    import fpngraph

    pyramid = fpngraph.FeaturePyramid("test_efficientnet", fpngraph.load("fpn", channels=8)).eval()
    torch.save(pyramid.state_dict(), "state.pt")
    command = ["export", "fpn", "-p", "channels=8", "--backbone", "test_efficientnet", "--with-backbone"]

    assert main([*command, "--weights", "state.pt", "--image-size", "96", "-o", "pyramid.pt2"]) == 0

    assert "it takes any number of images whose sides are " in capsys.readouterr().out
    image = torch.randn(2, 3, 123, 147)
    found = torch.export.load("pyramid.pt2").module()(image)
    torch.testing.assert_close(dict(found), dict(pyramid(image)), rtol=1e-4, atol=1e-4)
