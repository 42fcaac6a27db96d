"""Windows that a map is taken down with."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from fpngraph.feature import PaddingRule
from fpngraph.ops.base import Site

Kernel = PositiveInt | Literal["ratio"]


def side(kernel: Kernel, site: Site) -> int:
    """A window's side in pixels."""
    return site.ratio if kernel == "ratio" else kernel


def padding_rule(kernel: Kernel | None, site: Site) -> PaddingRule:
    """Windows of the ratio lie side by side from the first pixel on; only the last one may reach beyond the map."""
    return "after" if kernel == "ratio" else site.padding
