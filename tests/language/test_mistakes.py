"""Mistakes that people make in a neck of their own: each is told, at its place, with the way out.

The texts stand in mistakes.txt. After a change of a message write them anew, and read what changed:
``python -m tests.language.test_mistakes && git diff tests/language/mistakes.txt``
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fpngraph.errors import GraphError, Problem
from fpngraph.language.fixing import fixes, replaced
from fpngraph.library import loads
from tests.language.mistakes import MISTAKES, NECK

TEXTS = Path(__file__).with_name("mistakes.txt")
WARNED = {"unused-node"}


def wrong(name: str) -> str:
    """The neck with a mistake."""
    before, after = MISTAKES[name]
    assert NECK.count(before) == 1
    return NECK.replace(before, after)


def told(text: str) -> tuple[Problem, ...]:
    try:
        return loads(text).warnings
    except GraphError as error:
        return error.problems


def said(name: str) -> str:
    """What is said about a mistake, and what '--fix' makes of the lines that it changes."""
    text = wrong(name)
    problems = told(text)
    mended = replaced(text, fixes(problems, "<text>")).split("\n")
    lines = [f"  fixed: {line.strip()}" for line in mended if line not in text.split("\n")]
    return "\n".join([*map(str, problems), *lines])


def expected() -> dict[str, str]:
    """The texts by the names of the mistakes."""
    parts = TEXTS.read_text(encoding="utf-8").split("\n\n# ")
    return dict(part.strip("\n").removeprefix("# ").split("\n", 1) for part in parts)


def test_the_neck_itself_is_good() -> None:
    assert told(NECK) == ()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_this_text(name: str) -> None:
    assert said(name) == expected()[name]


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_on_a_line_that_it_changed_or_where_yaml_trips_over_it(name: str) -> None:
    text = wrong(name).split("\n")
    changed = {number for number, line in enumerate(text, 1) if line not in NECK.split("\n")}

    lines = {problem.line for problem in told(wrong(name))}

    trips = {"brace-forgotten": {20}, "repeat-without-outputs": {21}}
    missing = {1} if name.endswith("-forgotten") and not changed else set()
    assert lines & (trips.get(name) or missing or changed)


@pytest.mark.parametrize("name", [name for name in MISTAKES if fixes(told(wrong(name)), "<text>")])
def test_what_is_replaced_takes_its_problems_away(name: str) -> None:
    before = told(wrong(name))

    after = told(replaced(wrong(name), fixes(before, "<text>")))

    mended = {(it.code, it.message) for it in before if it.replacement}
    assert mended
    assert not mended & {(it.code, it.message) for it in after}


def test_all_are_errors_but_those_that_have_a_meaning() -> None:
    assert {name for name in MISTAKES if told(wrong(name))[0].severity == "warning"} == WARNED


def test_there_are_many_and_each_has_its_text() -> None:
    assert len(MISTAKES) > 40
    assert set(MISTAKES) == set(expected())


if __name__ == "__main__":
    TEXTS.write_text("\n\n".join(f"# {name}\n{said(name)}" for name in MISTAKES) + "\n", encoding="utf-8")
