"""``fpngraph schema``: the JSON schema of graph files."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fpngraph.cli.options import add_output
from fpngraph.cli.output import write

ABOUT = "print the JSON schema of graph files, for editors to complete and check by"
EXAMPLE = "fpngraph schema -o fpngraph.schema.json"


def options(parser: Any) -> None:
    """Its options."""
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.language.keys.json_schema import schema as graph_files

    write(f"{json.dumps(graph_files(), indent=2)}\n", args.output, force=args.force, quiet=args.quiet)
    return 0
