"""What a shell offers behind ``fpngraph`` at the Tab key: commands, options, graphs, presets, parameters."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fpngraph.errors import GraphError
from fpngraph.language.yaml.writing import flow
from fpngraph.library import Description, describe, named
from fpngraph.ops import operators

_GRAPHS = ("graph", "graphs", "before", "after")
"""What arguments that name graphs are called."""
Completer = Callable[..., Iterable[str]]
"""What it returns is offered; of a mapping the keys, each with its value beside it, which is a text."""


def complete(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Tell the shell that asks, through its environment, and end the process; ImportError without argcomplete."""
    import argcomplete
    from argcomplete.completers import FilesCompleter

    files = FilesCompleter(("yaml", "yml"))

    def graphs(prefix: str, **_: Any) -> list[str]:
        return [*named(), *files(prefix)]

    own: Mapping[tuple[str, str], Completer] = {
        ("new", "graph"): lambda **_: list(named()),
        ("help", "name"): lambda **_: list(commands),
        ("operators", "name"): lambda **_: (operator.name for operator in operators()),
    }
    everywhere: Mapping[str, Completer] = {"preset": _presets, "params": _params} | dict.fromkeys(_GRAPHS, graphs)
    for command, its in commands.items():
        for action in its._actions:
            completer = own.get((command, action.dest), everywhere.get(action.dest))
            if completer:
                action.completer = completer  # type: ignore[attr-defined]  # where argcomplete looks for it
    argcomplete.autocomplete(parser)


def _presets(*, parsed_args: object, **_: Any) -> Iterable[str]:
    found = _graph(vars(parsed_args))
    return {name: flow(values)[1:-1] for name, values in found.presets.items()} if found else ()


def _params(*, parsed_args: object, **_: Any) -> Iterable[str]:
    return [f"{name}=" for name in found.params] if (found := _graph(vars(parsed_args))) else ()


def _graph(typed: Mapping[str, Any]) -> Description | None:
    """The graph that was typed in front of the cursor, if it is one."""
    said = [found for dest in _GRAPHS if (found := typed.get(dest))]
    name = next((found if isinstance(found, str) else found[0] for found in said), None)
    try:
        return describe(name, folder=typed.get("folder")) if isinstance(name, str) else None
    except GraphError:
        return None
