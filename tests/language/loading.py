"""Short graph files: what they load as, and what is said about them."""

from __future__ import annotations

from typing import Any

import pytest

from fpngraph.errors import GraphError
from fpngraph.graph.graph import Graph
from fpngraph.library import loads

HEAD = "fpngraph: 1\nname: test\n"


def graph(body: str, **asked: Any) -> Graph:
    """The graph of a file that is right; ``body`` starts on its third line."""
    return loads(HEAD + body, **asked)


def refused(body: str, **asked: Any) -> str:
    """All that is said about a file that is wrong."""
    with pytest.raises(GraphError) as caught:
        graph(body, **asked)
    return str(caught.value)


def sources(found: Graph) -> dict[str, list[str]]:
    """What each node reads."""
    return {name: [edge.source for edge in node.edges] for name, node in found.nodes.items()}


def warned(found: Graph) -> list[tuple[int, int, str]]:
    """Line, column and message of each warning."""
    return [(warning.line or 0, warning.column or 0, warning.message) for warning in found.warnings]
