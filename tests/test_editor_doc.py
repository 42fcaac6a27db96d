"""docs/editor.md: its set-up starts the server, and what it shows is what an editor gets."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from fpngraph.cli.parser import parser
from tests.editor.session import CURSOR, Editor, written
from tests.pages import DOCS

PAGE = (DOCS / "editor.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```\n", PAGE, re.S)
FILE = next(text for kind, text in BLOCKS if kind == "yaml")
MENDED = FILE.replace("fuson", "fusion")
SERVER = ["fpngraph", "language-server"]


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def test_there_is_no_block_that_nobody_checks() -> None:
    assert sorted(kind for kind, _ in BLOCKS) == [
        "console",
        "console",
        "elisp",
        "json",
        "lua",
        "text",
        "text",
        "toml",
        "yaml",
    ]
    assert PAGE.count("\n```") == 2 * len(BLOCKS)


def test_every_set_up_names_the_command() -> None:
    (code,), (helix,) = (json.loads(text) for text in blocks("json")), (tomllib.loads(it) for it in blocks("toml"))
    helix_server = helix["language-server"]["fpngraph"]

    assert [code["glspc.server.command"], *code["glspc.server.commandArguments"]] == SERVER
    assert [helix_server["command"], *helix_server["args"]] == SERVER
    for text in (*blocks("lua"), *blocks("elisp")):
        assert re.findall(r'[({] ?"(fpngraph)",? "(language-server)" ?[)}]', text) == [tuple(SERVER)]
        assert text.count("(") == text.count(")")
        assert text.count("{") == text.count("}")


def test_the_extra_that_is_installed_exists() -> None:
    extras = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]

    assert re.findall(r"fpngraph\[(\w+)\]", PAGE) == ["editor", "serve"]
    assert {"editor", "serve"} <= extras.keys()


def test_the_options_are_those_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["language-server", "--help"])

    options = set(re.findall(r"^  (--[\w-]+)", capsys.readouterr().out, re.M))
    assert set(re.findall(r"^\| `(--[\w-]+)", PAGE, re.M)) == options


def test_the_options_of_the_page_are_those_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["serve", "--help"])

    options = set(re.findall(r"^  (--[\w-]+)", capsys.readouterr().out, re.M))
    named = set(re.findall(r"`(--[\w-]+)", PAGE.partition("## A page in the browser")[2]))
    assert {"--no-browser", "--port"} == named <= options


def test_links_lead_somewhere() -> None:
    headings = {re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in re.findall(r"^#+ (.*)$", PAGE, re.M)}
    for page, anchor in re.findall(r"\]\((?!https:)([\w.]*)#?([\w-]*)\)", PAGE):
        if not page:
            assert anchor in headings
            continue
        text = (DOCS / page).read_text(encoding="utf-8")
        titles = {re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in re.findall(r"^#+ (.*)$", text, re.M)}
        assert not anchor or anchor in titles


def test_what_the_page_shows_is_what_an_editor_gets(tmp_path: Path) -> None:
    problem, hover = blocks("text")
    editor = Editor(folder=tmp_path)
    uri = (tmp_path / "typed.yaml").as_uri()

    (found,) = editor.open(uri, FILE)
    (action,) = editor.actions(FILE.replace("fuson", f"{CURSOR}fuson"), uri=uri)
    told = editor.hover(MENDED.replace("[td(l)", f"[{CURSOR}td(l)"), uri)
    renamed = editor.rename(MENDED.replace("[td(l)", f"[{CURSOR}td(l)"), "merged", uri)
    editor.end()

    assert found.message == problem.rstrip("\n")
    assert action.edit is not None
    assert action.edit.changes is not None
    assert written(FILE, list(action.edit.changes[uri])) == MENDED
    assert told == f"**td(l)**\n\n{hover}".rstrip("\n")
    assert renamed == MENDED.replace("td(", "merged(")
    assert renamed.count("merged") == 3
