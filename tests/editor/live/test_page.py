"""The page of ``fpngraph serve`` in a real browser: what somebody does with it, and what comes of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import (
    NoSuchElementException,
    NoSuchFrameException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from fpngraph.library import load
from tests.drawing.browser import chromium
from tests.editor.live.served import Served, serving

pytestmark = pytest.mark.slow
LONGEST_S = 30
TYPED = (
    "fpngraph: 1",
    "name: typed",
    "params: {width: 64}",
    "presets: {small: {width: 8}}",
    "inputs: C(3..5)",
    "defaults: {channels: $width}",
    "nodes:",
    "  P(3..5): {inputs: [C(l), Q(l+1) | none], fuson: sum}",
    "outputs: P(3..5)",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    (folder / "my.yaml").touch()
    (folder / "other.yaml").write_text(
        "fpngraph: 1\nname: other\ninputs: C3\noutputs: C3\nnodes: {}\n", encoding="utf-8"
    )
    with serving(folder, "my.yaml", "--in-channels", "8,16,32") as found:
        yield found


class Page:
    """The opened page."""

    def __init__(self, driver: Chrome, served: Served) -> None:
        self.driver = driver
        self.address = served.address
        driver.get_log("performance")
        driver.get_log("browser")
        driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": "/dev/null"})
        driver.get(served.address)
        self.until(lambda: self.run("return document.title") != "fpngraph")

    def run(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def until(self, true: Callable[[], Any]) -> Any:
        replaced = (StaleElementReferenceException, NoSuchElementException, NoSuchFrameException)
        return WebDriverWait(self.driver, LONGEST_S, 0.05, replaced).until(lambda _: true())

    def type(self, text: str) -> None:
        """Type where the cursor is, key after key."""
        self.driver.switch_to.active_element.send_keys(text)

    def press(self, identifier: str) -> None:
        self.driver.find_element(By.ID, identifier).click()

    def text(self) -> str:
        return str(self.run("return document.querySelector('.CodeMirror').CodeMirror.getValue()"))

    def marked(self) -> list[str]:
        """The text under each mark of an error, in order."""
        return self._texts(".found-error")

    def _texts(self, selector: str) -> list[str]:
        """At one moment: the page may put others in their place at the next."""
        return list(self.run("return [...document.querySelectorAll(arguments[0])].map((it) => it.innerText)", selector))

    def offers(self) -> list[str]:
        return self._texts(".CodeMirror-hint")

    def problems(self) -> list[str]:
        return self._texts("#problems li")

    def status(self) -> str:
        return self.driver.find_element(By.ID, "status").text

    def picture(self) -> str:
        """The number of the picture that is shown."""
        return str(self.run("return document.body.dataset.picture || ''"))

    def nodes(self) -> set[str]:
        """The nodes in the picture, as somebody sees them."""
        self.driver.switch_to.frame(self.driver.find_element(By.CSS_SELECTOR, "#picture iframe"))
        try:
            return {
                str(it.get_attribute("data-node")) for it in self.driver.find_elements(By.CSS_SELECTOR, "[data-node]")
            }
        finally:
            self.driver.switch_to.default_content()

    def complaints(self) -> list[str]:
        return [it["message"] for it in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        events = [json.loads(it["message"])["message"] for it in self.driver.get_log("performance")]
        return [it["params"]["request"]["url"] for it in events if it["method"] == "Network.requestWillBeSent"]


def test_a_topology_is_made_of_an_empty_file_with_mistakes_on_the_way_and_exported(
    driver: Chrome, served: Served, folder: Path, tmp_path: Path
) -> None:
    page = Page(driver, served)
    driver.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    assert page.text() == ""
    page.until(lambda: any("this one is empty" in it for it in page.problems()))

    for line in TYPED:
        page.type(Keys.HOME + line + Keys.ENTER + Keys.HOME)

    page.until(lambda: page.marked() == ["Q(l+1)", "fuson"])
    assert page.picture() == ""
    page.until(lambda: driver.find_element(By.CSS_SELECTOR, "#problems .mend").click() or True)
    page.until(lambda: page.marked() == ["Q(l+1)"])
    page.run("const it = document.querySelector('.CodeMirror').CodeMirror; it.setCursor(7, 27); it.focus()")
    assert page.text().splitlines()[7][27:28] == "Q"
    page.type(Keys.DELETE + "P")
    page.until(page.picture)

    assert page.problems() == []
    page.until(lambda: page.nodes() == {"C3", "C4", "C5", "P3", "P4", "P5"})
    page.type(Keys.CONTROL + "s")
    page.until(lambda: page.status() == "saved")
    page.press("export-svg")
    page.until((tmp_path / "my.svg").exists)
    page.until(lambda: (tmp_path / "my.svg").read_text(encoding="utf-8").endswith("</svg>\n"))
    assert list(load(folder / "my.yaml").outputs) == ["P3", "P4", "P5"]
    assert page.complaints() == []
    own = (served.address, f"blob:http://127.0.0.1:{served.port}/", "data:")
    assert [it for it in page.requests() if not it.startswith(own)] == []


def test_words_are_offered_where_the_cursor_is(driver: Chrome, served: Served) -> None:
    page = Page(driver, served)
    page.run(
        "const it = document.querySelector('.CodeMirror').CodeMirror;"
        "it.setValue('fpngraph: 1\\ninputs: C(3..5)\\ndefa'); it.setCursor(2, 4); it.focus()"
    )

    page.type(Keys.CONTROL + Keys.SPACE)
    page.until(lambda: page.offers() == ["defaultswhat nodes do unless they say otherwise"])
    page.type(Keys.ENTER)
    page.until(lambda: page.text().endswith("\ndefaults: "))
    page.type("{fus" + Keys.CONTROL + Keys.SPACE)
    page.until(lambda: len(page.offers()) == 1)
    page.type(Keys.ESCAPE)
    page.until(lambda: not page.offers())

    assert page.text().endswith("{fus")
    assert page.complaints() == []


def test_presets_and_parameters_change_the_picture(driver: Chrome, served: Served, folder: Path) -> None:
    (folder / "my.yaml").write_text(
        "\n".join(TYPED).replace("Q(", "P(").replace(", fuson: sum", "") + "\n", encoding="utf-8"
    )
    page = Page(driver, served)
    first = page.until(page.picture)

    Select(driver.find_element(By.ID, "preset")).select_by_value("small")
    second = page.until(lambda: page.picture() != first and page.picture())
    driver.find_element(By.CSS_SELECTOR, "#more summary").click()
    driver.find_element(By.NAME, "width").send_keys("wide")
    page.until(lambda: any("parameter 'width' is 'wide'" in it for it in page.problems()))
    assert driver.find_element(By.ID, "stale").is_displayed()
    driver.find_element(By.NAME, "width").send_keys(Keys.BACKSPACE * 4 + "16")
    page.until(lambda: page.picture() not in (first, second))

    assert page.problems() == []
    assert not driver.find_element(By.ID, "stale").is_displayed()


def test_a_node_is_clicked_as_in_the_export(driver: Chrome, served: Served, folder: Path) -> None:
    (folder / "my.yaml").write_text(
        "\n".join(TYPED).replace("Q(", "P(").replace(", fuson: sum", "") + "\n", encoding="utf-8"
    )
    page = Page(driver, served)
    page.until(page.picture)

    driver.switch_to.frame(driver.find_element(By.CSS_SELECTOR, "#picture iframe"))
    node = driver.find_element(By.CSS_SELECTOR, '[data-node="P4"]')
    node.click()

    assert node.get_attribute("aria-pressed") == "true"
    driver.switch_to.default_content()
    assert page.complaints() == []


def test_a_save_of_another_program_is_shown_and_what_was_typed_is_never_lost(
    driver: Chrome, served: Served, folder: Path
) -> None:
    path = folder / "my.yaml"
    good = "\n".join(TYPED).replace("Q(", "P(").replace(", fuson: sum", "") + "\n"
    path.write_text(good, encoding="utf-8")
    page = Page(driver, served)
    page.until(page.picture)

    path.write_text(good.replace("name: typed", "name: elsewhere"), encoding="utf-8")
    page.until(lambda: "name: elsewhere" in page.text())
    page.run("document.querySelector('.CodeMirror').CodeMirror.focus()")
    page.type("# mine" + Keys.ENTER)
    path.write_text(good.replace("name: typed", "name: again"), encoding="utf-8")
    page.until(lambda: "was saved by another program" in page.status())
    page.press("save")
    page.until(lambda: "was changed by another program" in page.status())

    assert "# mine" in page.text()
    assert "name: again" in path.read_text(encoding="utf-8")
    page.run("document.querySelector('.CodeMirror').CodeMirror.setValue('')")
    path.write_text("", encoding="utf-8")


def test_another_file_of_the_folder_is_opened(driver: Chrome, served: Served, folder: Path) -> None:
    (folder / "my.yaml").write_text("", encoding="utf-8")
    page = Page(driver, served)

    Select(driver.find_element(By.ID, "file")).select_by_value("other.yaml")
    page.until(lambda: "name: other" in page.text())

    assert page.run("return document.title") == "other.yaml - fpngraph"


def test_a_page_of_another_origin_reaches_nothing(driver: Chrome, served: Served, tmp_path: Path) -> None:
    (tmp_path / "evil.html").write_text("<!doctype html><title>evil</title>", encoding="utf-8")
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(tmp_path))) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            driver.get(f"http://127.0.0.1:{other.server_port}/evil.html")
            code = """
                const [address, done] = arguments;
                const blind = fetch(address + 'files', {mode: 'no-cors'}).then((it) => it.text());
                const writes = fetch(address + 'file', {method: 'PUT', mode: 'no-cors', body: '{}'});
                const tried = [fetch(address + 'files'), blind, writes];
                Promise.allSettled(tried).then((all) => done(all.map((it) => it.value ?? 'refused')));"""
            found = driver.execute_async_script(code, served.address)
            frame = "const f = document.createElement('iframe'); f.src = arguments[0]; document.body.append(f)"
            driver.execute_script(frame, served.address)
            complaints = WebDriverWait(driver, LONGEST_S).until(lambda it: it.get_log("browser"))
        finally:
            other.shutdown()
            thread.join()

    assert found == ["refused"] * 3
    assert complaints
