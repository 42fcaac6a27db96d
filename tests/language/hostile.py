"""Files that would take all time or memory, if nothing held them back.

Run as a program, it loads each of them within 200 MB more than it has, and prints what came of it.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError
from fpngraph.library import load, loads

MEMORY = 200 * 2**20
HEAD = "fpngraph: 1\nname: bad\ninputs: P(3..5)\n"


def file(*lines: str) -> str:
    return HEAD + "\n".join([*lines, "outputs: [P4]"]) + "\n"


def node(entry: str, *lines: str) -> str:
    return file(*lines, "nodes:", f"  {entry}")


def many(entry: str, number: int, *lines: str) -> str:
    """A file with the same entry for many nodes, ``#`` standing for the number of each."""
    return node("\n  ".join(f"a{index}: {entry}".replace("#", str(index)) for index in range(number)), *lines)


def bomb() -> str:
    return "".join(["a0: &a0 [x, x]\n", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))])


GRAPH = {"fpngraph": 1, "name": "bad", "inputs": "P3", "outputs": "P3"}


def chain(nodes: int) -> dict[str, Any]:
    """A graph of nodes that all lead to its output."""
    entry = {"inputs": ["a(l-1) | P3"], "level": 3}
    return {**GRAPH, "nodes": {f"a(0..{nodes - 1})": entry}, "outputs": {"P3": f"a{nodes - 1}"}}


def spent(runs: int) -> dict[str, Any]:
    """A graph of runs that its output does not need."""
    stage = {"repeat": runs, "nodes": {"a3": {"inputs": ["P3"]}}, "outputs": {"Q3": "a3"}}
    return {**GRAPH, "stages": {"s": stage}}


def used(levels: int, graph: dict[str, Any]) -> str:
    """A file that uses a graph that uses a graph."""
    for _ in range(levels):
        graph = {**GRAPH, "stages": {"s": {"use": graph}}}
    return json.dumps(graph)


MILLION = "x" * 10**6
TEXTS: dict[str, Callable[[], str]] = {
    "100,000 brackets": lambda: file("nodes: " + "[" * 100_000),
    "100,000 brackets after 3 MB of comment": lambda: file(f"nodes: # {MILLION * 3}\n  " + "[" * 100_000),
    "100,000 braces": lambda: file("nodes: " + "{a: " * 100_000),
    "100,000 blocks": lambda: file("nodes:\n" + "- " * 100_000),
    "alias bomb": lambda: file(bomb()),
    "ladder of aliases": lambda: file("x0: &x0 [x]", *(f"x{i}: &x{i} [*x{i - 1}]" for i in range(1, 5000))),
    "integer of 100,000 digits": lambda: file(f"params: {{a: {'9' * 100_000}}}"),
    "index of 100,000 digits": lambda: node(f"a4: {{inputs: ['P({'9' * 100_000})']}}"),
    "100,000 parentheses in an index": lambda: node(f"a4: {{inputs: ['P{'(' * 100_000}']}}"),
    "100,000 parentheses in an expression": lambda: node(f"a4: {{inputs: [P4], channels: '$({'(' * 100_000})'}}"),
    "range of a billion nodes": lambda: node("a(0..1000000000): {inputs: [P4]}"),
    "range of a billion inputs": lambda: node("a4: {inputs: [P(0..1000000000)]}"),
    "many large ranges": lambda: file("nodes:", *(f"  a{i}x(0..9999): {{inputs: [P4], level: 3}}" for i in range(100))),
    "many large ranges of inputs": lambda: node("a4: {inputs: [i0x4]}").replace(
        "P(3..5)", f"[{', '.join(f'i{i}x(0..30)' for i in range(400))}]"
    ),
    "10,000 nodes in graphs of five levels": lambda: used(4, chain(10_000)),
    "graphs of many nodes that nobody needs": lambda: json.dumps(
        {**GRAPH, "stages": {f"s{n}": {"use": spent(9999)} for n in range(100)}}
    ),
    "many small graphs": lambda: json.dumps({**GRAPH, "stages": {f"s{n}": {"use": chain(100)} for n in range(100)}}),
    "ranges as inputs of ranges": lambda: node("a(0..9999): {inputs: [P(0..9999)], level: 3}"),
    "a billion runs": lambda: file("stages: {a: {repeat: 1000000000, nodes: {}, outputs: {P4: P4}}}"),
    "runs of a large stage": lambda: file(
        "stages: {a: {repeat: 10000, nodes: {a(1..9999): {inputs: [P4], level: 3}}, outputs: {P4: a4}}}"
    ),
    "runs with many outputs": lambda: file(
        "stages: {a: {repeat: 10000, nodes: {a4: {inputs: [P4]}}, outputs: {Q(1..9999): a4}}}"
    ),
    "long index of many nodes": lambda: node(f"a(0..9999): {{inputs: ['P(l{'+l-l' * 100})'], level: 3}}"),
    "long expression of many nodes": lambda: node(f"a(1..9999): {{inputs: [P4], channels: $(l{'+l-l' * 110})}}"),
    "long expressions": lambda: many(f"{{inputs: [P4], level: 3, channels: $(1{'+1' * 240})}}", 4000),
    "expressions of parentheses": lambda: node(
        "a4: {inputs: [P4]}", "x: [" + f"$({'(' * 40}1{')' * 40}), " * 15_000 + "]"
    ),
    "large parameter used often": lambda: many(
        "{inputs: [P4], op: $big}", 1000, f"params: {{big: [{'x, ' * 20_000}]}}"
    ),
    "deep parameter used often": lambda: many(
        "{inputs: [P4], op: $big}", 1000, f"params: {{big: {'[' * 30}{'[], ' * 5000}{']' * 30}}}"
    ),
    "large settings of many nodes": lambda: node(
        f"a(0..9999): {{inputs: [P4], level: 3, op: [{'act, ' * 90}{{conv: {{kernel: $(l)}}}}]}}"
    ),
    "many presets of many parameters": lambda: file(
        f"params: {{{', '.join(f'a{i}: 1' for i in range(5000))}}}",
        f"presets: {{{', '.join(f'b{i}: {{x: 1}}' for i in range(5000))}}}",
    ),
    "thousands of unknown keys": lambda: many("{inputs: [P4], level: 3, channel: 3}", 2000),
    "thousands of unknown names": lambda: many("{inputs: [b#b], level: 3}", 2000),
    "thousands of missing names": lambda: many("{inputs: [a1#], level: 3}", 2000),
    "thousands of cycles": lambda: many("{inputs: [a#], level: 3}", 2000),
    "thousands of parameters that do not exist": lambda: many("{inputs: [P4], channels: $x#}", 2000),
    "a cycle of thousands": lambda: node("a(0..9999): {inputs: [a(l+1) | a0], level: 3}"),
    "240,000 unknown keys": lambda: file(*(f"x{i}: 1" for i in range(240_000))),
    "as many unknown keys as a file can have": lambda: file(*(f"x{i}: 1" for i in range(19_990))),
    "as many unknown settings as a file can have": lambda: node(
        f"a4: {{inputs: [P4], op: [{{conv: {{{', '.join(f'x{i}: 1' for i in range(19_985))}}}}}]}}"
    ),
    "499,000 values in a parameter": lambda: node("a4: {inputs: [P4]}", f"params: {{a: [{'1, ' * 499_000}]}}"),
    "90,000 nodes": lambda: many("{inputs: [P4], level: 3}", 90_000),
    "a million aliases": lambda: file("x: &x 1", f"y: [{'*x, ' * 10**6}]"),
    "thousands of anchors": lambda: file(f"y: [{''.join(f'&a{i} 1, ' for i in range(250_000))}]"),
    "alike parameters of 100 characters": lambda: many(
        f"{{inputs: [P4], level: 3, channels: ${'zwyx' * 24}#}}",
        2000,
        "params: {" + ", ".join("xyzw" * 24 + f"{i}: 1" for i in range(2000)) + "}",
    ),
    "alike names of 500 characters": lambda: node(
        "\n  ".join(f"{'xy' * 230}{i}_: {{inputs: [{'yx' * 230}{i}_], level: 3}}" for i in range(2000))
    ),
    "keys of 30,000 characters": lambda: file(*(f"? {'x' * 30_000}{i}\n: 1" for i in range(100))),
    "4 million emoji": lambda: file(f"x: '{chr(0x1F600) * (2**22 - 100)}'"),
    "a line of 4 MB": lambda: file("x: [" + "P4, " * 1_000_000 + "]"),
    "a line of 10 MB": lambda: file("x: [" + "P4, " * 2_500_000 + "]"),
    "a name of a million characters": lambda: node(f"? {MILLION}\n  : {{inputs: [{MILLION}]}}"),
    "a reference of a million characters": lambda: node(f"a4: {{inputs: [{MILLION}, '{'P4 | ' * 200_000}']}}"),
    "a value of a million characters": lambda: node(f"a4: {{inputs: [P4], fusion: {MILLION}, {MILLION[:999]}: 1}}"),
    "groups of a billion channels": lambda: file(
        "nodes: {a4: {inputs: [P4], channels: 99999999999999999, op: [{group_norm: {groups: 7}}]}, b4: {inputs: [a4]}}"
    ).replace("[P4]\n", "[b4]\n"),
    "a million blank lines": lambda: "\n" * 10**6 + "\t[",
}

LEGAL: dict[str, Callable[[], str]] = {
    "nodes": lambda: many("{inputs: [P4], level: 3}", 4990).replace("[P4]\n", "[a4]\n"),
    "nodes with layers": lambda: many(
        "{inputs: [P3, P4, P5], level: 4, fusion: softmax, op: [act, {conv: {kernel: 3}}, norm]}", 1980
    ),
    "a chain": lambda: node(
        "\n  ".join(["a0: {inputs: [P4]}", *(f"a{i}: {{inputs: [a{i - 1}, P4], level: 4}}" for i in range(1, 4400))])
    ),
    "settings of members": lambda: node(
        "a(1..2100): {inputs: [P4, P3], level: 4, channels: $(l), op: [act, {conv: {kernel: 3}}, norm, act, norm, act]}"
    ),
    "runs": lambda: file("stages: {s: {repeat: 10000, nodes: {a3: {inputs: [P3, P4, P5]}}, outputs: {P3: a3}}}"),
    "stages": lambda: file(
        "stages:", *(f"  s{i}: {{nodes: {{a3: {{inputs: [P3]}}}}, outputs: {{P3: a3}}}}" for i in range(3000))
    ),
    "edges": lambda: many(f"{{inputs: [{', '.join(['{from: P4, down: max_pool}'] * 8)}], level: 4}}", 850),
    "values in a parameter": lambda: node("a4: {inputs: [P4]}", f"params: {{a: [{'1, ' * 39_900}]}}"),
    "warnings": lambda: many("{inputs: [P4, P4, P4, P4], level: 4}", 3600),
}
"""The largest of their kind that a file can say."""
TEXTS.update({f"as many as can be: {name}": make for name, make in LEGAL.items()})


def sparse() -> None:
    """A file of 1 GB that takes no room on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sparse.yaml")
        with path.open("wb") as stream:
            stream.truncate(10**9)
        load(path)


def measured(make: Callable[[], str] | None) -> tuple[str, int, float]:
    """The first line of what is said, how long all of it is, and the seconds that it took."""
    text = make() if make else None
    start = time.process_time()
    said, length = "loaded", 0
    try:
        sparse() if text is None else loads(text)
    except GraphError as error:
        said, length = str(error).splitlines()[0], len(str(error))
    return said, length, time.process_time() - start


def main() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    json.dump({name: measured(make) for name, make in {**TEXTS, "sparse file of 1 GB": None}.items()}, sys.stdout)


if __name__ == "__main__":
    main()
