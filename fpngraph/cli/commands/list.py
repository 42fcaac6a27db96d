"""``fpngraph list``: the graphs that have names, with their levels, parameters and presets."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from typing import Any

from fpngraph.cli.options import add_format
from fpngraph.errors import GraphError
from fpngraph.library import Description, describe, named

ABOUT = "list the graphs that come with fpngraph, and those of installed packages"
EXAMPLE = "fpngraph list"


def options(parser: Any) -> None:
    """Its options."""
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.table import print_items, print_text

    entries = list(_entries())
    if args.format == "json":
        print(json.dumps(entries, indent=2))
        return 0
    for entry in entries:
        print_text(f"{entry['name']}: {entry['description']}")
        print_text(f"  {', '.join(entry['inputs'])} -> {', '.join(entry['outputs'])}")
        print_items("  parameters: ", (f"{name}={_flow(value)}" for name, value in entry["params"].items()))
        if entry["presets"]:
            print_items("  presets: ", entry["presets"])
    return 0


def _entries() -> Iterator[dict[str, Any]]:
    """What each graph says of itself; what is wrong with one of another package hides no other."""
    for name in sorted(named()):
        try:
            yield _entry(name, describe(name))
        except GraphError as error:
            print(f"{name}: {error}", file=sys.stderr)


def _entry(name: str, found: Description) -> dict[str, Any]:
    return {
        "name": name,
        "description": found.description,
        "inputs": list(found.inputs),
        "outputs": list(found.outputs),
        "params": found.params,
        "presets": list(found.presets),
    }


def _flow(value: Any) -> str:
    """A value as it can be typed after ``-p``, quoted where a shell needs it."""
    from fpngraph.language.yaml.writing import to_yaml

    return shlex.quote(to_yaml({"value": value}).removeprefix("value:").strip())
