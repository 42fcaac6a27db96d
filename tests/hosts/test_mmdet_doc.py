"""docs/hosts/mmdet.md: its files are written, its examples run and print what is shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import fpngraph
from fpngraph.library import shipped
from tests.hosts.mmdets import mmdet
from tests.pages import DOCS, examples, run_page

pytestmark = pytest.mark.hosts

PAGE = DOCS / "hosts" / "mmdet.md"
# In place of what mmengine asks for installed packages, which newer versions of setuptools do not have.
RESOURCES = """\
class DistributionNotFound(Exception): ...

def get_distribution(name): raise DistributionNotFound(name)
"""


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    with mmdet():
        yield


def test_the_page_runs_beside_the_files_that_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if find_spec("pkg_resources") is None:
        (tmp_path / "replaced").mkdir()
        (tmp_path / "replaced" / "pkg_resources.py").write_text(RESOURCES)
        monkeypatch.syspath_prepend(tmp_path / "replaced")
    for _, code, _ in examples(PAGE.read_text(encoding="utf-8")):
        if name := re.match(r"# (\w+\.py)\n", code):
            Path(name[1]).write_text(code)

    try:
        run_page("hosts/mmdet.md")
    finally:
        if getattr(sys.modules.get("pkg_resources"), "__file__", "").startswith(str(tmp_path)):
            del sys.modules["pkg_resources"]


@pytest.mark.parametrize("name", shipped())
def test_no_shipped_graph_has_anything_between_a_convolution_and_the_next_norm(name: str) -> None:
    from torch import device, nn
    from torch.nn.modules.batchnorm import _BatchNorm

    graph = fpngraph.load(name)
    with device("meta"):
        neck = fpngraph.build(graph, [64] * len(graph.inputs))

    for module in neck.modules():
        between: list[nn.Module] | None = None  # what follows a convolution whose norm has not come yet
        for part in module.children():
            if isinstance(part, nn.Conv2d):
                between = []
            elif isinstance(part, _BatchNorm):
                assert not between
                between = None
            elif between is not None:
                between.append(part)
