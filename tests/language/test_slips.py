"""What a text in another notation was meant as."""

from __future__ import annotations

import pytest

from fpngraph.language.grammar.slips import listed, meant


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("P(3-5)", "P(3..5)"),
        ("P(min-max)", "P(min..max)"),
        ("C{2..5}", "C(2..5)"),
        ("C[2..5]", "C(2..5)"),
        ("td(3...5)", "td(3..5)"),
        ("C(3,4,5)", "C(3..5)"),
        ("P3..5", "P(3..5)"),
        ("P3-P5", "P(3..5)"),
        ("P3 \N{EN DASH} P5", "P(3..5)"),
        ("td4..td6", "td(4..6)"),
    ],
)
def test_a_range_of_another_notation_is_written_anew(text: str, written: str) -> None:
    assert meant(text) == (f"a range is written {written!r}", written)


@pytest.mark.parametrize("text", ["C[2:5]", "C(2:5)", "C2:5"])
def test_of_a_slice_nobody_knows_whether_the_last_one_is_in_it(text: str) -> None:
    assert meant(text) == ("a range is written 'C(2..5)', and 5 is in it", None)


@pytest.mark.parametrize(("text", "last"), [("C(3, 5)", "5"), ("C(3, max)", "max"), ("C(3, mid, max)", "max")])
def test_a_list_of_indices_that_may_have_a_gap_is_no_range(text: str, last: str) -> None:
    assert meant(text) == (f"a range is written 'C(3..{last})'", None)


@pytest.mark.parametrize("text", ["P3, P4", "P3 + P4", "P3,P4"])
def test_several_references_are_a_list(text: str) -> None:
    assert meant(text) == ("several are a list: '[P3, P4]'", None)


def test_commas_and_signs_within_parentheses_join_nothing() -> None:
    assert listed("a(l, 2), b(l+1)+c") == ["a(l, 2)", "b(l+1)", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P3",
        "a-b",
        "foo-bar",
        "P(min-max-1)",
        "P(3-4-5)",
        "P(",
        "3..5",
        "x" * 10_000,
        "P(" * 5_000,
        "a(" + "1-" * 5_000,
    ],
)
def test_nothing_is_guessed_of_other_texts(text: str) -> None:
    assert meant(text) is None
