"""Checking graph files: which ones, what is wrong with each, and replacing what a hint says exactly."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from fpngraph.analysis.shapes import infer
from fpngraph.cli.graphs import Choice, is_asked_wrongly, is_stream
from fpngraph.cli.messages import as_typed
from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError, Problem, Replacement
from fpngraph.files import replace_file
from fpngraph.language.fixing import fixes, replaced
from fpngraph.language.limits import MAX_BYTES
from fpngraph.language.uses import is_path
from fpngraph.library import load_data

_A_GRAPH = re.compile(rb"(?:\A(?:\xef\xbb\xbf)?|[\n\r])(?:\{[ ]*)?[\"']?fpngraph[\"']?[ ]*:")
_ENDINGS = (".yaml", ".yml")
_ROUNDS = 10  # what is wrong in one phase hides what is in the next
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong and what is odd about one graph, and the exit status that it is worth."""

    name: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    status: int = 0


def checked(choice: Choice, text: str | None = None) -> Checked:
    """Everything about a graph, with its channels where they are given; ``text`` is in the place of its file."""
    warnings: tuple[Problem, ...] = ()
    asked: dict[str, Any] = {"preset": choice.preset, "folder": choice.folder, **choice.params}
    try:
        graph = choice.load() if text is None else load_data(text.encode(), choice.called, Path(choice.name), **asked)
        warnings = graph.warnings
        if choice.in_channels:
            infer(graph, choice.in_channels)
    except GraphError as error:
        problems = tuple(it if it.span else replace(it, message=as_typed(it.message)) for it in error.problems)
        return Checked(choice.called, problems, warnings, 2 if is_asked_wrongly(error) else 1)
    return Checked(choice.called, (), warnings)


def graphs_among(names: Iterable[str], *, only_graphs: bool) -> Iterator[str]:
    """The names, with the graph files below it in place of a folder; with ``only_graphs`` other files are left out.

    A file is a graph where its name ends in .yaml or .yml and its text has ``fpngraph:`` at the start of a line.
    Raises UsageError for a folder without any.
    """
    for name in names:
        if not os.path.isdir(name):  # noqa: PTH112  (no name is too long for it, and '' is none)
            if not only_graphs or not is_path(name) or _says_so(Path(name)):
                yield name
            continue
        found = [str(path) for path in _files(Path(name)) if _says_so(path)]
        if not found and not only_graphs:
            hint = "a graph is a .yaml or .yml file with 'fpngraph:' at the start of a line"
            raise UsageError(f"there is no graph file in the folder {name!r}\n  hint: {hint}")
        yield from found


def _files(folder: Path) -> Iterator[Path]:
    """The YAML files below a folder, in order, without what is hidden.

    Raises OSError for a folder that cannot be read.
    """
    for place, folders, files in os.walk(folder, onerror=_stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        named = (Path(place, name) for name in sorted(files) if name.endswith(_ENDINGS) and not name.startswith("."))
        yield from (path for path in named if path.is_file() or not path.exists())  # reading a pipe waits for ever


def _stop(error: OSError) -> NoReturn:
    """A folder that is left out in silence would pass as checked."""
    raise error


def folders_in(names: Iterable[str]) -> Iterator[Path]:
    """The folders among the names and those below them: each changes when a file comes or goes."""
    for name in names:
        if os.path.isdir(name):  # noqa: PTH112  (as above)
            yield from (Path(place) for place, _, _ in os.walk(name))


def _says_so(path: Path) -> bool:
    """Whether a file says that it is a graph. What cannot be read counts as one: checking it says why."""
    try:
        with path.open("rb") as file:
            return _A_GRAPH.search(file.read(MAX_BYTES)) is not None
    except (OSError, ValueError):
        return True


def check_fixable(name: str) -> None:
    """Raises UsageError where there is no file of one's own in which something can be replaced."""
    if is_stream(name):
        raise UsageError("--fix changes files, and standard input is none\n  hint: give the name of the file")
    if not is_path(name):
        hint = f"'fpngraph new {name} -o my.yaml' makes a copy of your own"
        raise UsageError(f"--fix changes files, and {name!r} is a graph that comes with a package\n  hint: {hint}")


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was replaced in a file, and what was not because the result would be wrong in another way."""

    name: str
    made: tuple[Replacement, ...] = ()
    refused: tuple[Problem, ...] = ()
    """What would then be wrong at the changed lines."""


def fix(choice: Choice) -> Fixed:
    """Replace in a file what its problems have a replacement for: the whole file at once, or nothing.

    Raises OSError where it cannot be written.
    """
    path = Path(choice.name)
    try:
        before = path.read_bytes()
        text = before.decode("utf-8").removeprefix("\ufeff")
    except (OSError, ValueError):  # checking it says so
        return Fixed(choice.called)
    made: list[Replacement] = []
    refused: tuple[Problem, ...] = ()
    problems = _problems(choice, text)
    for _ in range(_ROUNDS):
        wanted = fixes(problems, choice.called)
        if not wanted:
            break
        changed = replaced(text, wanted)
        after = _problems(choice, changed)
        if refused := _new(after, problems, {it.span.line for it in wanted}):
            break
        made += wanted
        text, problems = changed, after
    if made:
        if path.read_bytes() != before:
            raise UsageError(f"{choice.name!r} has changed meanwhile and is left as it is")
        replace_file(path, (_MARK if before.startswith(_MARK) else b"") + text.encode())
    return Fixed(choice.called, tuple(made), refused)


def _problems(choice: Choice, text: str) -> tuple[Problem, ...]:
    """All that is said about a text in place of the file; none where it could not be read at all."""
    result = checked(choice, text)
    return (*result.problems, *result.warnings)


def _new(after: Iterable[Problem], before: Iterable[Problem], lines: set[int]) -> tuple[Problem, ...]:
    """The errors that came by changing lines: what was there before, or stands elsewhere, was only hidden.

    What is no YAML any more may be told far from the reason.
    """
    known = {(it.code, it.message) for it in before}
    was_yaml = "yaml-syntax" not in {code for code, _ in known}
    came = (it for it in after if it.severity == "error" and (it.code, it.message) not in known)
    return tuple(it for it in came if it.line in lines or (was_yaml and it.code == "yaml-syntax"))
