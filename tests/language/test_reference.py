"""The little grammar of references, declarations and expressions."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fpngraph.language.grammar.arithmetic import Expression, parse_arithmetic
from fpngraph.language.grammar.reference import is_name, parse_declaration, parse_reference
from fpngraph.language.grammar.tokens import Reason
from fpngraph.language.limits import MAX_INTEGER

TWO = "two inputs are two items, 'P3, td4'; what stands in for another follows '|', 'td(l) | P(l)'"
INDEX = "an index is made of integers, names, '+', '-', '*' and parentheses"
EXPRESSION = "an expression is made of integers, names, tables as in 'width(l)', '+', '-', '*', '//' and '('"
REFERENCE = "a reference is made of names such as 'P3', 'td(l+1)' and 'merge', joined by '|'"
RANGE = "a range is written 'P(3..7)', with one '..' right inside the parentheses of a family"
ATOM = "expected an integer, a name or '(', found "


def assert_refused(parse: Callable[[str], object], text: str, message: str, marked: str, hint: str | None) -> None:
    with pytest.raises(Reason) as caught:
        parse(text)

    reason = caught.value
    start = text.index(marked) if marked else reason.start
    assert (reason.message, text[reason.start : reason.stop], reason.hint) == (message, marked, hint)
    assert (reason.start, reason.stop) == (start, start + len(marked))


def value(expression: Expression | None, **variables: int) -> int | None:
    return None if expression is None else expression.evaluate(variables)


@pytest.mark.parametrize(
    ("text", "family", "index", "stop_index"),
    [
        pytest.param("P3", "P", 3, None, id="digits at the end are the index"),
        pytest.param("P(3)", "P", 3, None, id="index in parentheses"),
        pytest.param("P0", "P", 0, None, id="index zero"),
        pytest.param("a1b2", "a1b", 2, None, id="digits inside belong to the family"),
        pytest.param("_12", "_", 12, None, id="underscore family"),
        pytest.param("merge", "merge", None, None, id="no index"),
        pytest.param("td(l+1)", "td", 6, None, id="expression"),
        pytest.param("td( l + 1 )", "td", 6, None, id="spaces inside"),
        pytest.param("P(2*(l-1)-max)", "P", 1, None, id="nested"),
        pytest.param("P(-l)", "P", -5, None, id="unary minus"),
        pytest.param("P(--l)", "P", 5, None, id="two minuses"),
        pytest.param("P(3..7)", "P", 3, 7, id="range"),
        pytest.param("P(l .. max-1)", "P", 5, 6, id="range of expressions"),
        pytest.param(" P(7..3) ", "P", 7, 3, id="empty range"),
        pytest.param("nones", "nones", None, None, id="a name that starts like none"),
    ],
)
def test_a_name_has_a_family_and_indices(text: str, family: str, index: int | None, stop_index: int | None) -> None:
    name = parse_declaration(text)

    assert name.family == family
    assert value(name.index, l=5, max=7) == index
    assert value(name.stop_index, l=5, max=7) == stop_index
    assert name.text == text.strip() == text[name.start : name.end]


def test_alternatives_keep_their_order_and_places() -> None:
    text = "td(l+1) | P(l+1)|merge | none"

    reference = parse_reference(text)

    assert [text[name.start : name.end] for name in reference.alternatives] == ["td(l+1)", "P(l+1)", "merge"]
    assert [name.text for name in reference.alternatives] == ["td(l+1)", "P(l+1)", "merge"]
    assert reference.optional
    assert reference.text == text


def test_without_none_a_reference_is_required() -> None:
    assert not parse_reference("td(l) | P(l)").optional


def test_an_expression_knows_its_place_and_names() -> None:
    text = "out(min * 2 .. top - l)"

    name = parse_declaration(text)

    assert name.index is not None
    assert name.stop_index is not None
    assert text[name.index.start : name.index.stop] == "min * 2"
    assert text[name.stop_index.start : name.stop_index.stop] == "top - l"
    assert (name.index.names, name.stop_index.names) == (frozenset({"min"}), frozenset({"top", "l"}))


BAD_NAMES = [
    pytest.param("", "expected a name, found the end", "", None, id="empty"),
    pytest.param("  ", "expected a name, found the end", "", None, id="blank"),
    pytest.param("3", "'3' is no name", "3", "a name starts with a letter or '_'", id="integer"),
    pytest.param("3P", "'3P' is no name", "3P", "a name starts with a letter or '_'", id="digit first"),
    pytest.param("P03", "the index of 'P03' has a leading zero", "03", "write 'P3'", id="leading zero"),
    pytest.param("P000", "the index of 'P000' has a leading zero", "000", "write 'P0'", id="zeros"),
    pytest.param("P(03)", "an integer with a leading zero", "03", "write '3'", id="leading zero in parentheses"),
    pytest.param(
        "P3(4)",
        "the family name 'P3' ends in a digit",
        "P3",
        "a name that ends in digits is one node: 'P3' is 'P(3)'; a family can be called 'P3_'",
        id="family ends in a digit",
    ),
    pytest.param("P (3)", "a space between 'P' and its index", " ", "leave the space out", id="space"),
    pytest.param("P(", "expected an integer, a name or '(', found the end", "", None, id="open at the end"),
    pytest.param("P(3", "'(' is not closed", "(", None, id="not closed"),
    pytest.param("P((3)", "'(' is not closed", "(", None, id="outer not closed"),
    pytest.param("P(3..(7)", "'(' is not closed", "(", None, id="range not closed"),
    pytest.param("P)", "')' without '('", ")", None, id="not opened"),
    pytest.param("P()", ATOM + "')'", ")", None, id="no index"),
    pytest.param("P(..7)", "'..' is not allowed here", "..", RANGE, id="range without start"),
    pytest.param("P(3..)", ATOM + "')'", ")", None, id="range without end"),
    pytest.param("P((1..2))", "'..' is not allowed here", "..", RANGE, id="range too deep"),
    pytest.param("P3..7", "a range is written in parentheses", "P3..", "such as 'P(3..7)'", id="range outside"),
    pytest.param("P3..P7", "a range is written in parentheses", "P3..", "such as 'P(3..7)'", id="range of names"),
    pytest.param(
        "P(3, 4)",
        "an index is one integer or one range",
        ",",
        "several inputs are several items of the list",
        id="comma",
    ),
    pytest.param("P(l 3)", "expected an operator or ')', found '3'", "3", None, id="two atoms"),
    pytest.param("P(l +)", ATOM + "')'", ")", None, id="operator at the end"),
    pytest.param("P(+1)", ATOM + "'+'", "+", None, id="unary plus"),
    pytest.param("P(1.5)", "'1.5' is not an integer", "1.5", INDEX, id="float"),
    pytest.param("P(1.)", "'1.' is not an integer", "1.", INDEX, id="float without digits"),
    pytest.param("P(1e3)", "'1e3' is not an integer", "1e3", INDEX, id="exponent"),
    pytest.param("P(0x1F)", "'0x1F' is not an integer", "0x1F", INDEX, id="hexadecimal"),
    pytest.param("P(1_000)", "'1_000' is not an integer", "1_000", INDEX, id="underscore"),
    pytest.param("P(.5)", ATOM + "'.'", ".", None, id="point first"),
    pytest.param("P(l//2)", "the operator '//' is not allowed", "//", INDEX, id="floor division"),
    pytest.param("P(l/2)", "the operator '/' is not allowed", "/", INDEX, id="division"),
    pytest.param("P(l%2)", "the operator '%' is not allowed", "%", INDEX, id="modulo"),
    pytest.param("P(l**2)", "the operator '**' is not allowed", "**", INDEX, id="power"),
    pytest.param("P(f(x))", "a call is not allowed", "f(", INDEX, id="call"),
    pytest.param("P(3(4))", "a call is not allowed", "3(", INDEX, id="call of an integer"),
    pytest.param("P(l.real)", "the attribute look-up '.real' is not allowed", ".real", INDEX, id="attribute"),
    pytest.param("P((l).a)", "the attribute look-up '.a' is not allowed", ".a", INDEX, id="attribute of parentheses"),
    pytest.param("l.real", "the attribute look-up '.real' is not allowed", ".real", REFERENCE, id="attribute outside"),
    pytest.param("P(l[0])", "a subscript is not allowed", "[", INDEX, id="subscript"),
    pytest.param("P('a')", "a string is not allowed", "'", INDEX, id="string"),
    pytest.param('P("a")', "a string is not allowed", '"', INDEX, id="double-quoted string"),
    pytest.param("P(l<3)", "the comparison '<' is not allowed", "<", INDEX, id="comparison"),
    pytest.param("P(l==3)", "the comparison '==' is not allowed", "==", INDEX, id="equality"),
    pytest.param("P($x)", ATOM + "'$'", "$", "names stand without '$' in an index and within '$(...)'", id="dollar"),
    pytest.param("P(é)", ATOM + "'é'", "é", None, id="letter beyond ASCII"),
    pytest.param("P(٣)", ATOM + "'٣'", "٣", None, id="digit beyond ASCII"),
    pytest.param("é", "expected a name, found 'é'", "é", None, id="name beyond ASCII"),
    pytest.param(
        "P1000000001", "an integer beyond 1000000000, the largest allowed", "1000000001", None, id="index too large"
    ),
    pytest.param(
        "P(9999999999999)", "an integer beyond 1000000000, the largest allowed", "9999999999999", None, id="too large"
    ),
    pytest.param("none(3)", "'none' is reserved and names no node", "none", None, id="none as a family"),
    pytest.param("none3", "'none' is reserved and names no node", "none3", None, id="none with digits"),
]


@pytest.mark.parametrize("parse", [parse_reference, parse_declaration])
@pytest.mark.parametrize(("text", "message", "marked", "hint"), BAD_NAMES)
def test_what_is_no_name_is_refused_at_its_place(
    parse: Callable[[str], object], text: str, message: str, marked: str, hint: str | None
) -> None:
    assert_refused(parse, text, message, marked, hint)


@pytest.mark.parametrize(
    ("text", "message", "marked", "hint"),
    [
        pytest.param("|a", "expected a name, found '|'", "|", None, id="bar first"),
        pytest.param("a|", "expected a name after '|', found the end", "", None, id="bar last"),
        pytest.param("a b", "expected '|' or the end, found 'b'", "b", TWO, id="two names"),
        pytest.param("P(3) - 1", "expected '|' or the end, found '-'", "-", None, id="arithmetic outside"),
        pytest.param(
            "none",
            "'none' alone is no reference",
            "none",
            "'none' follows what may be missing: 'td(l+1) | none'",
            id="none alone",
        ),
        pytest.param(
            "none | a", "nothing can follow 'none'", "none", "'none' is the last of the alternatives", id="none first"
        ),
        pytest.param(
            "a | none | b", "nothing can follow 'none'", "none", "'none' is the last of the alternatives", id="middle"
        ),
        pytest.param("a | none b", "expected the end, found 'b'", "b", None, id="rest after none"),
        pytest.param(
            "P(1..2) | none",
            "a range has no fallbacks, found 'P(1..2)'",
            "P(1..2)",
            "write the members one by one, each with its own fallback",
            id="range or none",
        ),
        pytest.param(
            "a | P(1..2)",
            "a range has no fallbacks, found 'P(1..2)'",
            "P(1..2)",
            "write the members one by one, each with its own fallback",
            id="range as a fallback",
        ),
    ],
)
def test_what_is_no_reference_is_refused_at_its_place(text: str, message: str, marked: str, hint: str | None) -> None:
    assert_refused(parse_reference, text, message, marked, hint)


def test_the_second_bar_is_what_is_refused() -> None:
    with pytest.raises(Reason) as caught:
        parse_reference("a||b")

    assert (caught.value.message, caught.value.start, caught.value.stop) == (
        "expected a name after '|', found '|'",
        2,
        3,
    )


@pytest.mark.parametrize(
    ("text", "message", "marked", "hint"),
    [
        pytest.param("a | b", "a declaration names one node or one range, without '|'", "|", None, id="alternatives"),
        pytest.param("a b", "expected the end, found 'b'", "b", None, id="two names"),
        pytest.param("none", "'none' is reserved and names no node", "none", None, id="none"),
    ],
)
def test_what_is_no_declaration_is_refused_at_its_place(text: str, message: str, marked: str, hint: str | None) -> None:
    assert_refused(parse_declaration, text, message, marked, hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        ("a", 10),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("a // 3 * 3", 9),
        ("-a // 3", -4),
        ("a - -b", 13),
        ("-(a + b) * 2", -26),
        (f"{MAX_INTEGER}", MAX_INTEGER),
        ("(" * 50 + "1" + ")" * 50, 1),
    ],
)
def test_arithmetic_is_pythons(text: str, expected: int) -> None:
    assert parse_arithmetic(text).evaluate({"a": 10, "b": 3}) == expected


@pytest.mark.parametrize(
    ("text", "message", "marked", "hint"),
    [
        pytest.param("", "expected an integer, a name or '(', found the end", "", None, id="empty"),
        pytest.param("a b", "expected an operator or the end, found 'b'", "b", None, id="two atoms"),
        pytest.param("1)", "expected an operator or the end, found ')'", ")", None, id="not opened"),
        pytest.param("(1", "'(' is not closed", "(", None, id="not closed"),
        pytest.param("a / 2", "the operator '/' is not allowed", "/", "integers are divided by '//'", id="division"),
        pytest.param("a ** 2", "the operator '**' is not allowed", "**", EXPRESSION, id="power"),
        pytest.param("1..2", "'..' is not allowed here", "..", RANGE, id="range"),
        pytest.param("a(1)(2)", "a call is not allowed", ")(", EXPRESSION, id="call"),
        pytest.param("3(a)", "a call is not allowed", "3(", EXPRESSION, id="call of an integer"),
        pytest.param("a('x')", "a string is not allowed", "'", EXPRESSION, id="string"),
        pytest.param("a()", "expected an integer, a name or '(', found ')'", ")", None, id="no index"),
        pytest.param("a(1, 2)", "expected an operator or ')', found ','", ",", None, id="two indices"),
        pytest.param("a(1..2)", "'..' is not allowed here", "..", RANGE, id="range of a table"),
        pytest.param("a | b", "expected an operator or the end, found '|'", "|", None, id="bar"),
    ],
)
def test_what_is_no_arithmetic_is_refused_at_its_place(text: str, message: str, marked: str, hint: str | None) -> None:
    assert_refused(parse_arithmetic, text, message, marked, hint)


@pytest.mark.parametrize(
    ("text", "variables", "message", "marked", "hint"),
    [
        pytest.param("1 + 4 // (a - 3)", {"a": 3}, "division by zero", "4 // (a - 3)", None, id="zero"),
        pytest.param(
            "1 + (a * a - 1)",
            {"a": 10**9},
            "the result is beyond 1000000000, the largest integer",
            "a * a",
            None,
            id="product",
        ),
        pytest.param(
            "a",
            {"a": -(10**9) - 1},
            "the result is beyond 1000000000, the largest integer",
            "a",
            None,
            id="variable",
        ),
    ],
)
def test_what_has_no_value_is_refused_at_its_place(
    text: str, variables: dict[str, int], message: str, marked: str, hint: str | None
) -> None:
    expression = parse_arithmetic(text)

    assert_refused(lambda _: expression.evaluate(variables), text, message, marked, hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P3", True),
        ("_", True),
        ("a1b", True),
        ("", False),
        ("3P", False),
        ("a-b", False),
        ("é", False),
        ("a\n", False),
    ],
)
def test_a_name_is_ascii_letters_digits_and_underscores(text: str, *, expected: bool) -> None:
    assert is_name(text) is expected


HOSTILE = [
    "(" * 100_000,
    "P" + "(" * 100_000,
    "P(" + "-" * 100_000 + "1)",
    "P(" + "1+" * 100_000 + "1)",
    "P(" + "1*" * 100_000 + "1)",
    "P" + "9" * 100_000,
    "P(" + "9" * 100_000 + ")",
    "P" + "0" * 100_000 + "1",
    "a" * 100_000 + "(1..2)|a",
    "P" + "1" * 100_000 + "x" + " " * 100_000 + ".",
    "a|" * 100_000,
    "P(1" + ")" * 100_000,
]


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE, ids=[text[:8] for text in HOSTILE])
def test_long_texts_take_no_time_and_no_recursion(text: str) -> None:
    start = time.process_time()

    message = ""
    try:
        parse_reference(text)
    except Reason as reason:
        message = reason.message

    assert time.process_time() - start < 5
    assert len(message) < 200


def test_parentheses_are_nested_at_most_fifty_deep() -> None:
    with pytest.raises(Reason, match=r"^parentheses are nested deeper than 50 levels$") as caught:
        parse_arithmetic("(" * 51 + "1" + ")" * 51)

    assert (caught.value.start, caught.value.stop) == (50, 51)


VARIABLES = {"l": 4, "min": 3, "max": 7}


def expressions(signs: str) -> st.SearchStrategy[str]:
    """Expressions whose results stay below 9^8."""
    atoms = st.integers(0, 9).map(str) | st.sampled_from(sorted(VARIABLES))
    return st.recursive(
        atoms,
        lambda inner: (
            st.tuples(inner, st.sampled_from(signs.split()), inner).map(" ".join)
            | inner.map("-{}".format)
            | inner.map("({})".format)
        ),
        max_leaves=8,
    )


TABLES = {"w": {3: 64, 4: 128}, "v": {0: -7}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("w(3)", 64), ("w(a - 1) // 2 * 2", 64), ("-w(w(3) - 60)", -128), ("v (0)", -7), ("w(3)*w(4) - (a)", 8188)],
)
def test_a_table_is_looked_up_at_an_expression(text: str, expected: int) -> None:
    assert parse_arithmetic(text).evaluate({"a": 4}, TABLES) == expected


@pytest.mark.parametrize(
    ("text", "message", "marked", "hint"),
    [
        pytest.param("1 + w(a+1)", "'w' says nothing of 5", "w(a+1)", "it has 3, 4", id="entry"),
        pytest.param("w(-3)", "'w' says nothing of -3", "w(-3)", "it has 3, 4", id="negative"),
    ],
)
def test_what_a_table_does_not_have_is_refused(text: str, message: str, marked: str, hint: str) -> None:
    expression = parse_arithmetic(text)

    assert_refused(lambda _: expression.evaluate({"a": 4}, TABLES), text, message, marked, hint)


@given(expressions("+ - * //"))
def test_any_expression_evaluates_as_in_python(text: str) -> None:
    try:
        expected: int | str = eval(text, {"__builtins__": {}}, dict(VARIABLES))  # of the text drawn above
    except ZeroDivisionError:
        expected = "division by zero"

    try:
        found: int | str = parse_arithmetic(text).evaluate(VARIABLES)
    except Reason as reason:
        found = reason.message

    assert found == expected


@given(expressions("+ - *"), expressions("+ - *"))
def test_any_expression_can_be_an_index(first: str, last: str) -> None:
    name = parse_reference(f"P({first}..{last})").alternatives[0]

    assert name.index is not None
    assert name.stop_index is not None
    assert name.text[name.index.start : name.index.stop] == first
    assert name.text[name.stop_index.start : name.stop_index.stop] == last


PIECES = st.lists(st.sampled_from([*"lP3()|+-*/.$%'[] ", "..", "none", "td", "//", "0", "é"]), max_size=12).map("".join)


@pytest.mark.parametrize("parse", [parse_reference, parse_declaration, parse_arithmetic])
@given(text=st.text(max_size=20) | PIECES)
def test_any_text_is_read_or_refused_within_it(parse: Callable[[str], object], text: str) -> None:
    start, stop = 0, 0
    try:
        parse(text)
    except Reason as reason:
        start, stop = reason.start, reason.stop

    assert 0 <= start <= stop <= len(text)
