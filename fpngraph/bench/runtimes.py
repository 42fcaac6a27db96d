"""A module in the runtimes of others, made ready to be called again and again with the same maps."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from fpngraph.bench.forms import Form
from fpngraph.bench.timing import Call
from fpngraph.errors import first_line
from fpngraph.exporting.onnx import missing_package, model_of, session_of
from fpngraph.exporting.program import silence

Made = tuple[Call, int | None]
"""What is measured, and its nodes."""


def onnx_runtime(name: str, module: nn.Module, maps: Sequence[Tensor]) -> Form:
    """``module`` in ONNX Runtime on the processor, exported for maps of these sizes."""
    return _form(name, maps, missing_package(), "onnx", lambda: _in_onnx_runtime(model_of(module, list(maps)), maps))


def onnx_runtime_dynamic(name: str, module: nn.Module, maps: Sequence[Tensor]) -> Form:
    """The same, exported for every batch and size, as ``fpngraph export`` does it."""

    def make() -> Made:
        examples = [torch.cat([x, x]) for x in maps]  # of a batch of one, torch would make a constant
        opened = dict.fromkeys((0, 2, 3), Dim.DYNAMIC)
        model = model_of(module, examples, dynamic_shapes=([opened] * len(maps),))
        return _in_onnx_runtime(model, maps)

    return _form(name, maps, missing_package(), "onnx", make)


def openvino(name: str, module: nn.Module, maps: Sequence[Tensor]) -> Form:
    """``module`` in OpenVINO on the processor, by its model of ONNX for maps of these sizes. It computes in float32."""
    missing = missing_package() or (None if find_spec("openvino") else "openvino")
    return _form(name, maps, missing, "openvino", lambda: _in_openvino(model_of(module, list(maps)), maps))


def aot_inductor(name: str, module: nn.Module, maps: Sequence[Tensor]) -> Form:
    """``module`` as a package of AOTInductor, compiled ahead for maps of these sizes."""

    def make() -> Made:
        from torch._inductor import aoti_compile_and_package, aoti_load_package  # as torch's manual has them

        # outside of inference mode, in whose tensors the compiler finds no versions
        with torch.inference_mode(False), torch.no_grad():
            program = torch.export.export(module, ([x.clone() for x in maps],))
            with tempfile.TemporaryDirectory() as folder:
                path = aoti_compile_and_package(program, package_path=str(Path(folder) / "neck.pt2"))
                package = aoti_load_package(path)
        return lambda: package(list(maps)), None

    return _form(name, (), None, "", make)


def _in_onnx_runtime(model: Any, maps: Sequence[Tensor]) -> Made:
    session = session_of(model.SerializeToString(), threads=torch.get_num_threads())
    given = {entry.name: x.numpy() for entry, x in zip(session.get_inputs(), maps, strict=True)}
    return lambda: session.run(None, given), len(model.graph.node)


def _in_openvino(model: Any, maps: Sequence[Tensor]) -> Made:
    import openvino as runtime  # type: ignore[import-untyped]  # it has no hints

    core = runtime.Core()
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    try:
        program = core.compile_model(core.read_model(model.SerializeToString()), "CPU", settings)
    except RuntimeError as error:  # whose first lines are places in its source
        raise ValueError(f"it takes no such model: {str(error).strip().splitlines()[-1].lstrip('- ')}") from None
    request, given = program.create_infer_request(), [x.numpy() for x in maps]
    nodes = len(program.get_runtime_model().get_ops())
    return lambda: list(request.infer(given, share_inputs=True).values()), nodes


def _form(name: str, on_processor: Sequence[Tensor], missing: str | None, extra: str, make: Callable[[], Made]) -> Form:
    """What ``make`` gives as a form, or the reason why there is none."""
    if any(x.device.type != "cpu" for x in on_processor):
        return Form(name, None, reason="it is measured on the processor only")
    if missing:
        return Form(name, None, reason=f"the package {missing!r} is not installed; pip install 'fpngraph[{extra}]'")
    try:
        with silence():
            call, nodes = make()
            call()
    except Exception as error:  # whatever exporters, compilers and runtimes say of a type or an operator
        return Form(name, None, reason=first_line(error.__cause__ or error))
    return Form(name, call, nodes)
