"""Detectors of checkpoints that somebody has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fpngraph.cli.detectors import trained
from fpngraph.weights.state import StateError
from tests.cli.deploying import write_checkpoint


def test_tensors_that_are_not_those_of_the_recipe_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    write_checkpoint(path)
    saved = torch.load(path, weights_only=False)
    name = next(iter(saved["state_dict"]))
    del saved["state_dict"][name]
    torch.save(saved, path)

    with pytest.raises(StateError) as refused:
        trained(str(path))

    assert str(refused.value).startswith(f"{str(path)!r} does not fit its own recipe")
    assert name.removeprefix("model.") in str(refused.value)
