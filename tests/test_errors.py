"""How a problem is printed: place, source line, carets, hint."""

import copy
import pickle
import time

from fpngraph.errors import GraphError, Problem, Span, nearest


def test_a_problem_prints_its_place_its_line_with_carets_and_its_hint() -> None:
    span = Span("my.yaml", 12, 5, 8, "    one: two")
    problem = Problem("unresolved-reference", "node 'a' reads 'b'", span, "write 'c'")

    assert str(problem) == (
        "my.yaml:12:5: node 'a' reads 'b' [unresolved-reference]\n"
        "  12 |     one: two\n     |     ^^^\n  hint: write 'c'"
    )


def test_a_problem_without_a_place_prints_its_message_and_code() -> None:
    assert str(Problem("unknown-preset", "there is no preset 'd9'")) == "there is no preset 'd9' [unknown-preset]"


def test_a_warning_says_that_it_is_one() -> None:
    span = Span("my.yaml", 1, 1, 4, "a4: b")
    warning = Problem("unused-node", "node 'a4' is left out", span, severity="warning")

    assert str(warning) == "my.yaml:1:1: warning: node 'a4' is left out [unused-node]\n  1 | a4: b\n    | ^^^"
    assert str(Problem("unused-node", "node 'a4' is left out", severity="warning")) == (
        "warning: node 'a4' is left out [unused-node]"
    )


def test_problems_are_sorted_by_their_place_and_what_has_none_comes_first() -> None:
    lines = [(12, 3), (2, 30), (2, 4), None]
    spans = [place and Span("my.yaml", *place, place[1] + 1, "text") for place in lines]
    problems = [Problem("cycle", str(place), span) for place, span in zip(lines, spans, strict=True)]

    found = sorted(problems, key=lambda problem: problem.place)

    assert [problem.message for problem in found] == ["None", "(2, 4)", "(2, 30)", "(12, 3)"]


def test_a_long_line_is_cut_around_the_place() -> None:
    span = Span("my.yaml", 1, 501, 504, "x" * 500 + "bad" + "y" * 500)

    line, carets = span.marked().split("\n")

    assert len(line) < 130
    assert line[carets.index("^") : carets.index("^") + carets.count("^")] == "bad"


def test_characters_that_could_control_a_terminal_are_not_printed() -> None:
    span = Span("my.yaml", 1, 4, 5, "a\tb\x1b[31m")

    assert span.marked() == "  1 | a b\N{REPLACEMENT CHARACTER}[31m\n    |    ^"


def test_an_error_has_all_problems_and_survives_pickle_and_copy() -> None:
    error = GraphError([Problem("cycle", "one"), Problem("unknown-key", "two", hint="three", severity="warning")])

    for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert twin.problems == error.problems
        assert [(problem.code, problem.severity) for problem in twin.problems] == [
            ("cycle", "error"),
            ("unknown-key", "warning"),
        ]
        assert str(twin) == "one [cycle]\nwarning: two [unknown-key]\n  hint: three"


def test_the_nearest_name_is_suggested_and_the_others_are_listed() -> None:
    assert nearest("summ", ["mean", "sum"]) == "did you mean 'sum'? There are: mean, sum"
    assert nearest("zzz", ["mean", "sum"]) == "there are: mean, sum"
    assert nearest("zzz", []) == "there are none"


def test_beside_a_likely_name_only_a_few_others_are_listed() -> None:
    names = [f"{letter}-name" for letter in "abcdefghijklmno"]

    assert nearest("a_name", names) == f"did you mean 'a-name'? There are: {', '.join(names)}"
    assert nearest("a_name", [*names, "sum"]) == "did you mean 'a-name'?"
    assert nearest("zzz", [*names, "sum"]) == f"there are: {', '.join(names)}, sum"


def test_long_names_are_cut_in_what_is_said_but_not_in_what_is_kept() -> None:
    problem = Problem("unknown-key", f"unknown key {'x' * 5000!r}", Span("f.yaml", 1, 1, 2, "x"), "y" * 5000)

    message, _, _, hint = str(problem).splitlines()

    assert message == f"f.yaml:1:1: unknown key '{'x' * 984}... [unknown-key]"
    assert hint == f"  hint: {'y' * 997}..."
    assert len(problem.message) > 5000


def test_a_hint_lists_no_more_names_than_can_be_read() -> None:
    assert nearest("b", ["a" * 300, "b" * 190, "c" * 40]) == f"there are: {'a' * 300}, {'b' * 190}, ..."


def test_names_that_are_all_alike_are_compared_in_little_time() -> None:
    known = [f"{'xyzw' * 9}{number}" for number in range(1000)]
    start = time.process_time()

    for _ in range(100):
        nearest("zwyx" * 9, known)

    assert time.process_time() - start < 3
