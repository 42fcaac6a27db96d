"""docs/deploy.md: its commands run one after the other on a tiny set, and its Python prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from fpngraph.cli.main import main
from fpngraph.detection.coco import numbered
from tests.cli.deploying import write_checkpoint
from tests.pages import DOCS
from tests.test_training_doc import matches

pytestmark = [pytest.mark.slow, pytest.mark.exports, pytest.mark.filterwarnings("ignore")]  # of what quantises
PAGE = (DOCS / "deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(console|python|text)\n(.*?)```\n", PAGE, re.S)


def test_every_block_is_an_example() -> None:
    assert PAGE.count("\n```") == 2 * len(BLOCKS)


def test_the_page_says_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: it has the digits")
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx', which 'dev' has")
    from tools.canvases import write

    write(tmp_path, train=4, val=3)
    write_checkpoint(tmp_path / "best.ckpt", numbered("0123456789"))
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    expected = ""
    for kind, text in BLOCKS:
        if kind == "console":
            for part in text.removeprefix("$ fpngraph ").split("\n$ fpngraph "):
                command, _, said = part.partition("\n")
                assert main(shlex.split(command)) == 0
                output = capsys.readouterr()
                assert matches(said, output.out), (output, said)
        elif kind == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(text, "docs/deploy.md", "exec"), namespace)
            expected = printed.getvalue()
        else:
            assert text == expected
