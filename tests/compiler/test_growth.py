"""Large graphs are compiled in a time that grows with their nodes."""

from __future__ import annotations

from collections.abc import Callable

import fpngraph
from tests.growth import assert_linear, written_out


def test_building_grows_with_the_nodes() -> None:
    def made(nodes: int) -> Callable[[], object]:
        graph = fpngraph.loads(written_out(nodes))
        return lambda: fpngraph.build(graph, [8] * 5)

    assert_linear(made, 20)


def test_fusing_grows_with_the_nodes() -> None:
    def made(nodes: int) -> Callable[[], object]:
        return fpngraph.build(fpngraph.loads(written_out(nodes)), [8] * 5).fuse

    assert_linear(made, 20)


def test_fusing_grows_with_the_outputs() -> None:
    def made(nodes: int) -> Callable[[], object]:
        text = written_out(nodes).replace("outputs: {last:", "outputs: {" + _each(nodes) + "last:")
        return fpngraph.build(fpngraph.loads(text), [8] * 5).fuse

    assert_linear(made, 20)


def _each(nodes: int) -> str:
    return "".join(f"o_{i}_: n_{i}_, " for i in range(nodes - 1))
