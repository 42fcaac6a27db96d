"""What a detector starts with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fpngraph.cli.starting import Start
from fpngraph.cli.values import UsageError
from fpngraph.detection import Category
from fpngraph.training.saved import KEY, entry
from tests.training.small import detector


def test_weights_of_which_none_fits_are_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "other.ckpt")
    torch.save({KEY: entry({}, [Category(1, "a")], {}), "state_dict": {"model.other.weight": torch.ones(1)}}, path)
    start = Start(
        model="efficientdet_d0",
        graph=None,
        preset=None,
        params={},
        backbone=None,
        pretrained=False,
        weights=path,
        image_size=None,
        lean=False,
    )

    with pytest.raises(UsageError, match=r"nothing in '.*other.ckpt' fits the detector: 0 taken; \d+ missing"):
        start.load(detector())
