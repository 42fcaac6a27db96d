"""Exported programs of torch."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fpngraph.exporting.program import ExportError, Program, Traced
from fpngraph.exporting.sizes import Sizes, attempts
from fpngraph.feature import Size

DESCRIPTION = "fpngraph.json"
"""The file within the file that has the description of a program."""
OLDEST_TORCH = (2, 13)
"""The first that leaves every size open which a neck does; 2.8 to 2.10 stop with "Constraints violated"."""


def torch_is_too_old() -> str | None:
    """Why this torch does not export necks with their sizes left open, if it does not."""
    if tuple(map(int, torch.__version__.split(".")[:2])) >= OLDEST_TORCH:
        return None
    return f"exports need torch {'.'.join(map(str, OLDEST_TORCH))} or newer, this is {torch.__version__}"


def traced_openly(
    module: nn.Module,
    example: Callable[[int, Size], tuple[Any, ...]],
    shapes: Callable[[Sizes], tuple[Any, ...]],
    *,
    stride: int,
    image_size: Size,
) -> tuple[torch.export.ExportedProgram, Sizes]:
    """The program of a module with sides as open as torch leaves them; ``stride`` is that of its coarsest map.

    ``example`` are its arguments for a number of images of a size, ``shapes`` what torch is told of them.
    """
    failure: Exception | None = None
    for sizes in attempts(stride, image_size):
        size = sizes.near(Size(image_size.height, image_size.width + sizes.multiple))
        try:
            return torch.export.export(module, example(2, size), dynamic_shapes=shapes(sizes)), sizes
        except Exception as error:  # of the type that torch has for it, whatever a backbone does with its sides
            failure = failure or error
    assert failure is not None
    raise failure


def written(traced: Traced, opset: int | None) -> Program:
    """The program as a file of torch. Raises ExportError for an ``opset``, which is ONNX's."""
    if opset is not None:
        raise ExportError("an opset is for ONNX, and torch-export has none")
    file = io.BytesIO()
    described = {} if traced.description is None else {DESCRIPTION: traced.description}
    torch.export.save(traced.program, file, extra_files=described)
    content = file.getvalue()
    loaded = torch.export.load(io.BytesIO(content))
    operators = sum(node.op == "call_function" for node in loaded.graph.nodes)
    module = loaded.module()

    def run(given: Sequence[Tensor]) -> list[Tensor]:
        results = module(*traced.arguments(given))
        return list(results.values() if isinstance(results, Mapping) else results)

    return Program(content, traced.inputs, operators, run)
