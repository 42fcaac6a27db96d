"""docs/plugins.md: its examples run, and its table of families is what timm's models do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import timm
import torch
from packaging.version import Version

from fpngraph.pyramid.backbone import BackboneError, create_backbone, feature_maps, map_channels
from tests.pages import DOCS, run_page

PAGE = (DOCS / "plugins.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_examples_run_in_order_and_print_what_is_shown() -> None:
    run_page("plugins.md")


def rows(header: str) -> list[tuple[str, ...]]:
    """The rows of the page's table under this header."""
    table = PAGE.partition(f"\n{header}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [tuple(cell.strip().strip("`") for cell in row.strip("|").split("|")) for row in table]


FAMILIES = rows("| Family | Model | Strides | Image sizes |")
REFUSED = rows("| Family | Model | Strides |")
# By the table's words: an image, how the model is made for it, and an image that the model does not take.
SIZES: Mapping[str, tuple[tuple[int, int], dict[str, Any], tuple[int, int] | None]] = {
    "any": ((72, 104), {}, None),
    "multiples of 32": ((64, 96), {}, (72, 104)),
    "img_size": ((256, 192), {"img_size": (256, 192)}, (64, 96)),
    "img_size, or any with strict_img_size=False": ((72, 104), {"strict_img_size": False}, None),
    "224x224": ((224, 224), {}, (64, 96)),
}

TRIED = re.findall(r"One model of each in timm ([\d.]+),", PAGE)[0]
with_timm = pytest.mark.skipif(
    Version(timm.__version__) < Version(TRIED), reason=f"the page's families are those of timm {TRIED} or newer"
)


@pytest.mark.slow
@with_timm
@pytest.mark.parametrize(("model", "strides", "sizes"), [row[1:] for row in FAMILIES], ids=[row[0] for row in FAMILIES])
def test_a_family_gives_maps_of_its_strides_for_these_images(model: str, strides: str, sizes: str) -> None:
    levels = [stride.bit_length() - 1 for stride in map(int, strides.split(", ")) if stride >= 4]
    image, arguments, refused = SIZES[sizes.replace("`", "")]

    with torch.device("meta"), torch.no_grad():  # shapes alone
        backbone = create_backbone(model, levels, **arguments).eval()
        maps = feature_maps(backbone, torch.empty(2, 3, *image))
        if refused:
            with pytest.raises((AssertionError, RuntimeError)):
                feature_maps(backbone, torch.empty(2, 3, *refused))

    assert [x.shape[:2] for x in maps] == [(2, channels) for channels in map_channels(backbone)]
    patch = 2 if model.startswith("mobilevitv2") else 1  # it resizes its maps to patches of 2x2
    for level, x in zip(levels, maps, strict=True):
        for side, pixels in zip(x.shape[2:], image, strict=True):
            assert abs(side - pixels / 2**level) < patch


@with_timm
@pytest.mark.parametrize(("model", "strides"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_family_without_levels_is_refused_with_its_strides(model: str, strides: str) -> None:
    with pytest.raises(BackboneError) as caught:
        create_backbone(model, [3])

    message = str(caught.value)
    assert message.startswith(f"model {model!r} has no level 3 (stride 8); ")
    assert message.endswith(f" {strides}")
