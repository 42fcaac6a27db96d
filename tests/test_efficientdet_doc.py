"""The page about EfficientDet is run from top to bottom; what it prints must come out."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import effdet
import effdet.config
import effdet.efficientdet
import pytest

PAGE = Path(__file__).parent.parent / "docs" / "efficientdet.md"


@pytest.mark.slow
@pytest.mark.usefixtures("workshop")
def test_the_code_prints_what_the_page_shows() -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    namespace: dict[str, object] = {}
    shown, came = [], []
    for index, (language, text) in enumerate(blocks):
        if language == "python":
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(text, PAGE.name, "exec"), namespace)
            came.append(output.getvalue())
            following = blocks[index + 1] if index + 1 < len(blocks) else ("", "")
            shown.append(following[1] if following[0] == "text" else "")

    assert came == shown


def test_the_names_of_effdet_in_its_table_exist() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## Names in effdet and here")[1].split("\n\n")[1]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`([A-Za-z_]\w*)", row.split("|")[1])}
    arguments = {"conv_after_downsample", "fastattn", "attn", "sum", "fpn_cell_repeats", "fpn_channels", "reset_head"}
    arguments |= {"nodes"}
    parts = {"backbone", "fpn", "class_net", "box_net"}

    homes = (effdet, effdet.config, effdet.config.fpn_config, effdet.efficientdet)
    unknown = {name for name in named - arguments - parts if not any(hasattr(home, name) for home in homes)}
    assert unknown == set()
