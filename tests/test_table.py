"""Tables fit a terminal without losing anything."""

from __future__ import annotations

import pytest

from fpngraph.table import Column, print_items, print_table, table

COLUMNS = [
    Column("name"),
    Column("size", right=True, keep=1),
    Column("made of"),
    Column("count", right=True, keep=2),
]
ROWS = [["one", "4 x 4", "wood, stone, iron", "1,000"], ["another", "12 x 8", "", "20"]]
TOTAL = ["total", "", "", "1,020"]


def drawn(width: int | None) -> str:
    return "\n".join(table(COLUMNS, ROWS, TOTAL, width=width))


@pytest.mark.parametrize("width", [None, 41, 1000])
def test_a_table_that_fits_has_a_line_for_each_row(width: int | None) -> None:
    assert drawn(width) == (
        "name       size  made of            count\n"
        "─────────────────────────────────────────\n"
        "one       4 x 4  wood, stone, iron  1,000\n"
        "another  12 x 8                        20\n"
        "\n"
        "total                               1,020"
    )


def test_what_has_no_room_is_below_with_its_heading() -> None:
    assert drawn(40) == (
        "name       size  count\n"
        "──────────────────────\n"
        "one       4 x 4  1,000\n"
        "    made of: wood, stone, iron\n"
        "another  12 x 8     20\n"
        "\n"
        "total            1,020"
    )


def test_lists_go_on_in_the_next_line_and_the_column_to_be_kept_longest_stays() -> None:
    assert drawn(19) == (
        "name     count\n"
        "──────────────\n"
        "one      1,000\n"
        "    size: 4 x 4\n"
        "    made of: wood,\n"
        "      stone, iron\n"
        "another     20\n"
        "    size: 12 x 8\n"
        "\n"
        "total    1,020"
    )


def test_what_is_wider_than_the_terminal_is_whole_all_the_same() -> None:
    lines = list(table(COLUMNS, ROWS, TOTAL, width=3))

    assert lines[0] == "name"
    assert "    count: 1,000" in lines
    assert lines[-2:] == ["total", "    count: 1,020"]


def test_letters_that_take_two_columns_count_as_two() -> None:
    lines = list(table([Column("名前"), Column("n", right=True)], [["あ", "1"], ["e\u0301te", "22"]]))

    assert lines == ["名前   n", "────────", "あ     1", "e\u0301te   22"]


def test_no_item_of_a_list_is_broken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("fpngraph.table.terminal_width", lambda: 20)

    print_items("items: ", ["a b c", "d e f", "a-very-long-one-that-fits-nowhere", "g"])

    assert capsys.readouterr().out == "items: a b c, d e f,\n  a-very-long-one-that-fits-nowhere,\n  g\n"


def test_the_rule_is_of_letters_that_can_be_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fpngraph.table._is_printable", str.isascii)

    print_table([Column("name")], [["one"]])

    assert capsys.readouterr().out == "name\n----\none\n"
