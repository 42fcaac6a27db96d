"""The page of errors: every code with an example that gives it.

After a change of a message or a code write it anew, and read what changed:
``python -m tests.test_errors_doc && git diff docs/errors.md``
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import fpngraph
from fpngraph.cli.main import main
from fpngraph.codes import MEANINGS, Code
from tests.language.bad_files import BAD, HEAD, nodes, params, stages

PAGE = Path(__file__).parent.parent / "docs" / "errors.md"
INTRODUCTION = """\
# Errors and warnings

What each message means, with an example. Search this page for the code of yours: the word in brackets at the end of its
first line, such as `unknown-key`.

- An **error** stops a graph from being loaded or used. A **warning** is for what is odd but has a meaning.
- If a hint replaces one text by another, `fpngraph check --fix` writes it: see [check.md](check.md).
- In Python, `GraphError.problems` and `graph.warnings` have each problem as a value, with its `code`, its `replacement`
  and its place. A code keeps its name when its message gets better.

In the examples `neck.yaml` is the file above the command. The tests run all of them.
"""
GROUPS: dict[Code, str] = {
    "unreadable-file": "the file",
    "yaml-syntax": "YAML",
    "limit-exceeded": "limits",
    "unknown-key": "keys and values",
    "name-syntax": "names and levels",
    "no-inputs": "inputs and outputs",
    "reference-syntax": "references",
    "repeat-without-outputs": "stages, and graphs in graphs",
    "cycle": "cycles",
    "expression-syntax": "parameters and indices",
    "channels-unknown": "channels",
    "unknown-scale": "other libraries",
}
"""The first code of each group of errors, in the order of the list of codes, and what the group is about."""


@dataclass(frozen=True)
class Example:
    """A file and the command that tells what is wrong with it."""

    text: str = ""
    command: str = "fpngraph check neck.yaml"
    shell: str = ""
    """In place of the text, what makes a file that a page cannot show."""


def use(*lines: str, inputs: str = "P(4..5)") -> str:
    """A file with a stage that uses a graph, which stands in place; ``lines`` are more of the stage."""
    inner = (
        "{fpngraph: 1, name: one, params: {act: relu}, inputs: P4, nodes: {b4: {inputs: [P4], act: $act}}, outputs: b4}"
    )
    written = "".join(f"    {line}\n" for line in (f"use: {inner}", *lines))
    return f"{HEAD}inputs: {inputs}\nstages:\n  one:\n{written}outputs: b4\n"


MODEL = """\
scales:
  n: [0.33, 0.25, 1024]
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
head:
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 0], 1, Sum, []]
  - [[-1], 1, Detect, [80]]
"""
NECK = nodes("a4: {inputs: [P4, P5], channels: 64}", inputs="P(4..5)")
FROM_THE_CORPUS: dict[Code, str] = {
    "yaml-syntax": "yaml-bracket-not-closed",
    "yaml-tag": "yaml-own-tag",
    "yaml-alias": "yaml-undefined-alias",
    "yaml-merge": "yaml-merge-of-a-scalar",
    "second-document": "yaml-two-documents",
    "not-a-mapping": "yaml-list-at-the-top",
    "wrong-key": "yaml-key-is-a-list",
    "duplicate-key": "yaml-duplicate-setting",
    "limit-exceeded": "node-range-of-a-billion",
    "number-too-large": "reference-product-too-large",
    "unknown-key": "node-near-miss-key",
    "missing-key": "node-without-inputs",
    "wrong-value": "node-padding-unknown",
    "unknown-operator": "fusion-near-miss",
    "nodes-or-stages": "top-nodes-and-stages",
    "nodes-or-use": "stage-without-nodes",
    "name-syntax": "node-name-with-a-dash",
    "reserved-name": "node-name-of-a-module",
    "declared-twice": "node-overlapping-families",
    "name-taken": "node-named-as-an-input",
    "index-out-of-range": "node-index-too-large-for-a-level",
    "missing-level": "node-without-level",
    "no-inputs": "inputs-empty-list",
    "no-outputs": "outputs-empty-list",
    "reference-syntax": "reference-range-without-parentheses",
    "unknown-name": "reference-near-miss-family",
    "unresolved-reference": "reference-one-above-the-top",
    "output-reference": "outputs-single-name-for-a-range",
    "repeat-without-outputs": "stage-repeat-without-outputs",
    "cycle": "cycle-of-2",
    "expression-syntax": "param-expression-division",
    "division-by-zero": "param-expression-divides-by-zero",
    "no-index": "node-l-without-an-index",
    "unknown-param": "param-near-miss",
    "nested-param": "param-refers-to-a-param",
    "param-type": "preset-of-another-type",
    "table-entry": "param-table-without-the-index",
    "channels-unknown": "node-channels-lacks-the-level",
    "channels-unequal": "shape-unequal-without-a-number",
    "wrong-channels": "shape-of-a-layer-of-other-channels",
    "does-not-fit": "shape-groups-of-a-norm",
}
OTHERS: dict[Code, Example] = {
    "unreadable-file": Example(command="fpngraph check nekc.yaml"),
    "unknown-graph": Example(command="fpngraph check bifpm"),
    "not-utf8": Example(shell=r"printf 'name: caf\351\n' > neck.yaml"),
    "forbidden-character": Example(shell=r"printf 'name: one\302\205two\n' > neck.yaml"),
    "unknown-preset": Example(
        params("{width: 64}", presets="presets: {small: {width: 32}}\n"), "fpngraph check neck.yaml --preset smal"
    ),
    "in-channels": Example(NECK, "fpngraph check neck.yaml --in-channels 64"),
    "use-path": Example(stages("one: {use: ../other.yaml}", outputs="P4")),
    "use-cycle": Example(stages("one: {use: neck.yaml}", outputs="P4")),
    "unknown-input": Example(use("inputs: {P5: P5}")),
    "used-input": Example(use("inputs: {P4: P5}")),
    "unknown-scale": Example(MODEL, "fpngraph convert ultralytics neck.yaml --scale x"),
    "not-converted": Example(MODEL, "fpngraph convert ultralytics neck.yaml"),
    "unreached-param": Example(use(inputs="P4").replace("stages:", "defaults: {act: silu}\nstages:")),
    "empty-family": Example(nodes("a4: {inputs: [P4]}", "b(6..5): {inputs: [P(l)]}", inputs="P4")),
    "unused-node": Example(nodes("a4: {inputs: [P4]}", "b4: {inputs: [a4]}", inputs="P4")),
    "unused-input": Example(nodes("a4: {inputs: [P4]}", inputs="P(4..5)")),
    "output-level": Example(nodes("a4: {inputs: [P4]}", inputs="P4", outputs="{P5: a4}")),
    "one-weighted-input": Example(nodes("a4: {inputs: [P4], fusion: softmax}", inputs="P4")),
    "reads-twice": Example(nodes("a4: {inputs: [P4, P4]}", inputs="P4")),
}
"""What the corpus, which has mistakes of a text alone, does not have."""
IN_PYTHON: dict[Code, tuple[str, str]] = {
    "not-plain-data": ('fpngraph.loads({"fpngraph": 1, "name": {1, 2}})', ""),
    "names-table": (
        'fpngraph.load_from(neck, weights, "mine", table="neck.yaml")',
        "source: mine\nnames:\n  - {ours: a4.op, theirs: neck.4, as: block}\n",
    ),
}
"""What no command gives: a line of Python, and the file that it reads, if any."""


def examples() -> dict[Code, Example]:
    texts = dict(BAD)
    found = {code: Example(texts[name]) for code, name in FROM_THE_CORPUS.items()} | OTHERS
    return {code: found[code] for code in MEANINGS if code not in IN_PYTHON}


def printed(example: Example) -> str:
    """What the command prints."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as path, contextlib.chdir(path), _into(output):
        if example.shell:
            subprocess.run(["sh", "-c", example.shell], check=True)
        elif example.text:
            Path("neck.yaml").write_text(example.text, encoding="utf-8")
        main(example.command.split()[1:])
        output.seek(0)
        return output.read()


@contextlib.contextmanager
def _into(output: io.TextIOWrapper) -> Iterator[None]:
    """Where both what a command gives and what it refuses go."""
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        yield


def section(code: Code, example: Example) -> str:
    shell = f"$ {example.shell}\n" if example.shell else ""
    file = f"```yaml\n{example.text}```\n\n" if example.text else ""
    return f"{heading(code)}{file}```console\n{shell}$ {example.command}\n{printed(example)}```\n"


def heading(code: Code) -> str:
    return f"### {code}\n\n{MEANINGS[code]}\n\n"


def in_python(code: Code) -> str:
    line, text = IN_PYTHON[code]
    neck = fpngraph.build(fpngraph.loads(nodes("a4: {inputs: [P4]}", inputs="P4")), [8])
    with tempfile.TemporaryDirectory() as path, contextlib.chdir(path):
        Path("neck.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(fpngraph.GraphError) as caught:
            exec(line, {"fpngraph": fpngraph, "neck": neck, "weights": {}})
    file = f"```yaml\n{text}```\n\n" if text else ""
    return f"{heading(code)}{file}```python\n{line}\n```\n\n```text\n{caught.value}\n```\n"


def index(errors: list[Code], warnings: list[Code]) -> str:
    """A table of all codes by what they are about."""
    groups: dict[str, list[Code]] = {}
    about = ""
    for code in errors:
        about = GROUPS.get(code, about)
        groups.setdefault(about, []).append(code)
    groups["warnings"] = warnings
    rows = [f"| {about} | {', '.join(f'[{it}](#{it})' for it in codes)} |" for about, codes in groups.items()]
    return "\n".join(["| About | Codes |", "|---|---|", *rows, ""])


def page() -> str:
    """The whole page: errors, then warnings, in the order of the list of codes."""
    sections = {code: section(code, example) for code, example in examples().items()}
    sections |= {code: in_python(code) for code in IN_PYTHON}
    warnings = [code for code, text in sections.items() if ": warning: " in text]
    parts = {"## Errors": [code for code in MEANINGS if code not in warnings], "## Warnings": warnings}
    written = [INTRODUCTION, index(parts["## Errors"], warnings)]
    for title, codes in parts.items():
        written += [f"{title}\n", *(sections[code] for code in codes)]
    return "\n".join(written)


def test_every_code_has_an_example() -> None:
    assert {*examples(), *IN_PYTHON} == set(MEANINGS)


@pytest.mark.parametrize("code", examples())
def test_an_example_gives_its_code_and_no_other(code: Code) -> None:
    said = printed(examples()[code])

    assert re.findall(r"^\S.* \[([a-z0-9-]+)\]$", said, re.MULTILINE) == [code]


def test_every_code_is_in_the_table_once() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## Errors")[0]

    assert sorted(re.findall(r"\(#([a-z0-9-]+)\)", table)) == sorted(MEANINGS)
    assert GROUPS.keys() <= MEANINGS.keys()


def test_the_page_is_what_the_examples_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
