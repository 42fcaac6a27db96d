"""A training as a process of its own is asked for what the sweep is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fpngraph.cli.commands.train import of_detector, of_settings
from fpngraph.cli.launching import launch, train_command
from fpngraph.cli.parser import parser
from fpngraph.cli.starting import Start
from fpngraph.cli.values import UsageError


def test_what_is_typed_for_a_training_is_read_as_it_was_meant() -> None:
    start = Start(
        model="efficientdet_d1",
        graph="my.yaml",
        preset="small",
        params={"channels": 16, "op": ["act", {"conv": {"bias": True}}], "norm": None},
        backbone="resnet18",
        pretrained=False,
        weights="a b.ckpt",
        image_size=(64, 96),
        lean=True,
    )
    asked = {"epochs": 2, "lr": 1e-05, "precision": "bf16-mixed", "freeze_norms": True, "seed": -1}
    data = (Path("train"), Path("train.json")), (Path("val"), Path("val.json"))

    command = train_command(
        data, start, Path("runs/a"), {**asked, "devices": 2, "pictures": "none"}, skip_bad=True, imports=["own"]
    )

    args = parser().parse_args(command)
    assert Start(graph=args.graph, preset=args.preset, params=dict(args.params), **of_detector(args)) == start
    assert of_settings(args) == asked
    assert (args.train, args.val) == (["train", "train.json"], ["val", "val.json"])
    assert (args.output, args.devices, args.imports) == ("runs/a", 2, ["own"])
    assert args.pictures is None
    assert args.skip_bad
    assert args.resume


def test_a_training_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")

    with pytest.raises(UsageError, match="its training ended with status 1"):
        launch(["train"])
