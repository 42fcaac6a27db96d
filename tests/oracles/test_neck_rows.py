"""``tools/neck_rows.py`` shows the parts of a neck as a table of weights needs them."""

from __future__ import annotations

import pytest
import torch

from tests.oracles.references import torchvision
from tests.oracles.references.every import NECKS
from tools.neck_rows import show


def test_every_part_is_shown_with_its_channels_and_every_entry_with_its_shape(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show("torchvision", torchvision.max_pooled({4: 6, 5: 8}, 4), entries=True)

    assert capsys.readouterr().out == (
        "torchvision: C4 6, C5 8 -> P4 4, P5 4, P6 4, 8 entries\n"
        "inner_blocks.0           6 -> 4  Conv2dNormActivation, 2 entries\n"
        "    inner_blocks.0.0.weight (4, 6, 1, 1)\n"
        "    inner_blocks.0.0.bias (4,)\n"
        "inner_blocks.1           8 -> 4  Conv2dNormActivation, 2 entries\n"
        "    inner_blocks.1.0.weight (4, 8, 1, 1)\n"
        "    inner_blocks.1.0.bias (4,)\n"
        "layer_blocks.0           4 -> 4  Conv2dNormActivation, 2 entries\n"
        "    layer_blocks.0.0.weight (4, 4, 3, 3)\n"
        "    layer_blocks.0.0.bias (4,)\n"
        "layer_blocks.1           4 -> 4  Conv2dNormActivation, 2 entries\n"
        "    layer_blocks.1.0.weight (4, 4, 3, 3)\n"
        "    layer_blocks.1.0.bias (4,)\n"
        "extra_blocks             4+4+6+8 -> 4+4+4  LastLevelMaxPool, 0 entries\n"
    )


def test_rows_of_a_model_are_shown_with_what_they_read(capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)

    show("yolov8n", NECKS["yolov8n"](), entries=False)

    assert capsys.readouterr().out == (
        "yolov8n: C3 64, C4 128, C5 256 -> P3 64, P4 128, P5 256, 108 entries\n"
        "model.10                 256 -> 256  from [9], nn.Upsample ['None', 2, 'nearest'], 0 entries\n"
        "model.11                 256+128 -> 384  from [10, 6], Concat [1], 0 entries\n"
        "model.12                 384 -> 128  from [11], C2f [512], 24 entries\n"
        "model.13                 128 -> 128  from [12], nn.Upsample ['None', 2, 'nearest'], 0 entries\n"
        "model.14                 128+64 -> 192  from [13, 4], Concat [1], 0 entries\n"
        "model.15                 192 -> 64  from [14], C2f [256], 24 entries\n"
        "model.16                 64 -> 64  from [15], Conv [256, 3, 2], 6 entries\n"
        "model.17                 64+128 -> 192  from [16, 12], Concat [1], 0 entries\n"
        "model.18                 192 -> 128  from [17], C2f [512], 24 entries\n"
        "model.19                 128 -> 128  from [18], Conv [512, 3, 2], 6 entries\n"
        "model.20                 128+256 -> 384  from [19, 9], Concat [1], 0 entries\n"
        "model.21                 384 -> 256  from [20], C2f [1024], 24 entries\n"
    )
