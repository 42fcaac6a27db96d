"""Hints that are a replacement: what is written in place of what, and that it mends the file."""

from __future__ import annotations

import pytest

from fpngraph.errors import GraphError, Problem, Replacement, Span
from fpngraph.language.fixing import fixes, replaced
from fpngraph.library import loads
from tests.language.bad_files import BAD, nodes, params


def problems(text: str) -> tuple[Problem, ...]:
    """What is wrong with a file, warnings too."""
    try:
        return loads(text).warnings
    except GraphError as error:
        return error.problems


REPLACED = [(name, text) for name, text in BAD if fixes(problems(text), "<text>")]


@pytest.mark.parametrize(("name", "text"), REPLACED, ids=[name for name, _ in REPLACED])
def test_a_replacement_takes_its_problem_away_and_brings_none_of_the_same_place(name: str, text: str) -> None:
    before = problems(text)

    after = problems(replaced(text, fixes(before, "<text>")))

    mended = [it for it in before if it.replacement]
    assert mended
    assert not {(it.code, it.message) for it in mended} & {(it.code, it.message) for it in after}


SLIPS = {
    "key": ("fuson", "fusion", nodes("a4: {inputs: [P4], fuson: sum}  # why")),
    "in-quotes": ("Sum", "sum", nodes('a4: {inputs: [P4], fusion: "Sum"}')),
    "family": ("p4", "P4", nodes("a4: {inputs: [p4]}")),
    "name": ("merg]", "merge]", nodes("merge: {inputs: [P4], level: 4}", outputs="[merg]")),
    "parameter": ("$Wide", "$wide", params("{wide: 8}", "a4: {inputs: [P4], channels: $Wide}")),
    "in-an-expression": ("wyde", "wide", params("{wide: 8}", "a4: {inputs: [P4], channels: $(2 * wyde)}")),
    "in-a-preset": ("wde", "wide", params("{wide: 8}", presets="presets: {one: {wde: 9}}\n")),
    "space": ("P (4)", "P(4)", nodes("a4: {inputs: [P (4)]}")),
    "zeros": ("P004", "P4", nodes("a4: {inputs: [P004]}")),
    "layer": ("cnv", "conv", nodes("a4: {inputs: [P4], op: [{cnv: {kernel: 3, biass: true}}]}")),
}


@pytest.mark.parametrize(("found", "meant", "text"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_replaced_and_all_else_stays(found: str, meant: str, text: str) -> None:
    assert replaced(text, fixes(problems(text), "<text>")) == text.replace(found, meant)


@pytest.mark.parametrize(
    "text",
    [
        nodes("a4: {inputs: [P4], fusion: conv}"),
        nodes("a4: {inputs: [P4], op: [deconv]}"),
        nodes("a4: {inputs: [P4], op: [dwconv]}"),
        nodes("a4: {inputs: [P4], op: [c3x]}"),
        nodes("a4: {inputs: [P4], op: [{conv: {in_channels: 8}}]}"),
        nodes("a4: {inputs: [P4], op: conv, norm, act}"),
        nodes("a4: {inputs: [P4], resample: {down: down}}"),
        params("{width: 8}", "a4: {inputs: [P4], channels: $depth}"),
        "{name: x, inputs: P4, nodes: {a4: {inputs: [P4]}}, outputs: a4}\n",
        params("{layer: {cnv: {}}}", "a4: {inputs: [P4], fusion: $layre2, op: none}").replace("$layre2", "$layer"),
    ],
    ids=[
        "another-kind",
        "a-resampler",
        "letters-before",
        "a-letter-after",
        "a-word-before",
        "items-that-follow",
        "a-word-of-a-name",
        "little-alike",
        "no-line-of-its-own",
        "through-a-parameter",
    ],
)
def test_what_may_have_meant_something_else_is_not_replaced(text: str) -> None:
    assert problems(text)
    assert fixes(problems(text), "<text>") == ()


def test_replacements_keep_line_ends_and_every_other_character() -> None:
    text = nodes("a4:  {inputs: [P4],fuson: sum}  # \N{SNOWMAN}", "b5: {inputs: [P5], levle: 5}").replace("\n", "\r\n")

    mended = replaced(text, fixes(problems(text), "<text>"))

    assert mended == text.replace("fuson", "fusion").replace("levle", "level")


def test_a_new_line_ends_as_the_others_do() -> None:
    text = nodes("a4: {inputs: [P4]}").removeprefix("fpngraph: 1\n").replace("\n", "\r\n")

    assert replaced(text, fixes(problems(text), "<text>")) == f"fpngraph: 1\r\n{text}"


def test_of_overlapping_replacements_the_first_is_made_and_those_of_other_files_are_not() -> None:
    def problem(start: int, end: int, text: str, file: str = "a.yaml") -> Problem:
        span = Span(file, 1, start, end, "abcdef")
        return Problem("unknown-key", "", span, replacement=Replacement(span, text))

    found = fixes([problem(3, 5, "x"), problem(1, 4, "y"), problem(6, 7, "z"), problem(5, 6, "w", "b.yaml")], "a.yaml")

    assert replaced("abcdef", found) == "ydez"
