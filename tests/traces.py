"""Traces by torch.jit.trace as its users make them, and files of both exporters to ONNX, with batch and sizes open."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fpngraph.exporting.torch_export import torch_is_too_old


def trace(module: nn.Module, *arguments: Any, **settings: Any) -> Any:
    """The traced module, by a trace that torch runs twice and compares, and that warns of nothing in ours.

    Traces made before are not to be called afterwards.
    """
    _forget_traces()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.trace", FutureWarning)
        warnings.filterwarnings("ignore", ".*torch.jit.trace", DeprecationWarning)
        warnings.filterwarnings("ignore", "Encountering a (list|dict) at the output of the tracer")
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning, module=r"torch\.nn")  # in its group norm
        return torch.jit.trace(module, arguments, **settings)


def _forget_traces() -> None:
    """Let go of the code of all traces, which torch keeps for ever: 40 MB of a pyramid, gigabytes of a run of tests."""
    torch._C._jit_clear_class_registry()
    torch.jit._recursive.concrete_type_store = torch.jit._recursive.ConcreteTypeStore()
    torch.jit._state._clear_class_state()


def onnx_session(
    module: nn.Module, arguments: tuple[Any, ...], inputs: Sequence[str], outputs: Sequence[str], *, modern: bool
) -> Any:
    """A session of ONNX Runtime with what one of torch's two exporters writes."""
    import onnxruntime
    from torch.export import Dim

    if modern and (reason := torch_is_too_old()):
        pytest.skip(reason)
    if modern:
        opened = dict.fromkeys((0, 2, 3), Dim.DYNAMIC)
        shapes = tuple([opened] * len(x) if isinstance(x, list) else opened for x in arguments)
        sizes: dict[str, Any] = {"dynamic_shapes": shapes}
    else:
        sizes = {"dynamic_axes": {name: {0: "batch", 2: f"height_{name}", 3: f"width_{name}"} for name in inputs}}
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporters' own old ways
        names = {"input_names": list(inputs), "output_names": list(outputs)}
        torch.onnx.export(module, arguments, file, dynamo=modern, verbose=False, **names, **sizes)
    return onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])


def assert_equal_maps(ours: Sequence[Any], theirs: Sequence[Tensor], tolerance: float) -> None:
    """Maps of equal shapes whose largest difference is within ``tolerance`` of the largest value."""
    assert len(ours) == len(theirs)
    for y, expected in zip(map(torch.as_tensor, ours), theirs, strict=True):
        assert y.shape == expected.shape
        assert (y - expected).abs().max() <= tolerance * expected.abs().max()
