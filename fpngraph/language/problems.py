"""The problems of one phase, gathered up to a number that somebody can still read."""

from __future__ import annotations

from collections.abc import Iterable

from fpngraph.errors import GraphError, Problem, Span
from fpngraph.language.limits import MAX_PROBLEMS


class Problems(list[Problem]):
    """What a phase finds wrong. The phase ends with the hundredth, so that a hint may take its time."""

    def append(self, problem: Problem) -> None:
        """Keep a problem. Raises GraphError with all of them if that was the last."""
        super().append(problem)
        if len(self) >= MAX_PROBLEMS:
            raise self.error()

    def extend(self, problems: Iterable[Problem]) -> None:
        """Keep problems, as far as ``append`` goes."""
        for problem in problems:
            self.append(problem)

    def once(self, message: str, span: Span | None, hint: str | None = None) -> None:
        """Keep a problem unless there is one at its place already: what follows from that says nothing new."""
        if span is None or all(problem.span != span for problem in self):
            self.append(Problem(message, span, hint))

    def error(self) -> GraphError:
        """The error with all of them, in the order of the file."""
        return GraphError(sorted(self, key=place_of))


def place_of(problem: Problem) -> tuple[bool, str, int, int]:
    """By which problems are sorted: the file itself first, then those that it uses."""
    used = problem.span is not None and problem.span.used_by is not None
    return used, (problem.file or "") if used else "", problem.line or 0, problem.column or 0
