"""The HTML page in a real browser: its view by pointer, wheel, touch and keyboard, on paper, and what it may do."""

from __future__ import annotations

from math import exp
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from fpngraph.drawing.formats import html, svg
from tests.drawing.browser import CTRL, Page
from tests.drawing.two_sweeps import HOSTILE, hostile_scene, scene

EMPTY = (60.0, 300.0)  # a place of the stage with nothing on it


@pytest.mark.parametrize(
    ("modifiers", "factor"),
    [pytest.param(0, exp(0.18), id="wheel"), pytest.param(CTRL, exp(1.2), id="ctrl or pinch")],
)
def test_the_wheel_zooms_about_the_pointer(page: Page, modifiers: int, factor: float) -> None:
    (x, y), size = page.middle("cell.0.td4"), page.box("svg")["width"]

    page.wheel((600, 300), -120, modifiers)

    assert page.box("svg")["width"] / size == pytest.approx(factor, rel=1e-3)
    assert page.middle("cell.0.td4") == pytest.approx((600 + factor * (x - 600), 300 + factor * (y - 300)), abs=0.1)


def test_the_browser_does_not_zoom_the_page_as_well(page: Page) -> None:
    wheel = "new WheelEvent('wheel', {deltaY: -9, ctrlKey: true, bubbles: true, cancelable: true})"

    assert page.run(f"return document.querySelector('svg').dispatchEvent({wheel})") is False


def test_keys_of_the_browser_are_left_to_it(page: Page) -> None:
    page.wheel((600, 300), -400)
    zoomed = page.box("svg")

    page.press_ctrl("0")

    assert page.box("svg") == zoomed


def test_zoom_has_an_end_on_both_sides(page: Page) -> None:
    size = page.box("svg")["width"]
    ends = []
    for dy in (9000, -9000):
        page.wheel((600, 300), dy)
        ends.append(page.box("svg")["width"] / size)

    assert ends == pytest.approx([0.4, 16.0], rel=1e-3)


def test_dragging_moves_the_picture_and_leaves_the_marks(page: Page) -> None:
    page.click("P5")
    start = page.middle("cell.0.td4")

    page.drag(start, 80, -40)

    assert page.middle("cell.0.td4") == pytest.approx((start[0] + 80, start[1] - 40), abs=0.5)
    assert page.names("chosen") == {"P5"}


def test_the_picture_cannot_be_dragged_out_of_sight(page: Page) -> None:
    for _ in range(3):
        page.drag((600, 300), -900, 250)

    box = page.box("svg")
    assert box["right"] >= 0.19 * 1200
    assert box["top"] < page.box("#stage")["bottom"]


def test_a_double_click_and_zero_show_all_of_it(page: Page) -> None:
    start = page.box("svg")
    for reset in (lambda: page.click_at(EMPTY, times=2), lambda: page.press("0"), lambda: page.click_control("whole")):
        page.wheel((600, 300), -400)
        assert page.box("svg")["width"] > 1.5 * start["width"]

        reset()

        assert page.box("svg") == start


def test_keys_zoom_and_move(page: Page) -> None:
    start = page.box("svg")

    page.press("+", "+", "-")
    zoomed = page.box("svg")
    page.press(Keys.ARROW_LEFT, Keys.ARROW_UP)
    moved = page.box("svg")

    assert zoomed["width"] / start["width"] == pytest.approx(1.25)
    assert (moved["left"] - zoomed["left"], moved["top"] - zoomed["top"]) == pytest.approx((60, 60))


def test_tab_brings_a_node_outside_of_the_view_into_it(page: Page) -> None:
    page.wheel(page.middle("cell.1.out5"), -1200)
    stage = page.box("#stage")
    assert page.middle("P3")[0] < stage["left"]

    page.press(*[Keys.TAB] * 6)

    x, y = page.middle("P3")
    assert stage["left"] < x < stage["right"]
    assert stage["top"] < y < stage["bottom"]
    assert page.run("const s = document.getElementById('stage'); return [scrollX, scrollY, s.scrollLeft]") == [0, 0, 0]


def test_two_fingers_zoom_and_move(page: Page) -> None:
    size = page.box("svg")["width"]

    page.touch(((500, 300), (700, 300)), ((450, 320), (750, 320)), ((400, 340), (800, 340)))

    assert page.box("svg")["width"] / size == pytest.approx(2.0, rel=0.02)
    assert page.names("chosen") == set()


def test_one_finger_moves(page: Page) -> None:
    start = page.middle("cell.0.td4")

    page.touch((EMPTY,), ((EMPTY[0] + 40, EMPTY[1]),), ((EMPTY[0] + 80, EMPTY[1] + 20),))

    assert page.middle("cell.0.td4") == pytest.approx((start[0] + 80, start[1] + 20), abs=0.5)


def test_a_tap_marks(page: Page) -> None:
    page.touch((page.middle("cell.0.td4"),))

    assert page.names("chosen") == {"cell.0.td4"}


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(13, 17, 23)")])
def test_page_and_picture_follow_the_preference(page: Page, scheme: str, ground: str) -> None:
    page.emulate(scheme=scheme)

    assert page.style("body", "backgroundColor") == ground
    assert page.style("rect.ground", "fill") == ground


def test_a_fixed_theme_does_not_follow_the_preference(driver: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "dark.html"
    file.write_text(html.write(scene("dark")), encoding="utf-8")

    page = Page(driver, file)

    assert page.style("body", "backgroundColor") == page.style("rect.ground", "fill") == "rgb(13, 17, 23)"


def test_print_is_the_svg_whatever_was_marked_or_zoomed(driver: Chrome, page: Page, tmp_path: Path) -> None:
    left, top, right, bottom = scene().box
    page.press(*[Keys.TAB] * 6, Keys.ENTER)
    page.wheel((600, 300), -400)
    page.hover("cell.1.td4")
    page.emulate(media="print")
    printed = page.picture(right - left, bottom - top)
    alone = tmp_path / "graph.html"
    alone.write_text(
        f'<!doctype html><meta charset="utf-8"><body style="margin:0">{svg.write(scene())}', encoding="utf-8"
    )

    expected = Page(driver, alone).picture(right - left, bottom - top)

    assert printed == expected


def test_a_page_asks_for_nothing_and_complains_of_nothing(page: Page, path: Path) -> None:
    page.hover("cell.0.td4")
    page.click("cell.0.out4")
    page.wheel(EMPTY, -120)
    page.drag(EMPTY, 50, 50)
    page.press("/", "td", Keys.ENTER, Keys.ENTER, Keys.ESCAPE, "0", "+", Keys.ARROW_DOWN)

    assert page.requests() == [path.as_uri()]
    assert page.complaints() == []


def test_texts_of_a_graph_never_run(driver: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(html.write(hostile_scene()), encoding="utf-8")

    page = Page(driver, file)
    page.click("cell.0.td4")
    page.hover("cell.0.td3")

    assert page.run("return document.title") == HOSTILE
    assert page.text("card").splitlines()[1] == HOSTILE
    assert page.text("about") == HOSTILE
    assert page.run("return window.hacked") is None
    assert (page.requests(), page.complaints()) == ([file.as_uri()], [])


def test_a_script_that_got_in_would_not_run(driver: Chrome, tmp_path: Path) -> None:
    file = tmp_path / "foreign.html"
    file.write_text(
        html.write(scene()).replace("</footer>", "</footer><script>window.hacked = 1</script>"), encoding="utf-8"
    )

    page = Page(driver, file)

    assert page.run("return window.hacked") is None
    assert len(page.complaints()) == 1
