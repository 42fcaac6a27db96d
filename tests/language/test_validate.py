"""pydantic's findings as problems with a place. Most texts are in bad_files.txt; here is what holds for all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from fpngraph.errors import Problem
from fpngraph.language.keys.findings import About, shown, validate
from fpngraph.language.yaml.source import read


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: int = Field(default=1, gt=0, le=9)
    share: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False)


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    entries: list[Inner] = Field(min_length=1, max_length=2)
    named: dict[str, Inner] = {}
    flag: bool = False
    text: str = Field("x", min_length=1)
    source: str = Field("", alias="from")


def said(text: str, name: str | None = "it") -> list[tuple[int, str]]:
    """Column and message of every problem."""
    value = read(text, "f.yaml")
    problems: list[Problem] = []
    model = validate(Outer, value, problems, value.plain(), About(name))
    assert (model is None) is bool(problems)
    return [(problem.column or 0, problem.message) for problem in problems]


def test_what_is_right_has_no_problems() -> None:
    assert said("{entries: [{size: 3, share: 0}], flag: true, from: a}") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{entries: [{size: 0}]}", [(19, "'size' is 0, but must be above 0")]),
        ("{entries: [{size: 10}]}", [(19, "'size' is 10, but must be at most 9")]),
        ("{entries: [{size: 3.5}]}", [(19, "'size' is 3.5, but must be an integer")]),
        ("{entries: [{size: true}]}", [(19, "'size' is true, but must be an integer")]),
        ("{entries: [{size: }]}", [(19, "'size' is empty, but must be an integer")]),
        ("{entries: [{share: -1}]}", [(20, "'share' is -1, but must be at least 0.0")]),
        ("{entries: [{share: 1}]}", [(20, "'share' is 1, but must be below 1.0")]),
        ("{entries: [{share: .nan}]}", [(20, "'share' is nan, but must be a finite number")]),
        ("{entries: [{share: a}]}", [(20, "'share' is 'a', but must be a number")]),
        ("{entries: [3]}", [(12, "an entry of 'entries' is 3, but must be a mapping")]),
        ("{entries: 3}", [(11, "'entries' is 3, but must be a list")]),
        ("{entries: {}}", [(11, "'entries' is an empty mapping, but must be a list")]),
        ("{entries: []}", [(11, "'entries' is an empty list, but must be a list with at least one entry")]),
        ("{entries: [{}, {}, {}]}", [(11, "'entries' is a list, but must be a list with at most 2 entries")]),
        ("{entries: [{}], named: []}", [(24, "'named' is an empty list, but must be a mapping")]),
        ("{entries: [{}], named: {a: {size: x}}}", [(35, "'size' is 'x', but must be an integer")]),
        ("{entries: [{}], named: {a: 3}}", [(28, "'a' is 3, but must be a mapping")]),
        ("{entries: [{}], text: 3}", [(23, "'text' is 3, but must be a string")]),
        ("{entries: [{}], text: ''}", [(24, "'text' is '', but must be a text of at least one character")]),
        ("{entries: [{}], from: 3}", [(23, "'from' is 3, but must be a string")]),
        ("{}", [(1, "the key 'entries' is missing in 'it'")]),
        ("{entries: [{}, {sise: 3}]}", [(17, "unknown key 'sise'")]),
        ("{entries: [{}], source: 3}", [(17, "unknown key 'source'")]),
        (
            "{entries: [{}], named: {3: {}, b: {}, ~: {}}}",
            [(25, "expected a name, found '3'"), (39, "expected a name, found '~'")],
        ),
    ],
)
def test_what_is_wrong_says_what_was_found_and_required(text: str, expected: list[tuple[int, str]]) -> None:
    assert said(text) == expected


def test_without_a_name_the_file_is_meant() -> None:
    assert said("{}", None) == [(1, "the key 'entries' is missing")]


def test_the_hint_of_an_unknown_key_has_the_keys_of_its_place() -> None:
    value = read("{entries: [{sise: 3}], form: a}", "f.yaml")
    problems: list[Problem] = []

    validate(Outer, value, problems, value.plain())

    assert [problem.hint for problem in problems] == [
        "did you mean 'size'? There are: size, share",
        "did you mean 'from'? There are: entries, named, flag, text, from",
    ]


@pytest.mark.parametrize(
    ("word", "meant"), [("yes", "true"), ("No", "false"), ("ON", "true"), ("off", "false"), ("y", "true")]
)
def test_a_boolean_of_yaml_1_1_gets_a_hint(word: str, meant: str) -> None:
    value = read(f"{{entries: [{{}}], flag: {word}}}", "f.yaml")
    problems: list[Problem] = []

    validate(Outer, value, problems, value.plain())

    hint = f"in YAML 1.2 'yes', 'no', 'on' and 'off' are text; write {meant!r}"
    assert [(problem.message, problem.hint) for problem in problems] == [
        (f"'flag' is {word!r}, but must be true or false", hint)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", "3"),
        ("1e-3", "0.001"),
        ("a", "'a'"),
        ("''", "''"),
        ("true", "true"),
        ("~", "empty"),
        ("[]", "an empty list"),
        ("[1]", "a list"),
        ("{}", "an empty mapping"),
        ("{a: 1}", "a mapping"),
        ("x" * 60, "'" + "x" * 60 + "'"),
        ("x" * 61, "'" + "x" * 57 + "...'"),
    ],
)
def test_a_value_is_shown_briefly(text: str, expected: str) -> None:
    assert shown(read(f"a: {text}", "f.yaml").at(["a"])) == expected


def test_many_findings_are_told_up_to_a_number_somebody_can_read() -> None:
    entries: Any = ", ".join(f"a{index}: {{size: 0}}" for index in range(2000))
    value = read(f"{{entries: [{{}}], named: {{{entries}}}}}", "f.yaml")
    problems: list[Problem] = []

    validate(Outer, value, problems, value.plain())

    assert len(problems) == 1000
