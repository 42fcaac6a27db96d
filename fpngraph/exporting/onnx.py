"""Models of ONNX: of exported programs, and of any module for maps of one size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from fpngraph.exporting import suppression
from fpngraph.exporting.program import ExportError, Program, Traced

KEY = "fpngraph"
"""Of the description of a program in its file."""
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_BEYOND = 64  # versions of ONNX's operators


def missing_package() -> str | None:
    """A package that is needed and not installed."""
    return next((package for package in _PACKAGES if find_spec(package) is None), None)


def model_of(exported: Any, *arguments: Any, **settings: Any) -> Any:
    """ONNX's model of a module that is called with ``arguments``, or of an exported program."""
    made: Any = torch.onnx.export(exported, arguments, dynamo=True, verbose=False, **settings)
    return made.model_proto


def session_of(content: bytes, *, threads: int | None = None, providers: Sequence[str] = ()) -> Any:
    """What runs a model, on the processor unless providers of ONNX Runtime are named."""
    import onnxruntime  # type: ignore[import-untyped]  # it has no hints

    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, options, [*providers, "CPUExecutionProvider"])


def written(traced: Traced, opset: int | None) -> Program:
    """The program as a model. Raises ExportError for an opset that torch cannot write."""
    inputs = traced.inputs
    while set(inputs) & set(traced.outputs):  # in ONNX a name stands for one value
        inputs = tuple(f"{name}_in" for name in inputs)

    def attempt(opset: int | None) -> tuple[Any, int]:
        """A model, and the opset that it has, which is torch's own where the wanted one cannot be written."""
        model = model_of(
            traced.program,
            input_names=list(inputs),
            output_names=list(traced.outputs),
            opset_version=opset,
            dynamic_shapes=traced.dynamic_shapes,
            custom_translation_table=suppression.translations(),
        )
        return model, next(entry.version for entry in model.opset_import if not entry.domain)

    model, found = attempt(opset)
    if opset is not None and opset != found:
        nearest = _nearest(lambda version: attempt(version)[1] == version, opset, found)
        raise ExportError(f"opset {opset} cannot be written, but {nearest} can")
    if traced.description is not None:
        model.metadata_props.add(key=KEY, value=traced.description)
    content: bytes = model.SerializeToString()
    return Program(content, inputs, len(model.graph.node), run_of(content, inputs))


def operators_in(content: bytes) -> int:
    """Nodes of a model."""
    import onnx

    return len(onnx.load_model_from_string(content).graph.node)


def run_of(content: bytes, inputs: Sequence[str]) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """What a model gives of tensors, in the order of its inputs."""
    session = session_of(content)

    def run(given: Sequence[Tensor]) -> list[Tensor]:
        results = session.run(None, {name: x.numpy() for name, x in zip(inputs, given, strict=True)})
        return [torch.from_numpy(result) for result in results]

    return run


def _nearest(works: Callable[[int], bool], wanted: int, known: int) -> int:
    """The number nearest to ``wanted`` that works, where ``known`` does and it is left step by step."""
    fails = min(wanted, _BEYOND)
    while abs(known - fails) > 1:
        middle = (known + fails) // 2
        known, fails = (middle, fails) if works(middle) else (known, middle)
    return known
