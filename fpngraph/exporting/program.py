"""What goes into every form of export, and what comes out: the content of a file, and a way to run what is in it."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from fpngraph.errors import Refusal, first_line

Run = Callable[[Sequence[Tensor]], Sequence[Tensor]]
Progress = Callable[[str], object]
"""Is told of each stage when it begins: tracing, writing, comparing."""


class ExportError(Refusal, ValueError):
    """A module cannot be written as it was asked for."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A program of torch, and what a file says of it."""

    program: torch.export.ExportedProgram
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dynamic_shapes: Any
    """As it was traced with."""
    arguments: Callable[[Sequence[Tensor]], tuple[Any, ...]] = tuple
    """What it is called with, of its inputs."""
    description: str | None = None
    """A text that goes into the file."""


@dataclass(frozen=True, slots=True)
class Program:
    """The content of a file, and what it holds."""

    content: bytes = field(repr=False)
    inputs: tuple[str, ...]
    """What the program calls its inputs, in the order of the module's."""
    operators: int
    run: Run
    """What the content gives, loaded again."""


def unheard(_stage: str) -> None:
    """Progress that nobody wants to hear of."""


def check_tensors(module: nn.Module, what: str) -> None:
    """Raises ExportError where a tensor of the module holds no numbers, or values that are none."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    if on_meta := [name for name, x in tensors if x.is_meta]:
        more = f" and {len(on_meta) - 1} more" if len(on_meta) > 1 else ""
        raise ExportError(
            f"the {what} has no weights yet: on the device meta, without numbers, are {on_meta[0]!r}{more}\n"
            f"  hint: load weights first, with load_state_dict(state, assign=True)"
        )
    if broken := [name for name, x in tensors if x.isnan().any()]:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise ExportError(
            f"the {what} has weights that are no numbers (NaN): {broken[0]!r}{more}\n"
            "  hint: export a checkpoint from before the training diverged"
        )


@contextmanager
def silence() -> Iterator[None]:
    """Nothing of what exporters warn of, log and print, which is for their authors; the result is compared."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable()
        try:
            yield
        finally:
            logging.disable(before)


@contextmanager
def _as_torch_starts() -> Iterator[None]:
    """Without gradients and autocast, float32 on the processor: what the caller has set does not go into a program."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False), torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def refusals(form: str, what: str) -> Iterator[None]:
    """Raises ExportError for whatever torch and ONNX Runtime say of somebody's operator, or of an opset; in silence."""
    with silence(), _as_torch_starts():
        try:
            yield
        except ExportError:
            raise
        except Exception as error:
            cause = error.__cause__ or error  # torch's own says only that the conversion failed
            raise ExportError(f"{form} does not take the {what}: {first_line(cause)}") from error


@contextmanager
def stage(form: str, what: str, progress: Progress, name: str) -> Iterator[None]:
    """As ``refusals``, for a stage that ``progress`` is told of before: what that says or raises is the caller's."""
    progress(name)
    with refusals(form, what):
        yield
