"""Paths with a slip, and files that cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from fpngraph.language.yaml import source
from tests.cli.refusing import said

GONE = "No such file or directory"
IMAGE = ["--model", "efficientdet_d0", "-o", "out"]
ONE = {
    "images": [{"id": 1, "file_name": "cat.png", "width": 8, "height": 8}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4], "area": 16, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "cat"}],
}
SLIPS = {
    "a graph": (
        ["show", "my_nek.yaml"],
        f"fpngraph show: cannot read 'my_nek.yaml': {GONE} [unreadable-file]\n  hint: did you mean 'my_neck.yaml'?\n",
    ),
    "a graph without its ending": (
        ["show", "my_neck"],
        "fpngraph show: there is no graph named 'my_neck' [unknown-graph]\n"
        "  hint: did you mean the file 'my_neck.yaml'?\n",
    ),
    "a graph that another uses": (
        ["show", "user.yaml"],
        f"user.yaml:4:21: cannot read 'my_nek.yaml': {GONE} [unreadable-file]\n"
        "  4 | stages: {all: {use: my_nek.yaml, inputs: {C3: C3}}}\n"
        "    |                     ^^^^^^^^^^^\n"
        "  hint: did you mean 'my_neck.yaml'?\n",
    ),
    "a folder of graphs": (
        ["show", "fpn", "--graphs", "fotos"],
        "fpngraph show: argument --graphs: 'fotos' is no folder\n  hint: did you mean 'photos'?\n",
    ),
    "an image": (
        ["detect", "photos/catt.png", *IMAGE],
        "fpngraph detect: 'photos/catt.png': there is no such file\n  hint: did you mean 'photos/cat.png'?\n",
    ),
    "a folder of images": (
        ["detect", "fotos", *IMAGE],
        "fpngraph detect: 'fotos': there is no such file\n  hint: did you mean 'photos'?\n",
    ),
    "weights": (
        ["detect", "photos", "--weights", "bset.ckpt", "-o", "out"],
        f"fpngraph detect: 'bset.ckpt': {GONE}\n  hint: did you mean 'best.ckpt'?\n",
    ),
    "labels": (
        ["detect", "photos", "--labels", "name.txt", *IMAGE],
        f"fpngraph detect: 'name.txt': {GONE}\n  hint: did you mean 'names.txt'?\n",
    ),
    "results": (
        ["evaluate", "--val", "photos", "one.json", "--results", "an.json"],
        f"fpngraph evaluate: 'an.json': {GONE}\n  hint: did you mean 'ann.json'?\n",
    ),
    "annotations to learn from": (
        ["train", "--train", "photos", "an.json", "--val", "photos", "ann.json", "-o", "run"],
        f"fpngraph train: the data cannot be trained on:\nan.json: {GONE}\n  hint: did you mean 'ann.json'?\n",
    ),
    "images to learn from": (
        ["train", "--train", "fotos", "empty.json", "--val", "photos", "ann.json", "-o", "run"],
        "fpngraph train: the data cannot be trained on:\n"
        "fotos: there is no such folder\n  hint: did you mean 'photos'?\n",
    ),
    "a configuration of another library": (
        ["convert", "mmdet", "confg.py"],
        f"fpngraph convert: cannot read 'confg.py': {GONE} [unreadable-file]\n  hint: did you mean 'config.py'?\n",
    ),
    "a folder for what is written": (
        ["new", "fpn", "-o", "fotos/my.yaml"],
        "fpngraph new: cannot write 'fotos/my.yaml': there is no such folder\n  hint: did you mean 'photos'?\n",
    ),
}
USER = """\
fpngraph: 1
name: user
inputs: {C3: 3}
stages: {all: {use: my_nek.yaml, inputs: {C3: C3}}}
outputs: {P3: C3}
"""


@pytest.mark.parametrize(("command", "message"), SLIPS.values(), ids=SLIPS)
def test_a_path_with_a_slip_is_answered_with_the_one_that_is_near(
    command: list[str], message: str, workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photos").mkdir()
    for name in ("my_neck.yaml", "best.ckpt", "names.txt", "ann.json", "config.py"):
        Path(name).touch()
    Path("user.yaml").write_text(USER)
    Path("one.json").write_text(json.dumps(ONE))
    Path("empty.json").write_text('{"images": [], "annotations": [], "categories": []}')
    Image.new("RGB", (8, 8)).save("photos/cat.png")

    assert said(capsys, *command) == message


UNREADABLE = {
    "show": "cannot read 'it.yaml': Permission denied [unreadable-file]",
    "render": "cannot read 'it.yaml': Permission denied [unreadable-file]",
    "expand": "cannot read 'it.yaml': Permission denied [unreadable-file]",
    "diff": "cannot read 'it.yaml': Permission denied [unreadable-file]",
    "convert": "cannot read 'it.yaml': Permission denied [unreadable-file]",
}
MORE = {"diff": ["it.yaml", "fpn"], "convert": ["ultralytics", "it.yaml"]}


@pytest.mark.parametrize(("command", "message"), UNREADABLE.items(), ids=UNREADABLE)
def test_a_graph_that_nobody_may_read_is_told_in_a_line(
    command: str, message: str, workshop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("it.yaml").touch()
    monkeypatch.setattr(source, "_bytes", denied)

    assert said(capsys, command, *MORE.get(command, ["it.yaml"])) == f"fpngraph {command}: {message}\n"


@pytest.mark.parametrize(
    "command",
    [
        ["detect", "photos", *IMAGE],
        ["detect", "a.png", "--labels", "photos", *IMAGE],
        ["train", "--train", "photos", "ann.json", "--val", "photos", "ann.json", "-o", "run"],
        ["evaluate", "--val", "photos", "ann.json", "--results", "ann.json"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_data_that_nobody_may_read_are_told_in_a_line(
    command: list[str], workshop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("photos").mkdir()
    Path("ann.json").touch()
    Image.new("RGB", (8, 8)).save("a.png")
    for name in ("iterdir", "read_bytes", "read_text"):
        monkeypatch.setattr(Path, name, denied)

    printed = said(capsys, *command)

    assert printed.endswith(": Permission denied\n")
    assert printed.count("\n") <= 2


def denied(path: object, *_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied", os.fspath(path))  # type: ignore[call-overload]  # a descriptor is no path
