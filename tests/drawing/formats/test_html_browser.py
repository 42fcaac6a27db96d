"""The HTML page in a real browser: what it tells, marks and finds, by pointer and keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

import fpngraph
from fpngraph.drawing import draw
from fpngraph.drawing.formats import html
from tests.drawing.browser import Page
from tests.drawing.two_sweeps import GRAPH, INPUTS, RUNS, facts

EMPTY = (60.0, 300.0)  # a place of the stage with nothing on it


def marked(page: Page) -> tuple[set[str], set[str], set[str]]:
    return page.names("chosen"), page.names("before"), page.names("after")


def test_pointing_at_a_node_shows_what_it_does(page: Page) -> None:
    page.hover("cell.0.td4")

    assert page.text("card").splitlines() == ["cell.0.td4", *facts("cell.0.td4")]
    assert "fast_normalized of P4, P5" in page.text("card")
    assert page.run("return document.querySelectorAll('.node title').length") == 0  # no second card by the browser


def test_the_card_goes_with_the_pointer(page: Page) -> None:
    page.hover("cell.0.td4")
    page.hover("P5")
    assert page.text("card").splitlines()[0] == "P5"

    page.move(EMPTY)

    assert page.text("card") == ""


def test_the_card_stays_in_the_window_and_off_its_node(page: Page) -> None:
    page.drag(EMPTY, 1120 - round(page.middle("cell.1.out5")[0]), 0)

    for name in (*INPUTS, *RUNS[0], *RUNS[1]):
        page.hover(name)
        card, node = page.box("#card"), page.box(f'[data-node="{name}"]')

        assert 0 <= card["left"] < card["right"] <= 1200
        assert card["right"] <= node["left"] or node["right"] <= card["left"]


def test_a_click_marks_all_that_a_node_depends_on_and_all_that_depends_on_it(page: Page) -> None:
    page.click("cell.0.out4")

    first, second = RUNS
    assert marked(page) == ({"cell.0.out4"}, {*INPUTS, *first[:2]}, {"cell.0.out5", *second})
    assert page.text("status") == ("cell.0.out4 depends on 5 (solid), is needed by 5 (dashed), reaches P3, P4, P5.")
    assert page.text("about") == " · ".join(facts("cell.0.out4"))


def test_what_is_not_marked_fades(page: Page) -> None:
    page.click("P5")

    opacity = {
        selector: page.style(selector, "opacity")
        for selector in (
            '[data-node="P3"]',
            '.link:has([data-from="P3"][data-to="cell.0.td3"])',
            '[data-node="P5"]',
            '[data-node="cell.1.out5"]',
            '.link:has([data-from="P5"][data-to="cell.0.td4"])',
            '.link:has([data-output="P3"])',
        )
    }
    assert list(opacity.values()) == ["0.14", "0.14", "1", "1", "1", "1"]


def test_a_second_click_a_click_beside_and_escape_clear_the_marks(page: Page) -> None:
    for clear in (lambda: page.click("P5"), lambda: page.click_at(EMPTY), lambda: page.press(Keys.ESCAPE)):
        page.click("P5")
        assert page.names("chosen") == {"P5"}

        clear()

        assert marked(page) == (set(), set(), set())
        assert page.text("status") == ""


def test_shift_marks_within_the_cell(page: Page) -> None:
    page.shift_click("cell.0.out4")

    assert marked(page) == ({"cell.0.out4"}, {"cell.0.td4", "cell.0.td3"}, {"cell.0.out5"})
    assert page.text("status") == "Within cell.0: cell.0.out4 depends on 2 (solid), is needed by 1 (dashed)."


def test_the_check_box_limits_the_marks_to_the_cell(page: Page) -> None:
    page.click("cell.1.out4")
    whole = marked(page)

    page.click_control("inside")
    limited = marked(page)
    page.click_control("inside")

    assert limited == ({"cell.1.out4"}, {"cell.1.td4", "cell.1.td3"}, {"cell.1.out5"})
    assert marked(page) == whole == ({"cell.1.out4"}, {*INPUTS, *RUNS[0], *RUNS[1][:2]}, {"cell.1.out5"})


def test_a_picture_with_one_cell_has_no_check_box_for_it(driver: Chrome, page: Page, tmp_path: Path) -> None:
    file = tmp_path / "one.html"
    file.write_text(html.write(draw(fpngraph.loads(GRAPH), expand=False)), encoding="utf-8")
    stacked = page.style("#limit", "display")

    one = Page(driver, file).style("#limit", "display")

    assert (stacked, one) == ("flex", "none")


def test_every_node_is_reached_by_tab_in_the_order_of_the_graph(page: Page) -> None:
    reached = []
    for _ in range(16):
        page.press(Keys.TAB)
        reached.append(page.focus())

    assert reached == ["search", "inside", "smaller", "larger", "whole", *INPUTS, *RUNS[0], *RUNS[1]]


def test_the_node_with_the_keyboard_has_a_ring_and_shows_its_card(page: Page) -> None:
    page.press(*[Keys.TAB] * 6)

    assert page.focus() == "P3"
    assert page.style('[data-node="P3"]', "outlineStyle") == "solid"
    assert page.text("card").splitlines() == ["P3", *facts("P3")]


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE], ids=["enter", "space"])
def test_a_key_marks_and_escape_clears(page: Page, key: str) -> None:
    page.press(*[Keys.TAB] * 6, key)

    assert page.names("chosen") == {"P3"}
    assert page.node("P3").get_attribute("aria-pressed") == "true"
    assert page.run("return document.getElementById('status').getAttribute('aria-live')") == "polite"
    page.press(Keys.ESCAPE)
    assert page.names("chosen") == set()
    assert page.node("P3").get_attribute("aria-pressed") == "false"


def test_a_screen_reader_finds_nodes_as_buttons_by_name(page: Page) -> None:
    node = page.node("cell.1.out5")

    assert (node.aria_role, node.accessible_name) == ("button", f"cell.1.out5: {'; '.join(facts('cell.1.out5'))}")


def test_search_finds_nodes_by_any_part_of_their_name(page: Page) -> None:
    page.press("/", "OUT")

    assert page.focus() == "search"
    assert page.names("found") == {"cell.0.out4", "cell.0.out5", "cell.1.out4", "cell.1.out5"}
    assert page.text("status") == "4 of 11 nodes match."
    assert page.style('[data-node="P3"]', "opacity") == "0.14"
    assert page.style('[data-node="cell.0.out4"]', "opacity") == "1"


def test_enter_goes_to_the_first_match_and_tab_to_the_next(page: Page) -> None:
    page.press("/", "out5", Keys.ENTER)
    first = page.focus()
    page.press(Keys.TAB)

    assert (first, page.focus()) == ("cell.0.out5", "cell.1.out5")
    page.press(Keys.ENTER)
    assert page.names("chosen") == {"cell.1.out5"}
    assert page.names("found") == set()


def test_escape_clears_the_search(page: Page) -> None:
    page.press("/", "out5", Keys.ESCAPE)

    assert page.names("found") == set()
    assert page.run("return document.getElementById('search').value") == ""
    assert page.run("return document.querySelectorAll('.node[tabindex=\"0\"]').length") == 11


def test_keys_typed_into_the_search_do_not_move_the_picture(page: Page) -> None:
    page.press("/", "0+-/", Keys.ARROW_LEFT)

    assert page.run("return document.getElementById('search').value") == "0+-/"
    assert page.style("svg", "transform") == "none"
