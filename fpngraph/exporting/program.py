"""What every form of export gives: the content of a file, and a way to run what is in it."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass

from torch import Tensor

Run = Callable[[Sequence[Tensor]], Sequence[Tensor]]


class ExportError(ValueError):
    """A neck cannot be written as it was asked for."""


@dataclass(frozen=True, slots=True)
class Program:
    """The content of a file, and what it holds."""

    content: bytes
    inputs: tuple[str, ...]
    """What the program calls its inputs, in the order of the graph's."""
    operators: int
    run: Run
    """What the content gives, loaded again."""


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
