"""A real browser that opens a page from a file: what a reader does with it, and what the reader then has."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1200,800"),
)
CTRL = 2  # a modifier of the DevTools protocol
Point = tuple[float, float]


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """A fresh Chromium with its profile in ``folder``. Skips the test, with the reason, where there is none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("no chromium and chromedriver on the PATH (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for option in (*OPTIONS, f"--user-data-dir={folder}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield started
    finally:
        started.quit()


class Page:
    """An opened page. Points are in pixels of the window."""

    def __init__(self, driver: webdriver.Chrome, path: Path) -> None:
        self._driver = driver
        self.emulate()
        self.complaints()
        self.requests()
        driver.get(path.as_uri())

    def hover(self, name: str) -> None:
        ActionChains(self._driver, 0).move_to_element(self.node(name)).perform()

    def click(self, name: str) -> None:
        ActionChains(self._driver, 0).click(self.node(name)).perform()

    def shift_click(self, name: str) -> None:
        ActionChains(self._driver, 0).key_down(Keys.SHIFT).click(self.node(name)).key_up(Keys.SHIFT).perform()

    def click_control(self, identifier: str) -> None:
        self._driver.find_element(By.ID, identifier).click()

    def press(self, *keys: str) -> None:
        ActionChains(self._driver, 0).send_keys(*keys).perform()

    def press_ctrl(self, key: str) -> None:
        ActionChains(self._driver, 0).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    def move(self, place: Point) -> None:
        self._mouse("mouseMoved", place)

    def drag(self, start: Point, dx: int, dy: int) -> None:
        self._mouse("mousePressed", start, button="left", buttons=1, clickCount=1)
        for part in (0.25, 0.5, 1.0):
            self._mouse("mouseMoved", (start[0] + dx * part, start[1] + dy * part), button="left", buttons=1)
        self._mouse("mouseReleased", (start[0] + dx, start[1] + dy), button="left", clickCount=1)

    def click_at(self, place: Point, times: int = 1) -> None:
        for count in range(1, times + 1):
            self._mouse("mousePressed", place, button="left", buttons=1, clickCount=count)
            self._mouse("mouseReleased", place, button="left", clickCount=count)

    def wheel(self, place: Point, dy: float, modifiers: int = 0) -> None:
        self._mouse("mouseWheel", place, deltaX=0, deltaY=dy, modifiers=modifiers)

    def touch(self, *moments: tuple[Point, ...]) -> None:
        """Fingers go down at the points of the first moment, along those of the others, and up."""
        for number, points in enumerate(moments):
            self._touch("touchMove" if number else "touchStart", points)
        self._touch("touchEnd", ())

    def emulate(self, *, media: str = "", scheme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def node(self, name: str) -> WebElement:
        return self._driver.find_element(By.CSS_SELECTOR, f'[data-node="{name}"]')

    def middle(self, name: str) -> Point:
        box = self.box(f'[data-node="{name}"] > :first-child')
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def box(self, selector: str) -> dict[str, float]:
        box: dict[str, float] = self.run(
            f"return document.querySelector({selector!r}).getBoundingClientRect().toJSON()"
        )
        return box

    def style(self, selector: str, name: str) -> str:
        """The value of a property as the browser has computed it, after all transitions."""
        code = """
            for (const animation of document.getAnimations()) animation.finish();
            return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"""
        return str(self._driver.execute_script(code, selector, name))

    def text(self, identifier: str) -> str:
        """What a reader sees of an element."""
        return self._driver.find_element(By.ID, identifier).text

    def names(self, mark: str) -> set[str]:
        """The nodes with a class."""
        return set(self.run(f"return [...document.querySelectorAll('.node.{mark}')].map((node) => node.dataset.node)"))

    def focus(self) -> str:
        """The node, or the identifier of another element, that has the keyboard."""
        return str(self.run("const e = document.activeElement; return e.dataset.node || e.id || e.tagName"))

    def run(self, code: str) -> Any:
        return self._driver.execute_script(code)

    def picture(self, wide: float, high: float) -> bytes:
        """A PNG of the page's upper left corner."""
        clip = {"x": 0, "y": 0, "width": wide, "height": high, "scale": 1}
        return b64decode(self._driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip})["data"])

    def complaints(self) -> list[str]:
        """What the console has received since this was asked last."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses asked for since this was asked last."""
        events = [json.loads(entry["message"])["message"] for entry in self._driver.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def _mouse(self, kind: str, place: Point, **more: object) -> None:
        self._driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": place[0], "y": place[1], **more})

    def _touch(self, kind: str, points: tuple[Point, ...]) -> None:
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
