"""What every importer gives is one shape, and docs/api/importers.md shows what to do with it."""

from __future__ import annotations

from pathlib import Path

import pytest

import fpngraph
from fpngraph import importers
from tests.pages import run_page


@pytest.mark.filterwarnings("ignore::FutureWarning:torch")
def test_the_example_of_the_page_runs_and_prints_what_is_shown(workshop: Path) -> None:
    run_page("api/importers.md")


@pytest.mark.parametrize("name", ["from_effdet", "from_ultralytics", "from_mmdet", "from_detectron2"])
def test_a_file_that_is_not_there_is_a_graph_error(name: str) -> None:
    with pytest.raises(fpngraph.GraphError) as caught:
        getattr(importers, name)("gone.yaml")

    assert str(caught.value) == "cannot read 'gone.yaml': No such file or directory [unreadable-file]"
