"""The problems of one phase, gathered up to a number that somebody can still read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from fpngraph.codes import Code
from fpngraph.errors import GraphError, Problem, Replacement, Span
from fpngraph.language.limits import MAX_PROBLEMS


class Problems(list[Problem]):
    """What a phase finds wrong. The phase ends with the hundredth, so that a hint may take its time."""

    _found = 0

    def append(self, problem: Problem) -> None:
        """Keep a problem, of equal ones the first. Raises GraphError with all of them if that was the last."""
        self._found += 1
        if problem not in self:  # a value that an alias or a parameter brings to several places has one place itself
            super().append(problem)
        if self._found >= MAX_PROBLEMS:
            raise self.error()

    def extend(self, problems: Iterable[Problem]) -> None:
        """Keep problems, as far as ``append`` goes."""
        for problem in problems:
            self.append(problem)

    def once(
        self,
        code: Code,
        message: str,
        span: Span | None,
        hint: str | None = None,
        replacement: Replacement | None = None,
    ) -> None:
        """Keep a problem unless there is one at its place already.

        What follows from that, and what the other members of a range say, is nothing new.
        """
        if span is None or all(problem.span != span for problem in self):
            self.append(Problem(code, message, span, hint, replacement=replacement))

    def stop(self, message: str, span: Span) -> NoReturn:
        """End the phase at a limit."""
        self.append(Problem("limit-exceeded", message, span))
        raise self.error()

    def error(self) -> GraphError:
        """The error with all of them, in the order of the file."""
        return GraphError(sorted(self, key=lambda problem: problem.place))
