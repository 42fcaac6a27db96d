"""A neck as a file that other programs run, once what is in it has been run and gives what the neck gives."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim

from fpngraph.compiler.neck import Neck
from fpngraph.errors import first_line, nearest

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
OLDEST_TORCH = (2, 13)
"""The first that leaves every size open which a neck does; 2.8 to 2.10 stop with "Constraints violated"."""
_BEYOND = 64  # versions of ONNX's operators
_TOLERANCE = 1e-4  # of the largest value of an output, in float32

FORMS = ("onnx", "torch-export")
Run = Callable[[Sequence[Tensor]], Sequence[Tensor]]


class ExportError(ValueError):
    """A neck cannot be written as it was asked for."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The content of a file, and what is known of it."""

    content: bytes
    inputs: tuple[str, ...]
    """What the program calls its inputs, in the order of the graph's."""
    operators: int
    difference: float
    """The largest from the neck that was found, relative to the largest value of an output."""
    unfolded: Mapping[str, str]
    """What its inference form has not folded: path in the neck to reason."""


def export(neck: Neck, form: str, *, image_size: tuple[int, int], opset: int | None = None) -> Exported:
    """The neck in eval mode as ``onnx`` or ``torch-export``, traced for images of ``image_size``, height and width.

    Batch and sizes stay open, with two pixels or more at every level. The program is loaded again and run at other
    sizes. Raises ExportError for what cannot be written, or comes out different, and ValueError for another ``form``.
    """
    if form not in FORMS:
        raise ValueError(f"there is no form {form!r}\n  hint: {nearest(form, FORMS)}")
    _check_packages(form)
    neck = copy.deepcopy(neck).eval()
    coarsest = max(_levels(neck))
    least = 2**coarsest + 1
    if min(image_size) < least:
        found = "x".join(map(str, image_size))
        raise ExportError(f"images of {found} pixels have fewer than 2 at level {coarsest}, but {least} a side have 2")
    height, width = image_size
    with silence(), torch.no_grad():
        try:
            fused = neck.fuse()
            program = torch.export.export(fused, (_maps(neck, 2, image_size),), dynamic_shapes=(_dynamic(neck),))
            content, inputs, operators, run = _onnx(neck, program, opset) if form == "onnx" else _torch(neck, program)
            others = ((1, (height + 1, width + 3)), (3, (max(least, height // 2 + 5), max(least, width // 2 - 3))))
            differences = [_difference(neck, run, _maps(neck, batch, size)) for batch, size in others]
        except ExportError:
            raise
        except Exception as error:  # whatever torch and onnxruntime say of somebody's operator, or of an opset
            cause = error.__cause__ or error  # torch's own says only that the conversion failed
            raise ExportError(f"{form} does not take the neck: {first_line(cause)}") from error
    difference = max(differences)
    if not all(found <= _TOLERANCE for found in differences):  # nor a NaN
        raise ExportError(f"what was exported differs from the neck by {difference:.1e}, more than {_TOLERANCE:.0e}")
    return Exported(content, inputs, operators, difference, fused.unfolded)


def torch_is_too_old() -> str | None:
    """Why this torch does not export necks with their sizes left open, if it does not."""
    if tuple(map(int, torch.__version__.split(".")[:2])) >= OLDEST_TORCH:
        return None
    return f"exports need torch {'.'.join(map(str, OLDEST_TORCH))} or newer, this is {torch.__version__}"


def _check_packages(form: str) -> None:
    if too_old := torch_is_too_old():
        raise ExportError(too_old)
    missing = [package for package in _PACKAGES if form == "onnx" and find_spec(package) is None]
    if missing:
        text = f"ONNX needs the package {missing[0]!r}, which is not installed"
        raise ExportError(f"{text}\n  hint: pip install 'fpngraph[onnx]'")


@contextmanager
def silence() -> Iterator[None]:
    """Nothing of what exporters warn of, log and print, which is for their authors; the result is compared."""
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable()
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _levels(neck: Neck) -> list[int]:
    graph = neck.source_graph
    return [*(entry.level for entry in graph.inputs.values()), *(node.level for node in graph.nodes.values())]


def _maps(neck: Neck, batch: int, image_size: tuple[int, int]) -> list[Tensor]:
    """A random map for each input."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(
            batch, neck.in_channels[name], *(-(-side // 2**entry.level) for side in image_size), generator=generator
        )
        for name, entry in neck.source_graph.inputs.items()
    ]


def _dynamic(neck: Neck) -> list[dict[int, Any]]:
    """The batch is one for all inputs; maps of one level have one size, which no other level decides."""
    batch, coarsest = Dim("batch"), max(_levels(neck))
    sides = {
        level: {
            axis: Dim(f"{side}{level}", min=2 ** (coarsest - level) + 1) for axis, side in ((2, "height"), (3, "width"))
        }
        for level in {entry.level for entry in neck.source_graph.inputs.values()}
    }
    return [{0: batch} | sides[entry.level] for entry in neck.source_graph.inputs.values()]


def _torch(neck: Neck, program: torch.export.ExportedProgram) -> tuple[bytes, tuple[str, ...], int, Run]:
    file = io.BytesIO()
    torch.export.save(program, file)
    content = file.getvalue()
    loaded = torch.export.load(io.BytesIO(content))
    operators = sum(node.op == "call_function" for node in loaded.graph.nodes)
    module = loaded.module()
    return content, tuple(neck.in_channels), operators, lambda maps: module(list(maps))


def _onnx(
    neck: Neck, program: torch.export.ExportedProgram, opset: int | None
) -> tuple[bytes, tuple[str, ...], int, Run]:
    import onnxruntime  # type: ignore[import-untyped]  # it has no hints

    inputs = tuple(neck.in_channels)
    while set(inputs) & set(neck.out_channels):  # in ONNX a name stands for one value
        inputs = tuple(f"{name}_in" for name in inputs)

    def written(opset: int | None) -> tuple[Any, int]:
        """A model, and the opset that it has, which is torch's own where the wanted one cannot be written."""
        model: Any = torch.onnx.export(
            program,
            input_names=list(inputs),
            output_names=list(neck.out_channels),
            opset_version=opset,
            dynamic_shapes=(_dynamic(neck),),
            dynamo=True,
            verbose=False,
        )
        proto = model.model_proto
        return proto, next(entry.version for entry in proto.opset_import if not entry.domain)

    model, found = written(opset)
    if opset is not None and opset != found:
        nearest = _nearest(lambda version: written(version)[1] == version, opset, found)
        raise ExportError(f"opset {opset} cannot be written, but {nearest} can")
    content: bytes = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(maps: Sequence[Tensor]) -> list[Tensor]:
        results = session.run(None, {name: x.numpy() for name, x in zip(inputs, maps, strict=True)})
        return [torch.from_numpy(result) for result in results]

    return content, inputs, len(model.graph.node), run


def _nearest(works: Callable[[int], bool], wanted: int, known: int) -> int:
    """The number nearest to ``wanted`` that works, where ``known`` does and it is left step by step."""
    fails = min(wanted, _BEYOND)
    while abs(known - fails) > 1:
        middle = (known + fails) // 2
        known, fails = (middle, fails) if works(middle) else (known, middle)
    return known


def _difference(neck: Neck, run: Run, maps: Sequence[Tensor]) -> float:
    """The largest difference from what the neck gives, relative to the largest value of its output."""
    pairs = zip(run(maps), neck(maps), strict=True)
    tiny = torch.finfo(torch.float32).tiny  # for an output of zeros only
    return float(
        torch.stack([(found - wanted).abs().max() / (wanted.abs().max() + tiny) for found, wanted in pairs]).max()
    )
