"""What a format needs that does not come with the package itself."""

from __future__ import annotations

from fpngraph.errors import Refusal

EXTRAS = {"png": "resvg_py", "pdf": "reportlab"}
"""The optional part of the package that brings a format to the package that the format needs."""


class MissingExtra(Refusal, ImportError):
    """A format cannot be written, because the package that does it is not installed."""

    def __init__(self, extra: str) -> None:
        package = EXTRAS[extra]
        text = f"{extra.upper()} is written by the package {package!r}, which is not installed"
        super().__init__(f"{text}\n  hint: pip install 'fpngraph[{extra}]'", name=package)
