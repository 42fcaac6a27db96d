"""YAML text to values with places, its limits, and back to text."""

from __future__ import annotations

import errno
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fpngraph.errors import GraphError, Span
from fpngraph.language.limits import MAX_BYTES
from fpngraph.language.yaml import source
from fpngraph.language.yaml.source import read, read_file
from fpngraph.language.yaml.value import Value
from fpngraph.language.yaml.writing import to_yaml


class Shallow(yaml.SafeLoader):
    """PyYAML's own parser with a limit of its own, as some versions of libyaml have one of 1,000."""

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level >= 100:
            raise yaml.scanner.ScannerError(None, None, "that is too deep", self.get_mark())
        super().fetch_flow_collection_start(token)


LOADERS = [pytest.param(yaml.SafeLoader, id="python"), pytest.param(Shallow, id="limited")]
if hasattr(yaml, "CSafeLoader"):
    LOADERS.append(pytest.param(yaml.CSafeLoader, id="libyaml"))


@pytest.fixture(params=LOADERS)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's parsers: not every installation has the compiled one."""
    monkeypatch.setattr(source, "_LOADER", request.param)


pytestmark = pytest.mark.usefixtures("_loader")


def marked(span: Span) -> str:
    return span.text[span.column - 1 : span.end - 1]


def assert_refused(text: str, expected: str) -> None:
    with pytest.raises(GraphError) as caught:
        read(text, "f.yaml")

    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("nuLL", "nuLL"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2001-12-14", "2001-12-14"),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-1.", -1.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("inf", "inf"),
        ("٣", "٣"),
        (".", "."),
        ("-", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("''", ""),
        ("=", "="),
        ("td(l+1) | P(l+1)", "td(l+1) | P(l+1)"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, expected: object) -> None:
    if text == "-":
        text, expected = "[-1, --1]", [-1, "--1"]

    found = read(f"a: {text}\n", "f.yaml").plain()["a"]

    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_a_number() -> None:
    assert math.isnan(read("a: .nan", "f.yaml").plain()["a"])


TREE = """\
name: 'a graph'   # quoted
nodes:
  td(3..7): {inputs: [P(l), "td(l+1)"], op: &op [act]}
  out:
    - first
    - {from: "C\\x35", op: *op}
text: |
  two
  lines
long: a
  b
none:
3: 4
"""


@pytest.mark.parametrize(
    ("path", "line", "shown", "verbatim"),
    [
        pytest.param([], 1, "name", False, id="top"),
        pytest.param(["name"], 1, "a graph", True, id="inside of quotes"),
        pytest.param(["nodes"], 3, "td(3..7)", False, id="block mapping: its first key"),
        pytest.param(
            ["nodes", "td(3..7)"], 3, '{inputs: [P(l), "td(l+1)"], op: &op [act]}', False, id="mapping in braces"
        ),
        pytest.param(["nodes", "td(3..7)", "inputs"], 3, '[P(l), "td(l+1)"]', False, id="list in brackets"),
        pytest.param(["nodes", "td(3..7)", "inputs", 1], 3, "td(l+1)", True, id="item"),
        pytest.param(["nodes", "td(3..7)", "op"], 3, "[act]", False, id="behind an anchor"),
        pytest.param(["nodes", "out"], 5, "first", False, id="block list: its first item"),
        pytest.param(["nodes", "out", 1, "from"], 6, '"C\\x35"', False, id="quotes with an escape"),
        pytest.param(["nodes", "out", 1, "op", 0], 3, "act", True, id="an alias stands where its anchor does"),
        pytest.param(["text"], 7, "|", False, id="literal block"),
        pytest.param(["long"], 10, "a", False, id="more than one line"),
        pytest.param(["none"], 12, "", True, id="nothing"),
        pytest.param([3], 13, "4", True, id="integer key"),
        pytest.param(["nodes", "out", 2], 5, "first", False, id="index too large: the list"),
        pytest.param(["nodes", "out", -1], 5, "first", False, id="negative index: the list"),
        pytest.param(["nodes", "td(3..7)", "inputs", 0, "from"], 3, "P(l)", True, id="below a scalar: the scalar"),
        pytest.param(
            ["nodes", "td(3..7)", "level"], 3, '{inputs: [P(l), "td(l+1)"], op: &op [act]}', False, id="no key"
        ),
    ],
)
def test_every_value_has_its_place(path: list[str | int], line: int, shown: str, *, verbatim: bool) -> None:
    value = read(TREE, "f.yaml").at(path)

    assert (value.span.line, marked(value.span), value.verbatim) == (line, shown, verbatim)
    assert value.span.text == TREE.splitlines()[line - 1]
    assert value.span.file == "f.yaml"


def test_every_key_has_its_place() -> None:
    nodes = read(TREE, "f.yaml").at(["nodes"])

    assert {key: (span.line, span.column, marked(span)) for key, span in nodes.key_spans.items()} == {
        "td(3..7)": (3, 3, "td(3..7)"),
        "out": (4, 3, "out"),
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("start", ["", "\ufeff", "%YAML 1.2\n---\n"], ids=["plain", "BOM", "directive"])
def test_columns_count_characters_whatever_the_line_ends(start: str, end: str) -> None:
    text = f"{start}a: 1\nüñ𝄞: [é, x]\n".replace("\n", end)

    value = read(text, "f.yaml").at(["üñ𝄞", 1])

    assert value.span == Span("f.yaml", 2 + 2 * start.startswith("%"), 10, 11, "üñ𝄞: [é, x]")


def test_merge_keys_give_way_to_what_is_written() -> None:
    text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nc:\n  y: 5\n  <<: [*b, *m]\n  x: 6\n'<<': text\n"

    value = read(text, "f.yaml")

    assert value.plain() == {
        "base": {"x": 1, "y": 2},
        "more": {"y": 3, "z": 4},
        "c": {"y": 5, "x": 6, "z": 4},
        "<<": "text",
    }
    merged = value.at(["c"])
    assert {key: (span.line, span.column) for key, span in merged.key_spans.items()} == {
        "y": (4, 3),
        "x": (6, 3),
        "z": (2, 17),
    }
    assert merged.at(["z"]).span.line == 2


def test_a_merged_mapping_is_not_changed() -> None:
    value = read("a: &a {x: 1}\nb: {<<: *a, x: 2, y: 3}\n", "f.yaml")

    assert value.plain() == {"a": {"x": 1}, "b": {"x": 2, "y": 3}}


BAD = [
    pytest.param(
        "",
        "f.yaml:1:1: a graph file is a mapping of keys to values, this one is empty [not-a-mapping]\n  1 | \n    | ^",
        id="empty",
    ),
    pytest.param(
        "# only\n",
        "f.yaml:1:1: a graph file is a mapping of keys to values, this one is empty [not-a-mapping]\n"
        "  1 | # only\n    | ^",
        id="comment",
    ),
    pytest.param(
        "--- ~",
        "f.yaml:1:5: a graph file is a mapping of keys to values, this one is empty [not-a-mapping]\n"
        "  1 | --- ~\n    |     ^",
        id="null",
    ),
    pytest.param(
        "- a\n- b\n",
        "f.yaml:1:3: a graph file is a mapping of keys to values, found a list [not-a-mapping]\n  1 | - a\n    |   ^",
        id="list",
    ),
    pytest.param(
        "bifpn",
        "f.yaml:1:1: a graph file is a mapping of keys to values, found 'bifpn' [not-a-mapping]\n"
        "  1 | bifpn\n    | ^^^^^",
        id="word",
    ),
    pytest.param(
        "a: 1\n--- # more\nb: 2\n",
        "f.yaml:2:1: a second document starts here, a graph file is one document [second-document]\n"
        "  2 | --- # more\n    | ^^^",
        id="two documents",
    ),
    pytest.param(
        "a: 1\nb: {x: 1, x: 2}\na: 2\na: 3\n",
        "f.yaml:2:11: duplicate key 'x': first on line 2 [duplicate-key]\n  2 | b: {x: 1, x: 2}\n    |           ^\n"
        "f.yaml:3:1: duplicate key 'a': first on line 1 [duplicate-key]\n  3 | a: 2\n    | ^\n"
        "f.yaml:4:1: duplicate key 'a': first on line 1 [duplicate-key]\n  4 | a: 3\n    | ^",
        id="duplicate keys",
    ),
    pytest.param(
        "3: a\n0x3: b\n",
        "f.yaml:2:1: duplicate key '0x3': first on line 1 [duplicate-key]\n  2 | 0x3: b\n    | ^^^",
        id="equal keys",
    ),
    pytest.param(
        "a: {<<: {x: 1}, <<: {y: 1}}\n",
        "f.yaml:1:17: duplicate key '<<': first on line 1 [duplicate-key]\n"
        "  1 | a: {<<: {x: 1}, <<: {y: 1}}\n    |                 ^^",
        id="two merge keys",
    ),
    pytest.param(
        "? [a, b]\n: 1\n? {c: d}\n: 2\n",
        "f.yaml:1:3: a key is a word or a number, found a list or a mapping [wrong-key]\n"
        "  1 | ? [a, b]\n    |   ^^^^^^\n"
        "f.yaml:3:3: a key is a word or a number, found a list or a mapping [wrong-key]\n"
        "  3 | ? {c: d}\n    |   ^^^^^^",
        id="keys that are lists and mappings",
    ),
    pytest.param(
        "a: !!python/object/apply:os.system ['true']\nb: &x !foo {c: 1}\n!!str c: !!str d\n",
        "f.yaml:1:4: a tag is not allowed, a graph file is data [yaml-tag]\n"
        "  1 | a: !!python/object/apply:os.system ['true']\n"
        "    |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  hint: leave the tag out\n"
        "f.yaml:2:7: a tag is not allowed, a graph file is data [yaml-tag]\n"
        "  2 | b: &x !foo {c: 1}\n"
        "    |       ^^^^\n"
        "  hint: leave the tag out\n"
        "f.yaml:3:1: a tag is not allowed, a graph file is data [yaml-tag]\n"
        "  3 | !!str c: !!str d\n"
        "    | ^^^^^\n"
        "  hint: leave the tag out\n"
        "f.yaml:3:10: a tag is not allowed, a graph file is data [yaml-tag]\n"
        "  3 | !!str c: !!str d\n"
        "    |          ^^^^^\n"
        "  hint: leave the tag out",
        id="tags",
    ),
    pytest.param(
        "a: !e!x 1\n",
        "f.yaml:1:4: not valid YAML: a tag is not allowed, a graph file is data [yaml-tag]\n"
        "  1 | a: !e!x 1\n    |    ^\n  hint: leave the tag out",
        id="unknown tag handle",
    ),
    pytest.param(
        "a: *x\nb: *y\n",
        "f.yaml:1:4: alias '*x' has no anchor '&x' before it [yaml-alias]\n  1 | a: *x\n    |    ^^\n"
        "f.yaml:2:4: alias '*y' has no anchor '&y' before it [yaml-alias]\n  2 | b: *y\n    |    ^^",
        id="undefined aliases",
    ),
    pytest.param(
        "a: &x [1, *x]\n",
        "f.yaml:1:11: alias '*x' stands inside what '&x' names [yaml-alias]\n  1 | a: &x [1, *x]\n    |           ^^",
        id="recursive alias",
    ),
    pytest.param(
        "a: {<<: 3}\nb: {<<: [{x: 1}, y]}\n",
        "f.yaml:1:9: '<<' merges a mapping or a list of mappings, found something else [yaml-merge]\n"
        "  1 | a: {<<: 3}\n    |         ^\n"
        "f.yaml:2:18: '<<' merges a mapping or a list of mappings, found something else [yaml-merge]\n"
        "  2 | b: {<<: [{x: 1}, y]}\n    |                  ^",
        id="merge of a scalar",
    ),
    pytest.param(
        "a: 1234567890123456789\nb: 0x1234567890123456789\nc: 1e999\n",
        "f.yaml:1:4: an integer of 19 digits, where at most 18 are allowed [number-too-large]\n"
        "  1 | a: 1234567890123456789\n    |    ^^^^^^^^^^^^^^^^^^^\n"
        "f.yaml:2:4: an integer of 19 digits, where at most 18 are allowed [number-too-large]\n"
        "  2 | b: 0x1234567890123456789\n    |    ^^^^^^^^^^^^^^^^^^^^^\n"
        "f.yaml:3:4: a number too large for a 64-bit float [number-too-large]\n"
        "  3 | c: 1e999\n    |    ^^^^^",
        id="large numbers",
    ),
    pytest.param(
        "é: ['ü', \x00]\n",
        "f.yaml:1:10: the character U+0000 is not allowed in YAML [forbidden-character]\n"
        "  1 | é: ['ü', \ufffd]\n    |          ^",
        id="NUL",
    ),
    pytest.param(
        "a: 1\r\nb: \ud800\r\n",
        "f.yaml:2:4: the character U+D800 is not allowed in YAML [forbidden-character]\n  2 | b: \ufffd\n    |    ^",
        id="half of a surrogate pair",
    ),
    pytest.param(
        "a: b\ufeff\n",
        "f.yaml:1:5: the character U+FEFF is not allowed in YAML [forbidden-character]\n  1 | a: b\ufffd\n    |     ^\n"
        "  hint: it is a byte order mark, which cannot be seen: delete it",
        id="byte order mark inside",
    ),
    pytest.param(
        "a:\n\tb: 1\n",
        "f.yaml:2:1: not valid YAML: a tab where indentation is expected [yaml-syntax]\n"
        "  2 |  b: 1\n    | ^\n  hint: indent with spaces",
        id="tab",
    ),
    pytest.param(
        "a: b\n\tc\n",
        "f.yaml:2:1: not valid YAML: a tab where indentation is expected [yaml-syntax]\n"
        "  2 |  c\n    | ^\n  hint: indent with spaces",
        id="tab in a text",
    ),
    pytest.param(
        "a: @b\n",
        "f.yaml:1:4: not valid YAML: a value cannot start with '@' [yaml-syntax]\n"
        "  1 | a: @b\n    |    ^\n  hint: put the text in quotes",
        id="reserved sign",
    ),
    pytest.param(
        "a: [b, c\n",
        "f.yaml:1:4: not valid YAML: '[' is never closed [yaml-syntax]\n  1 | a: [b, c\n    |    ^",
        id="bracket",
    ),
    pytest.param(
        "a: {b: c\n\n\n",
        "f.yaml:1:4: not valid YAML: '{' is never closed [yaml-syntax]\n  1 | a: {b: c\n    |    ^",
        id="brace",
    ),
    pytest.param(
        "a: [b, c\nd: 1\n",
        "f.yaml:2:2: not valid YAML: expected ',' or ']' in the list that starts on line 1 [yaml-syntax]\n"
        "  2 | d: 1\n    |  ^\n  hint: one of them is missing before here",
        id="bracket before the next key",
    ),
    pytest.param(
        "a: {b: c\nd: 1\n",
        "f.yaml:2:2: not valid YAML: expected ',' or '}' in the mapping that starts on line 1 [yaml-syntax]\n"
        "  2 | d: 1\n    |  ^\n  hint: one of them is missing before here",
        id="brace before the next key",
    ),
    pytest.param(
        "a: b: c\n",
        "f.yaml:1:5: not valid YAML: ':' is not allowed here [yaml-syntax]\n  1 | a: b: c\n    |     ^\n"
        "  hint: check the indentation, and put text that contains ': ' in quotes",
        id="colon",
    ),
    pytest.param(
        "a: - b\n",
        "f.yaml:1:4: not valid YAML: '-' is not allowed here [yaml-syntax]\n  1 | a: - b\n    |    ^\n"
        "  hint: an item of a list starts on a line of its own",
        id="dash",
    ),
    pytest.param(
        "a: 'b\n",
        "f.yaml:1:4: not valid YAML: \"'\" is never closed [yaml-syntax]\n  1 | a: 'b\n    |    ^",
        id="quote",
    ),
    pytest.param(
        "a:\n  b: 1\n c: 2\n",
        "f.yaml:3:2: not valid YAML: 'c' does not continue the mapping that starts on line 1 [yaml-syntax]\n"
        "  3 |  c: 2\n    |  ^\n  hint: check indentation and quotes",
        id="indentation",
    ),
    pytest.param(
        "- a\nb: 1\n",
        "f.yaml:2:1: not valid YAML: 'b' does not continue the list that starts on line 1 [yaml-syntax]\n"
        "  2 | b: 1\n    | ^\n  hint: check indentation and quotes",
        id="a key in a list",
    ),
    pytest.param(
        "a: 1\nb\nc: 2\n",
        "f.yaml:2:1: not valid YAML: expected ':' after this key [yaml-syntax]\n  2 | b\n    | ^\n"
        "  hint: a key and its value are joined by ': '",
        id="no colon",
    ),
    pytest.param(
        "a: 1\nb:2\n",
        "f.yaml:2:1: not valid YAML: expected a space after the ':' of this key [yaml-syntax]\n  2 | b:2\n    | ^^^\n"
        "  hint: write the space",
        id="no space after the colon",
    ),
    pytest.param(
        "a:\n  b = 1\n\n  c: 2\n",
        "f.yaml:2:3: not valid YAML: a line without ':' above a key [yaml-syntax]\n  2 |   b = 1\n    |   ^^^^^\n"
        "  hint: a key and its value are joined by ': '",
        id="a line without a colon",
    ),
    pytest.param(
        "a: [1, , 2]\n",
        "f.yaml:1:8: not valid YAML: expected a value, found ',' [yaml-syntax]\n  1 | a: [1, , 2]\n    |        ^",
        id="missing item",
    ),
    pytest.param(
        "%YAML 2.0\n---\na: 1\n",
        "f.yaml:1:1: not valid YAML: a version of YAML other than 1 [yaml-syntax]\n  1 | %YAML 2.0\n    | ^",
        id="YAML 2",
    ),
    pytest.param(
        "a: 1\na: 2\nb: [c\n",
        "f.yaml:2:1: duplicate key 'a': first on line 1 [duplicate-key]\n  2 | a: 2\n    | ^\n"
        "f.yaml:3:4: not valid YAML: '[' is never closed [yaml-syntax]\n  3 | b: [c\n    |    ^",
        id="what was found before the text stops being YAML",
    ),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_what_is_no_graph_file_is_refused_with_every_place(text: str, expected: str) -> None:
    assert_refused(text, expected)


def alias_bomb() -> str:
    rows = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)]
    return "".join(["a0: &a0 [x, x]\n", *rows])


DEEP = "f.yaml:{}: lists and mappings are nested deeper than 40 levels [limit-exceeded]"
STRAY = "f.yaml:{}: not valid YAML: a value cannot start with '`' [yaml-syntax]"
HOSTILE = [
    pytest.param("[" * 100_000, DEEP.format("1:41"), id="brackets"),
    pytest.param("x: " + "{a: " * 100_000, DEEP.format("1:160"), id="braces"),
    pytest.param("x: 1\ny: " + "{" * 5000, DEEP.format("2:43"), id="braces without keys"),
    pytest.param("- " * 30 + "[" * 5000, DEEP.format("1:71"), id="brackets below dashes"),
    pytest.param("{a: " * 30 + "[" * 5000, DEEP.format("1:131"), id="brackets below braces"),
    pytest.param("x: ['[[[', [], " + "[" * 5000, DEEP.format("1:54"), id="brackets after others"),
    pytest.param("x: # [[[\r\n  &a # [[[\n " + "[" * 5000, DEEP.format("3:41"), id="brackets after comments"),
    pytest.param("[\n" * 30 + "[" * 5000, DEEP.format("31:11"), id="brackets below lines of them"),
    pytest.param("[" * 45 + "`", DEEP.format("1:41"), id="a mistake behind brackets"),
    pytest.param("x: y" + "[" * 5000 + "\nz: [1, `]", STRAY.format("2:8"), id="brackets in text"),
    pytest.param("# " + "[" * 5000 + "\nz: [1, `]", STRAY.format("2:8"), id="brackets in a comment"),
    pytest.param(
        "x: [1, }" + "[" * 60,
        "f.yaml:1:8: not valid YAML: expected a value, found '}' [yaml-syntax]",
        id="another mistake first",
    ),
    pytest.param("[" * 35 + "]" * 35 + "`" + "[" * 9, STRAY.format("1:71"), id="a mistake before brackets"),
    pytest.param("[\n" * 100_000, DEEP.format("41:1"), id="brackets on lines"),
    pytest.param("- " * 100_000, DEEP.format("1:81"), id="dashes"),
    pytest.param("? " * 100_000, DEEP.format("1:81"), id="question marks"),
    pytest.param("".join(" " * i + "a:\n" for i in range(1000)), DEEP.format("41:41"), id="indentation"),
    pytest.param(
        alias_bomb(), "f.yaml:6:10: aliases expand the file to more than 40000 values [limit-exceeded]", id="alias bomb"
    ),
    pytest.param(
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000)),
        "f.yaml:40:12: aliases nest lists and mappings deeper than 40 levels [limit-exceeded]",
        id="ladder of aliases",
    ),
    pytest.param(
        "a: " + "9" * 100_000,
        "f.yaml:1:4: an integer of 100000 digits, where at most 18 are allowed [number-too-large]",
        id="integer",
    ),
]


@pytest.mark.parametrize(("text", "expected"), HOSTILE)
def test_limits_hold_before_anything_large_is_built(text: str, expected: str) -> None:
    start = time.process_time()

    with pytest.raises(GraphError) as caught:
        read(text, "f.yaml")

    assert time.process_time() - start < 5
    assert str(caught.value).splitlines()[0] == expected


def test_reading_ends_with_the_hundredth_problem() -> None:
    with pytest.raises(GraphError) as caught:
        read("a: 1\n" * 1000, "f.yaml")

    assert len(caught.value.problems) == 100


def test_forty_levels_can_be_read() -> None:
    text = "a: " + "[" * 39 + "]" * 39

    assert to_yaml(read(text, "f.yaml").plain()) == text + "\n"


def test_aliases_reach_the_fortieth_level() -> None:
    text = "a: &a " + "[" * 20 + "]" * 20 + "\nb: " + "[" * 19 + "*a" + "]" * 19

    assert read(text, "f.yaml").plain()["b"] == read("b: " + "[" * 39 + "]" * 39, "f.yaml").plain()["b"]


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "g.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")

    value = read_file(path)

    assert value.plain() == {"a": "é"}
    assert value.at(["a"]).span == Span(str(path), 1, 4, 5, "a: é")


def test_a_file_that_is_not_utf_8_has_a_place(tmp_path: Path) -> None:
    path = tmp_path / "g.yaml"
    path.write_bytes(b"a: 1\r\nb: \xc3\xa9\xe9\n")

    with pytest.raises(GraphError) as caught:
        read_file(path)

    assert str(caught.value) == (
        f"{path}:2:5: not UTF-8: the byte 0xe9 (invalid continuation byte) [not-utf8]\n"
        "  2 | b: é\ufffd\n    |     ^\n  hint: save the file as UTF-8"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing.yaml", "No such file or directory"),
        ("folder", "it is a directory"),
        ("pipe", "it is not a regular file"),
        ("file/g.yaml", "Not a directory"),
        ("n" * 300, os.strerror(errno.ENAMETOOLONG)),
        ("a\0b", "no file can be called so"),
    ],
    ids=["missing", "folder", "FIFO", "below a file", "long", "NUL"],
)
def test_what_cannot_be_read_says_why(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(GraphError) as caught:
        read_file(tmp_path / name)

    assert str(caught.value) == f"cannot read {str(tmp_path / name)!r}: {reason} [unreadable-file]"


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "g.yaml"
    with path.open("wb") as file:
        file.truncate(10**9)

    with pytest.raises(GraphError) as caught:
        read_file(path)

    assert str(caught.value) == (
        f"cannot read {str(path)!r}: it has 1000000000 bytes, a graph file has at most {MAX_BYTES} [limit-exceeded]"
    )


GRAPH = """\
fpngraph: 1
name: A
description: "On, off: a test."
params: {min: 3, max: 7, "on": "on", act: "null"}
presets:
  d0: {min: 4}
inputs: P(min..5)
defaults: {channels: $channels, norm: {batch_norm: {eps: 0.001}}}
stages:
  first:
    repeat: $(max // 2)
    nodes:
      td(3..7): {inputs: [P(l), td(l+1) | none]}
    outputs: {P(3..7): td(l)}
outputs:
  - from: P(3)
    a_rather_long_key: with a rather long value
    another: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
  - - a list in a list that is too long for a line of its own
    - and so has a line for every item of the inner list
    - as well as for those of the outer one
  - []
  - {}
"""


def test_dump_writes_what_a_person_would() -> None:
    assert to_yaml(read(GRAPH, "f.yaml").plain()) == GRAPH


texts = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.sampled_from(["<<", "---", "...", "a: b", "a:b", "a #b", "- a", "010", "1e3", "~", "a,b", "a, b", "x" * 200])
    | st.text("a1 :,[]{}#&*!|>'\"%@`-?\n\\.", max_size=12)
)
scalars = st.none() | st.booleans() | st.integers(-(10**18) + 1, 10**18 - 1) | st.floats(allow_nan=False) | texts
data = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8) | st.integers(0, 99), inner),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(texts, data, max_size=6))
def test_what_dump_writes_reads_back_equal(data: dict[str, Any]) -> None:
    text = to_yaml(data)

    assert repr(read(text, "f.yaml").plain()) == repr(data)  # which tells 1, 1.0 and True apart


class Word(str):
    """Shows itself as something else, as an enum of texts does."""

    __slots__ = ()

    def __str__(self) -> str:
        return "Act.RELU"


def test_a_text_is_written_as_it_is_however_it_shows_itself() -> None:
    assert to_yaml({Word("relu"): [Word("relu")], "act": Word("relu")}) == "relu: [relu]\nact: relu\n"


def cyclic() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["a"] = [data]
    return data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param([1], "a graph file is a mapping, not list", id="list"),
        pytest.param({"a": {1, 2}}, "a value of type set is no plain data", id="set"),
        pytest.param({"a": [object()]}, "a value of type object is no plain data", id="object"),
        pytest.param({"a": b"x"}, "a value of type bytes is no plain data", id="bytes"),
        pytest.param({"a": {True: 1}}, "the key True is neither a string nor an integer", id="boolean key"),
        pytest.param({"a": {(1, 2): 1}}, "the key (1, 2) is neither a string nor an integer", id="tuple key"),
        pytest.param({"a": 10**18}, "an integer of more than 18 digits", id="large integer"),
        pytest.param({"a": "\ud800"}, "half of a surrogate pair is no character", id="half a surrogate pair"),
        pytest.param({"a" * 1001: 1}, "a key of more than 1000 characters", id="long key"),
        pytest.param(
            cyclic(), "lists and mappings are nested deeper than 40 levels, or contain themselves", id="cycle"
        ),
    ],
)
def test_dump_refuses_what_would_not_read_back(data: Any, reason: str) -> None:
    with pytest.raises(GraphError) as caught:
        to_yaml(data)

    assert str(caught.value) == f"cannot be written as YAML: {reason} [not-plain-data]"


@pytest.mark.slow
def test_dump_refuses_shared_lists_that_would_fill_the_disk() -> None:
    data: dict[str, Any] = {"a": 1}
    for _ in range(30):
        data = {"a": data, "b": data}

    with pytest.raises(
        GraphError, match=r"^cannot be written as YAML: it has more than 40000 values \[not-plain-data\]$"
    ):
        to_yaml(data)


YAML_PIECES = [
    *"a1 \n:-[]{},#&*!|>'\"%@`?\t\\",
    "\n  ",
    ": ",
    "- ",
    "<<: ",
    "&a ",
    "*a",
    "---\n",
    "...\n",
    "!!str ",
    "{a: ",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40) | st.lists(st.sampled_from(YAML_PIECES), max_size=20).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = read(text, "f.yaml")
    except GraphError as error:
        places = [problem.span for problem in error.problems]
    else:
        places = [value.span]
        assert_places(value)

    assert places
    assert None not in places


def assert_places(value: Value) -> None:
    """Whatever is verbatim is the text at its place."""
    if isinstance(value.data, str) and value.verbatim:
        assert marked(value.span) == value.data
    for inner in (
        value.data.values() if isinstance(value.data, dict) else value.data if isinstance(value.data, tuple) else ()
    ):
        assert_places(inner)


def test_a_text_may_be_as_large_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 4)

    with pytest.raises(GraphError) as caught:
        read("a: 10", "f.yaml")

    assert read("a: 1", "f.yaml").plain() == {"a": 1}
    assert str(caught.value) == "cannot read 'f.yaml': it has 5 bytes, a graph file has at most 4 [limit-exceeded]"


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(st.text("abyn", min_size=1, max_size=3), scalars.filter(lambda item: item != "=")))
def test_readers_of_yaml_1_1_read_the_same(data: dict[str, Any]) -> None:
    assert repr(yaml.safe_load(to_yaml(data))) == repr(data)


@pytest.mark.slow
def test_large_graphs_are_read_in_seconds() -> None:
    nodes = {f"n{i}": {"inputs": [f"n{i - 1}", f"n{i - 2}"], "channels": 64} for i in range(4_400)}
    text = to_yaml({"nodes": nodes})
    start = time.process_time()

    value = read(text, "f.yaml")

    assert time.process_time() - start < 30
    assert value.plain() == {"nodes": nodes}
