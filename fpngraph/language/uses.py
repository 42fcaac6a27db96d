"""Stages that are other graphs: where these are found, and what comes of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from fpngraph.codes import Code
from fpngraph.errors import GraphError, Problem, Span, nearest, renamed
from fpngraph.files import near
from fpngraph.graph.graph import Graph
from fpngraph.language.keys.findings import shown
from fpngraph.language.limits import MAX_BYTES, MAX_USED_DEPTH, MAX_USES, MAX_VALUES
from fpngraph.language.spent import Spent
from fpngraph.language.substitution import size
from fpngraph.language.yaml.source import read_file
from fpngraph.language.yaml.value import Value

_HANDED_ON = frozenset({"padding", "norm", "act", "init"})
_A_GRAPH = "the name of a graph, the path of a file, or a graph"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a graph is read."""

    folder: Path | None = None
    """What its paths are relative to, links resolved; None for a text of which nobody says it."""
    called: Path = Path()
    """What errors call that folder."""
    roots: tuple[Path, ...] = ()
    """The folders in which files lie that it may use, links resolved."""
    file: Path | None = None
    """The file that it is read from, links resolved."""


@dataclass(frozen=True, slots=True)
class Link:
    """A stage that uses a graph, its place, and the file that has it."""

    stage: str
    span: Span
    file: Path | None

    @property
    def text(self) -> str:
        """What errors in the used graph say of it."""
        here = f"stage {self.stage!r} ({self.span.file}:{self.span.line})"
        return f"{here}, used by {self.span.used_by}" if self.span.used_by else here


@dataclass(frozen=True, slots=True)
class Used:
    """A graph that a stage uses, as it is written and as it is."""

    document: Value
    graph: Graph


Make = Callable[[Value, Value | None, Value | None, "Uses"], Graph]
"""Makes a graph of a document, a preset, parameters, and what gets the graphs that it uses."""
Read = Callable[[Path, str, str], Value]
"""Reads the file at a path, links resolved; what errors call it, and which stage uses it."""


@dataclass(frozen=True, slots=True)
class Uses:
    """How the graph at one place gets those that it uses."""

    make: Make
    named: Callable[[], Mapping[str, Path]]
    """The graphs that have a name."""
    folder: Path | None
    """Where files may lie besides."""
    home: Home
    spent: Spent
    chain: tuple[Link, ...] = ()
    """The stages that led here."""
    read: Read = read_file
    """An editor has texts in place of files that are not saved yet."""

    def used(self, stage: str, entries: Mapping[str, Value], span: Span) -> Used:
        """The graph that a stage uses. Raises GraphError with all that is wrong with it."""
        use = entries["use"]
        self.spent.uses += 1
        if self.spent.uses > MAX_USES:
            _stop("limit-exceeded", f"the graph uses more than {MAX_USES} other graphs, which is the limit", use.span)
        if len(self.chain) == MAX_USED_DEPTH:
            _stop("limit-exceeded", f"graphs use each other deeper than {MAX_USED_DEPTH} levels", use.span)
        link = Link(stage, span, self.home.file)
        try:
            document, home = self._document(use, link)
            self._count(size(document), use.span)
            inner = replace(self, home=home, chain=(*self.chain, link))
            return Used(document, self.make(document, entries.get("preset"), entries.get("params"), inner))
        except GraphError as error:
            problems = (it if it.span else self._of_file(it, use) for it in error.problems)
            raise GraphError(problems) from None

    def _of_file(self, problem: Problem, use: Value) -> Problem:
        """A problem of a used file as a whole, at its path; one that is near is told as it is written there."""
        base = self.home.called if self.home.folder else self.folder
        meant = near(base / str(use.data)) if base and problem.code == "unreadable-file" and problem.hint else None
        if meant is None:
            return replace(problem, span=use.span)
        better = Path(os.path.relpath(meant, base)).as_posix()
        fix = renamed(use.span, str(use.data), [better])
        return replace(problem, span=use.span, hint=f"did you mean {better!r}?", replacement=fix)

    def _document(self, use: Value, link: Link) -> tuple[Value, Home]:
        if isinstance(use.data, Mapping):
            return use, self.home
        if not isinstance(use.data, str) or not use.data:
            _stop("wrong-value", f"'use' is {shown(use)}, but must be {_A_GRAPH}", use.span)
        if not is_path(use.data):
            return self._named(use, use.data, link)
        place, called = self._place(use, use.data)
        return self._read(use, place, called, replace(self.home, folder=place.parent), link)

    def _named(self, use: Value, name: str, link: Link) -> tuple[Value, Home]:
        graphs = self.named()
        if name not in graphs:
            hint = f"{nearest(name, graphs)} (a path has a separator or an ending)"
            better = renamed(use.span, name, graphs)
            message = f"there is no graph named {name!r}"
            raise GraphError([Problem("unknown-graph", message, use.span, hint, replacement=better)])
        place = Path(os.path.realpath(graphs[name]))
        return self._read(use, place, str(graphs[name]), Home(place.parent, roots=(place.parent,)), link)

    def _place(self, use: Value, path: str) -> tuple[Path, str]:
        """The file at a path, links resolved, and what errors call it. No path leads out of the folders."""
        if Path(path).is_absolute() or Path(path).drive:
            hint = "a path is relative to the file that says it"
            _stop("use-path", f"{path!r} is an absolute path", use.span, hint)
        folders = [(self.home.folder, self.home.called), (self.folder, self.folder)]
        bases = [(base, called) for base, called in folders if base is not None and called is not None]
        if not bases:
            hint = "load the file that says it, or pass 'folder' to fpngraph.loads"
            _stop("use-path", f"nobody says which folder {path!r} is relative to", use.span, hint)
        found = [
            (Path(os.path.realpath(base / path)), os.path.normpath(called / path))
            for base, called in bases
            if "\0" not in path
        ]
        inside = [entry for entry in found if any(entry[0].is_relative_to(root) for root in self._roots())]
        if found and not inside:
            hint = "files that are used lie in the folder of the file that is loaded, or in the one of '--graphs'"
            _stop("use-path", f"{path!r} leads out of the folder of the graph", use.span, hint)
        if not inside:
            _stop("unreadable-file", f"no file can be called {path!r}", use.span)
        there = (entry for entry in inside if os.path.exists(entry[0]))  # noqa: PTH110  (no name is too long for it)
        return next(there, inside[0])

    def _roots(self) -> tuple[Path, ...]:
        return self.home.roots if self.folder is None else (*self.home.roots, Path(os.path.realpath(self.folder)))

    def _read(self, use: Value, place: Path, called: str, home: Home, link: Link) -> tuple[Value, Home]:
        links = [*self.chain, link]
        first = next((number for number, it in enumerate(links) if it.file == place), None)
        if first is not None:
            steps = [f"{it.span.file} (stage {it.stage!r}, line {it.span.line})" for it in links[first:]]
            message = f"a graph that uses itself: {' uses '.join([*steps, links[first].span.file])}"
            _stop("use-cycle", message, use.span, "leave out one of these stages")
        self.spent.files[place] = None
        with suppress(OSError):  # reading says why
            self.spent.bytes += place.stat().st_size
        if self.spent.bytes > MAX_BYTES:
            _stop("limit-exceeded", f"the files that are used have more than {MAX_BYTES} bytes together", use.span)
        document = self.read(place, called, link.text)
        return document, replace(home, file=place, called=Path(called).parent)

    def _count(self, values: int, span: Span) -> None:
        self.spent.values += values
        if self.spent.values > MAX_VALUES:
            _stop("limit-exceeded", f"the graphs that are used have more than {MAX_VALUES} values together", span)


def not_reached(document: Value, stage: Value, defaults: Iterable[Value], span: Span) -> Iterator[Problem]:
    """A warning for what our defaults say and a parameter of the graph that a stage uses, of that name, does not."""
    params = document.section("params")
    chosen = document.section("presets").get(stage.entries["preset"].data if "preset" in stage.entries else None)
    given = {*stage.section("params"), *(chosen.entries if chosen else ())}
    for said in defaults:
        for key in sorted(_HANDED_ON & said.entries.keys() & params.keys() - given):
            if said.entries[key].data is not None and said.entries[key].plain() != params[key].plain():
                message = f"'defaults' do not reach the parameter {key!r} of the graph that is used, which nobody sets"
                hint = f"write 'params: {{{key}: ...}}' to have there what 'defaults' say"
                yield Problem("unreached-param", message, span, hint, "warning")


def is_path(text: str) -> bool:
    """Whether a text is the path of a graph file, and no name of a graph."""
    return "/" in text or os.sep in text or bool(Path(text).suffix)


def _stop(code: Code, message: str, span: Span, hint: str | None = None) -> NoReturn:
    raise GraphError([Problem(code, message, span, hint)])
