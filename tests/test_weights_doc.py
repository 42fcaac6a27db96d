"""docs/weights.md: its examples run and print what is shown, and its tables are those of the code."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from fpngraph.cli.main import main
from fpngraph.weights.tables import Names, Table, read_table, shipped_tables

PAGE = (Path(__file__).parents[1] / "docs" / "weights.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, re.S)


def test_examples_run_in_order_and_print_what_is_shown(workshop: Path) -> None:
    namespace: dict[str, Any] = {}
    torch.manual_seed(0)
    for code, text in EXAMPLES:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, "docs/weights.md", "exec"), namespace)
        assert output.getvalue() == text


def rows(header: str) -> list[str]:
    """The first cells of the table under this header, without quotes."""
    table = PAGE.partition(f"\n{header}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [row.strip("|").split("|")[0].strip().strip("`") for row in table]


def yaml_after(heading: str) -> str:
    """The first example of YAML under this heading."""
    return re.findall(r"```yaml\n(.*?)```", PAGE.partition(f"\n{heading}\n")[2], re.S)[0]


def test_every_source_is_listed() -> None:
    assert sorted(rows("| source | graphs |")) == sorted({table.source for table in shipped_tables()})


def test_every_key_of_a_table_is_listed_and_its_example_is_one(tmp_path: Path) -> None:
    fields = [name for model in (Table, Names) for name in model.model_fields]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml_after("## Tables of names"))

    assert sorted(rows("| key | meaning |")) == sorted(name.removesuffix("_") for name in fields)
    assert read_table(path).source == "mine"


CONFIGURATIONS = {
    "retinanet_r50_fpn_1x_coco.py": "model = dict(backbone=dict(type='ResNet'), neck=dict(type='FPN', "
    "in_channels=[256, 512, 1024, 2048], out_channels=256, start_level=1, add_extra_convs='on_input', num_outs=5))",
    "retinanet_R_50_FPN_1x.yaml": "MODEL: {BACKBONE: {NAME: build_retinanet_resnet_fpn_backbone}, "
    "FPN: {IN_FEATURES: [res3, res4, res5]}}",
    "config.json": '{"model_type": "rt_detr"}',
}
"""What stands in the files of other libraries."""


@pytest.mark.parametrize("command", re.findall(r"^    fpngraph (convert .*)$", PAGE, re.M))
def test_every_command_is_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml_after("## A model file as a graph: `fpngraph convert`"))
    for name, text in CONFIGURATIONS.items():
        Path(name).write_text(text)
    arguments = command.split()
    output = tmp_path / arguments.pop()
    if "ultralytics" in arguments:
        with pytest.raises(SystemExit):
            main([*arguments, str(output), "--help"])
        return
    assert main([*arguments, str(output)]) == 0
    files = [output] if "model" in arguments else [output, output.with_suffix(".weights.yaml")]
    assert capsys.readouterr().out == "".join(f"wrote {file}\n" for file in files)
