"""The order of nodes: that of networkx, without its import."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import networkx
import pytest

from fpngraph import loads


@pytest.mark.parametrize("seed", range(20))
def test_nodes_stand_as_networkx_would_sort_them(seed: int) -> None:
    random = Random(seed)
    names = [f"n{number}_" for number in range(40)]
    lines = []
    for number, name in enumerate(names):
        sources = [*random.sample(names[:number], min(number, random.randint(0, 3))), "P3"]
        lines.append(f"  {name}: {{level: 3, inputs: [{', '.join(sources)}]}}")
    random.shuffle(lines)
    text = "fpngraph: 1\nname: random\ninputs: P3\ndefaults: {channels: 8}\nnodes:\n" + "\n".join(lines)

    graph = loads(f"{text}\noutputs: [{', '.join(names)}]\n")

    written = {name: number for number, name in enumerate(line.split(":")[0].strip() for line in lines)}
    order = networkx.lexicographical_topological_sort(graph.networkx(), key=lambda name: written.get(name, -1))
    assert ["P3", *graph.nodes] == list(order)


def test_a_graph_without_a_cycle_is_loaded_without_networkx() -> None:
    code = "import sys, fpngraph; fpngraph.load('bifpn'); print('networkx' in sys.modules, 'torch' in sys.modules)"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.split() == ["False", "False"]
