"""The forms that there are, by name and by the ending of a file."""

from __future__ import annotations

from collections.abc import Callable

from fpngraph.errors import nearest
from fpngraph.exporting import onnx, torch_export
from fpngraph.exporting.program import ExportError, Program, Traced

_WRITERS: dict[str, Callable[[Traced, int | None], Program]] = {
    "onnx": onnx.written,
    "torch-export": torch_export.written,
}
FORMS = tuple(_WRITERS)


def written(form: str, traced: Traced, opset: int | None) -> Program:
    """The program in a form. Raises ExportError for an opset that it cannot have."""
    return _WRITERS[form](traced, opset)


def check_form(form: str) -> None:
    """Raises ValueError for a form that does not exist, ExportError where a package for it is missing or too old."""
    if form not in FORMS:
        raise ValueError(f"there is no form {form!r}\n  hint: {nearest(form, FORMS)}")
    if too_old := torch_export.torch_is_too_old():
        raise ExportError(too_old)
    if form == "onnx" and (missing := onnx.missing_package()):
        text = f"ONNX needs the package {missing!r}, which is not installed"
        raise ExportError(f"{text}\n  hint: pip install 'fpngraph[onnx]'")
