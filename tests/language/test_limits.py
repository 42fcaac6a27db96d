"""Files that would take all time or memory are refused within a second and 200 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.language.hostile import TEXTS

ROOT = Path(__file__).parents[2]
SECONDS = 3  # a second of a machine that has nothing else to do
CHARACTERS = 200_000  # of all that is said about a file
TEXT = {
    "100,000 brackets": "<text>:4:47: lists and mappings are nested deeper than 40 levels",
    "100,000 brackets after 3 MB of comment": "<text>:5:42: lists and mappings are nested deeper than 40 levels",
    "100,000 braces": "<text>:4:164: lists and mappings are nested deeper than 40 levels",
    "100,000 blocks": "<text>:5:79: lists and mappings are nested deeper than 40 levels",
    "alias bomb": "<text>:9:10: aliases expand the file to more than 40000 values",
    "ladder of aliases": "<text>:43:12: aliases nest lists and mappings deeper than 40 levels",
    "integer of 100,000 digits": "<text>:4:13: an integer of 100000 digits, where at most 18 are allowed",
    "index of 100,000 digits": "<text>:5:18: a name has 100003 characters, but 500 is the limit",
    "100,000 parentheses in an index": "<text>:5:18: a name has 100001 characters, but 500 is the limit",
    "100,000 parentheses in an expression": "<text>:5:33: an expression has 100003 characters, but 500 is the limit",
    "range of a billion nodes": "<text>:5:3: 'a(0..1000000000)' has 1000000001 members, but 10000 is the limit",
    "range of a billion inputs": "<text>:5:17: 'P(0..1000000000)' has 1000000001 members, but 10000 is the limit",
    "many large ranges": "<text>:6:3: the graph has more than 10000 nodes, which is the limit",
    "many large ranges of inputs": "<text>:3:4408: the graph has more than 10000 inputs, which is the limit",
    "graphs of many nodes that nobody needs": "<text>:1:1051: graphs that use each other make more than 50000 nodes",
    "ranges as inputs of ranges": "<text>:5:25: the graph has more than 50000 edges, which is the limit",
    "a billion runs": "<text>:4:22: 'repeat' is 1000000000, but must be at most 10000",
    "runs of a large stage": "<text>:4:10: stage 'a' makes 99990000 nodes with 100000000 inputs and outputs",
    "runs with many outputs": "<text>:4:10: stage 'a' makes 10000 nodes with 100000000 inputs and outputs",
    "long index of many nodes": "<text>:5:26: the indices of the graph have more than 100000 operands",
    "long expression of many nodes": "<text>:5:3: the expressions of the graph have more than 200000 characters",
    "long expressions": "<text>:418:44: the expressions of the graph have more than 200000 characters",
    "expressions of parentheses": "<text>:4:1: unknown key 'x'",
    "large parameter used often": "<text>:7:26: parameters expand the file to more than 40000 values",
    "deep parameter used often": "<text>:13:26: parameters expand the file to more than 40000 values",
    "large settings of many nodes": "<text>:5:3: '$(...)' with 'l' stands for more than 40000 values",
    "many presets of many parameters": "<text>:5:16: preset 'b0': there is no parameter 'x'",
    "thousands of unknown keys": "<text>:5:32: unknown key 'channel'",
    "thousands of unknown names": "<text>:5:17: name 'b0b' is declared nowhere in the file",
    "thousands of missing names": "<text>:1005:20: node 'a1000' reads 'a11000', which does not exist",
    "thousands of cycles": "<text>:5:17: a cycle: 'a0' (line 5) reads 'a0'",
    "thousands of parameters that do not exist": "<text>:5:32: there is no parameter 'x0'",
    "a cycle of thousands": "<text>:5:25: a cycle: 'a0' (line 5) reads 'a1' (line 5)",
    "240,000 unknown keys": "<text>:20000:9: the file has more than 40000 values",
    "as many unknown keys as a file can have": "<text>:4:1: unknown key 'x0'",
    "as many unknown settings as a file can have": "<text>:5:35: unknown key 'x0'",
    "499,000 values in a parameter": "<text>:4:119981: the file has more than 40000 values",
    "90,000 nodes": "<text>:5718:3: the file has more than 40000 values",
    "a million aliases": "<text>:5:159961: the file has more than 40000 values",
    "thousands of anchors": "<text>:4:428796: the file has more than 40000 values",
    "alike parameters of 100 characters": "<text>:6:42: there is no parameter 'zwyx",
    "alike names of 500 characters": "<text>:5:477: name 'yxyx",
    "keys of 30,000 characters": "<text>:4:3: unknown key 'xxxx",
    "4 million emoji": "<text>:1:1: a graph needs 'nodes' or 'stages', and this has neither",
    "a line of 4 MB": "<text>:4:159969: the file has more than 40000 values",
    "a line of 10 MB": "cannot read '<text>': it has 10000058 bytes, a graph file has at most 4194304",
    "a name of a million characters": "<text>:5:5: a name has 1000000 characters, but 500 is the limit",
    "a reference of a million characters": "<text>:5:17: a name has 1000000 characters, but 500 is the limit",
    "a value of a million characters": "<text>:5:30: 'fusion' is '",
    "groups of a billion channels": "<text>:4:9: node 'a4': 'group_norm' has 7 groups, which do not divide the",
    "a million blank lines": "<text>:1000001:1: not valid YAML: a tab where indentation is expected",
    "sparse file of 1 GB": "cannot read '",
}


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[str, int, float]]:
    """What is said about each, how long that is, and the seconds it took, in a process of limited memory."""
    pytest.importorskip("resource", reason="limits of memory are set as on Unix")
    done = subprocess.run(
        [sys.executable, "-m", "tests.language.hostile"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, tuple[str, int, float]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TEXTS, "sparse file of 1 GB"])
def test_any_file_is_read_or_refused_in_little_time_and_memory_and_few_words(
    name: str, results: dict[str, tuple[str, int, float]]
) -> None:
    said, length, seconds = results[name]

    assert said.startswith(TEXT.get(name, "loaded"))
    assert length < CHARACTERS
    assert seconds < SECONDS
