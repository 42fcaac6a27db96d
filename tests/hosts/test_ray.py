"""Ray Tune runs trials of ``fit``, as docs/training.md shows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fpngraph.training import read_saved
from tests.pages import DOCS
from tests.training.small import SMALL

pytestmark = [pytest.mark.hosts, pytest.mark.filterwarnings("ignore")]  # Ray and Lightning warn of much
pytest.importorskip("ray", reason="ray is not installed: 'make test-hosts' has it")
PAGE = (DOCS / "training.md").read_text(encoding="utf-8")


def test_two_trials_of_the_page_are_trainings_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: it has the digits")
    import ray

    from tools.canvases import write

    write(tmp_path, **SMALL)
    graph, code = (
        next(text for text in re.findall(rf"```{kind}\n(.*?)```\n", PAGE, re.S) if begin in text)
        for kind, begin in (("yaml", "fpngraph: 1"), ("python", "from ray import tune"))
    )
    (tmp_path / "my.yaml").write_text(graph, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        exec(compile(code, "docs/training.md", "exec"), namespace)
    finally:
        ray.shutdown()

    results = namespace["results"]
    assert (len(results), results.num_errors) == (2, 0)
    assert sorted(Path(it.config["graph"]).stem for it in results) == ["fpn", "my"]
    assert all(0 <= it.metrics["AP"] <= 1 and it.metrics["training_iteration"] == 2 for it in results)
    for it in results:
        assert read_saved(Path(it.path) / "last.ckpt").recipe["kind"] == "efficientdet"
        assert len((Path(it.path) / "metrics.csv").read_text().splitlines()) == 1 + 2
