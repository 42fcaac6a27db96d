"""``fpngraph schema``: the JSON schema of graph files."""

from __future__ import annotations

import argparse
import json
from typing import Any

ABOUT = "print the JSON schema of graph files, for editors to complete and check by"
EXAMPLE = "fpngraph schema > fpngraph.schema.json"


def options(parser: Any) -> None:
    """It has none."""


def run(_: argparse.Namespace) -> int:
    """The exit status."""
    from fpngraph.language.keys.json_schema import schema as graph_files

    print(json.dumps(graph_files(), indent=2))
    return 0
