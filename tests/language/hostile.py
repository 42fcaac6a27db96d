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

from fpngraph.errors import GraphError
from fpngraph.loader import load, loads

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


MILLION = "x" * 10**6
TEXTS: dict[str, Callable[[], str]] = {
    "100,000 brackets": lambda: file("nodes: " + "[" * 100_000),
    "100,000 brackets after 10 MB of comment": lambda: file(f"nodes: # {MILLION * 10}\n  " + "[" * 100_000),
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
    "many large ranges": lambda: file(
        "nodes:", *(f"  a{i}x(0..19999): {{inputs: [P4], level: 3}}" for i in range(100))
    ),
    "ranges as inputs of ranges": lambda: node("a(0..19999): {inputs: [P(0..19999)], level: 3}"),
    "a billion runs": lambda: file("stages: {a: {repeat: 1000000000, nodes: {}, outputs: {P4: P4}}}"),
    "runs of a large stage": lambda: file(
        "stages: {a: {repeat: 10000, nodes: {a(1..9999): {inputs: [P4], level: 3}}, outputs: {P4: a4}}}"
    ),
    "runs with many outputs": lambda: file(
        "stages: {a: {repeat: 10000, nodes: {a4: {inputs: [P4]}}, outputs: {Q(1..9999): a4}}}"
    ),
    "long index of many nodes": lambda: node(f"a(0..19999): {{inputs: ['P(l{'+l-l' * 100})'], level: 3}}"),
    "large parameter used often": lambda: many(
        "{inputs: [P4], op: $big}", 5000, f"params: {{big: [{'x, ' * 20_000}]}}"
    ),
    "deep parameter used often": lambda: many(
        "{inputs: [P4], op: $big}", 1000, f"params: {{big: {'[' * 30}{'[], ' * 5000}{']' * 30}}}"
    ),
    "large settings of many nodes": lambda: node(
        f"a(0..19999): {{inputs: [P4], level: 3, op: [{'act, ' * 90}{{conv: {{kernel: $(l)}}}}]}}"
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
    "a cycle of thousands": lambda: node("a(0..4999): {inputs: [a(l+1) | a0], level: 3}"),
    "a line of 10 MB": lambda: file("x: [" + "P4, " * 2_500_000 + "]"),
    "a name of a million characters": lambda: node(f"? {MILLION}\n  : {{inputs: [{MILLION}]}}"),
    "a reference of a million characters": lambda: node(f"a4: {{inputs: [{MILLION}, '{'P4 | ' * 200_000}']}}"),
    "a value of a million characters": lambda: node(f"a4: {{inputs: [P4], fusion: {MILLION}, {MILLION[:999]}: 1}}"),
    "groups of a billion channels": lambda: file(
        "nodes: {a4: {inputs: [P4], channels: 99999999999999999, op: [{group_norm: {groups: 7}}]}, b4: {inputs: [a4]}}"
    ).replace("[P4]\n", "[b4]\n"),
    "a million blank lines": lambda: "\n" * 10**6 + "\t[",
}


def sparse() -> None:
    """A file of 1 GB that takes no room on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sparse.yaml")
        with path.open("wb") as stream:
            stream.truncate(10**9)
        load(path)


def measured(make: Callable[[], str] | None) -> tuple[str, float]:
    """The first line of what is said, and the seconds that it took."""
    text = make() if make else None
    start = time.process_time()
    said = "loaded"
    try:
        sparse() if text is None else loads(text)
    except GraphError as error:
        said = str(error).splitlines()[0]
    return said, time.process_time() - start


def main() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    json.dump({name: measured(make) for name, make in {**TEXTS, "sparse file of 1 GB": None}.items()}, sys.stdout)


if __name__ == "__main__":
    main()
