"""``fpngraph operators``: what graph files can name, and all about one of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fpngraph.cli.options import add_format
from fpngraph.cli.values import UsageError
from fpngraph.errors import GraphError, nearest
from fpngraph.library import loads
from fpngraph.ops import KINDS, Operator
from fpngraph.ops import operators as registered

ABOUT = "list the operators that graph files can name, or tell all of one"
EXAMPLE = "fpngraph operators encoder_layer"
_KINDS: Mapping[str, str] = {
    "layer": "layers",
    "norm": "norms",
    "act": "activations",
    "down": "down-samplers",
    "up": "up-samplers",
    "fusion": "fusions",
    "init": "recipes of initial weights",
}


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="an operator (default: list all of them)")
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    found = [operator for operator in registered() if args.name in (None, operator.name)]
    if not found:
        hint = nearest(args.name, dict.fromkeys(operator.name for operator in registered()))
        raise UsageError(f"there is no operator {args.name!r}\n  hint: {hint}")
    if args.format == "json":
        print(json.dumps([_page(operator) for operator in found], indent=2))
    elif args.name is None:
        _print_list(found)
    else:
        for place, operator in enumerate(found):
            _print_page(_page(operator), first=place == 0)
    return 0


def _page(operator: type[Operator]) -> dict[str, Any]:
    """What is told of an operator; its example only if that loads, which one of somebody's own may not."""
    from fpngraph.language.keys.manual import page

    told = page(operator)
    try:
        loads(told["example"])
    except GraphError:
        told["example"] = None
    return told


def _print_list(operators: Sequence[type[Operator]]) -> None:
    from fpngraph.language.keys.manual import PLACES, about
    from fpngraph.table import print_text

    for place, kind in enumerate(KINDS):
        if place:
            print()
        print_text(f"{_KINDS[kind]}, {PLACES[kind]}:")
        for operator in operators:
            if operator.kind == kind:
                print_text(f"  {operator.name}: {about(operator)}")


def _print_page(told: Mapping[str, Any], *, first: bool) -> None:
    from fpngraph.table import Column, print_table, print_text

    if not first:
        print()
    print_text(f"{told['name']} ({told['kind']}): {told['about']}")
    for paragraph in told["more"]:
        print_text(paragraph)
    print_text(f"It stands {told['place']}.")
    for paper in told["papers"]:
        print(f"Paper: {paper}")
    if told["in_place_of_settings"]:
        print(f"It has its {told['in_place_of_settings']} in place of settings.")
    if told["settings"]:
        print()
        columns = (Column("setting"), Column("takes", keep=2), Column("default", keep=3), Column("meaning", keep=1))
        print_table(columns, [_row(setting) for setting in told["settings"]])
    if told["example"]:
        print(f"\n{told['example']}", end="")


def _row(setting: Mapping[str, Any]) -> tuple[str, str, str, str]:
    default = (
        "required" if setting["required"] else "" if setting["default"] is None else json.dumps(setting["default"])
    )
    return setting["name"], setting["takes"], default.strip('"'), setting["description"]
