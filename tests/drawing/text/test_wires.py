from __future__ import annotations

from fpngraph.drawing.text.wires import DOWN, LEFT, RIGHT, UP, Board, Net, Square

ONE, OTHER = Net("one", "same"), Net("other", "same")
WALLS = [(x, y) for x in range(5) for y in range(5) if x != 2 and y != 2]
"""All of a board of five by five but its middle line and its middle column."""


def across(board: Board, net: Net, end: Square = (4, 2)) -> bool:
    return board.connect(net, [((0, 2), RIGHT, 0.0)], [(end, RIGHT, 0.0)])


def down(board: Board, net: Net) -> bool:
    return board.connect(net, [((2, 0), DOWN, 0.0)], [((2, 4), DOWN, 0.0)])


def test_a_line_is_cells_with_arms_and_a_head() -> None:
    board = Board(5, 5, WALLS)

    assert board.connect(ONE, [((0, 2), RIGHT, 0.0)], [((2, 4), DOWN, 0.0)])

    assert board.arms == {
        (0, 2): {LEFT: ONE, RIGHT: ONE},
        (1, 2): {LEFT: ONE, RIGHT: ONE},
        (2, 2): {LEFT: ONE, DOWN: ONE},
        (2, 3): {UP: ONE, DOWN: ONE},
    }
    assert board.heads == {(2, 4): (DOWN, ONE)}


def test_lines_of_different_sources_cross_at_a_right_angle() -> None:
    board = Board(5, 5, WALLS)

    assert across(board, ONE)
    assert down(board, OTHER)

    assert board.arms[2, 2] == {LEFT: ONE, RIGHT: ONE, UP: OTHER, DOWN: OTHER}


def test_no_line_turns_where_another_one_runs() -> None:
    board = Board(5, 5, WALLS)
    across(board, ONE)

    turned = board.connect(OTHER, [((2, 0), DOWN, 0.0)], [((3, 2), RIGHT, 0.0), ((2, 2), RIGHT, 0.0)])

    assert not turned
    assert set(board.heads) == {(4, 2)}


def test_no_line_crosses_where_another_one_turns() -> None:
    board = Board(5, 5, WALLS)
    board.connect(ONE, [((0, 2), RIGHT, 0.0)], [((2, 4), DOWN, 0.0)])

    assert not board.connect(OTHER, [((2, 0), DOWN, 0.0)], [((4, 2), RIGHT, 0.0)])


def test_lines_of_one_source_share_their_beginning() -> None:
    board = Board(5, 5, WALLS)
    across(board, ONE)

    assert board.connect(ONE, [((0, 2), RIGHT, 0.0)], [((2, 4), DOWN, 0.0)])

    assert board.arms[2, 2] == {LEFT: ONE, RIGHT: ONE, DOWN: ONE}


def test_no_line_runs_over_the_head_of_an_arrow() -> None:
    board = Board(5, 5, WALLS)
    across(board, ONE, end=(2, 2))

    assert not down(board, OTHER)
