"""Files that are no whole checkpoint of a training are messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from fpngraph.detection import Category
from fpngraph.training import read_saved
from fpngraph.training.saved import NotSavedError, entry

ENTRY = entry({"name": "a"}, [Category(3, "cat")], {})
STATE = {"model.a": torch.ones(1), "other": torch.ones(1)}


def test_what_entry_gives_is_read(tmp_path: Path) -> None:
    torch.save({"fpngraph": ENTRY, "state_dict": STATE}, tmp_path / "a.ckpt")

    saved = read_saved(tmp_path / "a.ckpt")

    assert (saved.recipe, saved.categories, list(saved.state)) == ({"name": "a"}, (Category(3, "cat"),), ["a"])


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": STATE},
        {"fpngraph": 1, "state_dict": STATE},
        {"fpngraph": ENTRY | {"version": 2}, "state_dict": STATE},
        {"fpngraph": ENTRY | {"model": None}, "state_dict": STATE},
        {"fpngraph": ENTRY | {"categories": [[3]]}, "state_dict": STATE},
        {"fpngraph": ENTRY | {"categories": 3}, "state_dict": STATE},
        {"fpngraph": ENTRY},
        {"fpngraph": ENTRY, "state_dict": [1]},
    ],
    ids=["plain", "entry", "version", "model", "category", "categories", "no weights", "weights"],
)
def test_a_checkpoint_that_lacks_something_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.ckpt")

    with pytest.raises(NotSavedError, match=r"a.ckpt' is no checkpoint of a training of fpngraph$"):
        read_saved(tmp_path / "a.ckpt")
