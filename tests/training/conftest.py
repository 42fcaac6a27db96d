"""A few scenes of digits as a data set, and a detector small enough to learn in a test."""

from __future__ import annotations

import pytest

from fpngraph.training import read_coco
from tests.training.small import SMALL, Parts


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: it has the digits")
    from tools.canvases import write

    folder = tmp_path_factory.mktemp("scenes")
    train, val = write(folder, **SMALL)
    return read_coco(folder / "train", train), read_coco(folder / "val", val)
