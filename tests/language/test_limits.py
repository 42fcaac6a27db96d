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
MANY_VALUES = {"a line of 10 MB"}  # read up to the limit of 500,000 values, which takes longer
TEXT = {
    "100,000 brackets": "<text>:4:47: lists and mappings are nested deeper than 40 levels",
    "100,000 brackets after 10 MB of comment": "<text>:5:42: lists and mappings are nested deeper than 40 levels",
    "100,000 braces": "<text>:4:164: lists and mappings are nested deeper than 40 levels",
    "100,000 blocks": "<text>:5:79: lists and mappings are nested deeper than 40 levels",
    "alias bomb": "<text>:10:15: aliases expand the file to more than 500000 values",
    "ladder of aliases": "<text>:43:12: aliases nest lists and mappings deeper than 40 levels",
    "integer of 100,000 digits": "<text>:4:13: an integer of 100000 digits, where at most 18 are allowed",
    "index of 100,000 digits": "<text>:5:18: a name has 100003 characters, but 500 is the limit",
    "100,000 parentheses in an index": "<text>:5:18: a name has 100001 characters, but 500 is the limit",
    "100,000 parentheses in an expression": "<text>:5:33: an expression has 100003 characters, but 500 is the limit",
    "range of a billion nodes": "<text>:5:3: 'a(0..1000000000)' has 1000000001 members, but 20000 is the limit",
    "range of a billion inputs": "<text>:5:17: 'P(0..1000000000)' has 1000000001 members, but 20000 is the limit",
    "many large ranges": "<text>:6:3: the graph has more than 20000 nodes, which is the limit",
    "ranges as inputs of ranges": "<text>:5:26: the graph has more than 100000 edges, which is the limit",
    "a billion runs": "<text>:4:22: 'repeat' is 1000000000, but must be at most 10000",
    "runs of a large stage": "<text>:4:10: stage 'a' makes 99990000 nodes with 100000000 inputs and outputs",
    "runs with many outputs": "<text>:4:10: stage 'a' makes 10000 nodes with 100000000 inputs and outputs",
    "long index of many nodes": "<text>:5:27: the indices of the graph have more than 500000",
    "large parameter used often": "<text>:30:27: parameters expand the file to more than 500000 values",
    "deep parameter used often": "<text>:105:27: parameters expand the file to more than 500000 values",
    "large settings of many nodes": "<text>:5:3: '$(...)' with 'l' stands for more than 500000 values",
    "many presets of many parameters": "<text>:5:16: preset 'b0': there is no parameter 'x'",
    "thousands of unknown keys": "<text>:5:32: unknown key 'channel'",
    "thousands of unknown names": "<text>:5:17: name 'b0b' is declared nowhere in the file",
    "thousands of missing names": "<text>:1005:20: node 'a1000' reads 'a11000', which does not exist",
    "thousands of cycles": "<text>:5:17: a cycle: 'a0' (line 5) reads 'a0'",
    "thousands of parameters that do not exist": "<text>:5:32: there is no parameter 'x0'",
    "a cycle of thousands": "<text>:5:25: a cycle: 'a0' (line 5) reads 'a1' (line 5)",
    "a line of 10 MB": "<text>:4:1999969: the file has more than 500000 values",
    "a name of a million characters": "<text>:5:5: a name has 1000000 characters, but 500 is the limit",
    "a reference of a million characters": "<text>:5:17: a name has 1000000 characters, but 500 is the limit",
    "a value of a million characters": "<text>:5:30: 'fusion' is '",
    "groups of a billion channels": "<text>:4:9: node 'a4': 'group_norm' has 7 groups, which do not divide the",
    "a million blank lines": "<text>:1000001:1: not valid YAML: a tab where indentation is expected",
    "sparse file of 1 GB": "cannot read '",
}


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[str, float]]:
    """What is said about each, and the seconds it took, in a process of limited memory."""
    pytest.importorskip("resource", reason="limits of memory are set as on Unix")
    done = subprocess.run(
        [sys.executable, "-m", "tests.language.hostile"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, tuple[str, float]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TEXTS, "sparse file of 1 GB"])
def test_a_hostile_file_is_refused_in_little_time_and_memory(name: str, results: dict[str, tuple[str, float]]) -> None:
    said, seconds = results[name]

    assert said.startswith(TEXT[name])
    assert seconds < (20 if name in MANY_VALUES else SECONDS)
