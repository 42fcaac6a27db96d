"""Every command that a page names is one that can be typed: its name, its options and their values."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

from fpngraph.cli.parser import parser

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
_IN_SHELL = {"console": r"^\$ (fpngraph .*)$", "sh": r"^(fpngraph .*)$", "": r"^(fpngraph .*)$"}
PARSER = parser()
_SHORTENED = re.compile(r"the following arguments are required|expected (one|\d+|at least one) arguments?")


def commands(page: str) -> list[str]:
    """The commands of a page: in its blocks for a shell, in lines of code by indentation, and in sentences."""
    blocks = [(kind, text.replace("\\\n", " ")) for kind, text in _FENCED.findall(page)]
    found = [it for kind, text in blocks if kind in _IN_SHELL for it in re.findall(_IN_SHELL[kind], text, re.M)]
    sentences = _FENCED.sub("", page)
    found += re.findall(r"^    (fpngraph .*)$", sentences, re.M)
    found += [" ".join(it.split()) for it in re.findall(r"`(fpngraph [^`]+)`", sentences)]
    return [re.sub(r" +#.*| \.\.\.(?= |$)| \[\w+\]| > \S+", "", it) for it in found]


def mistake(command: str) -> str | None:
    """What is wrong with a command, but for arguments that a sentence leaves out."""
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        try:
            PARSER.parse_args(shlex.split(re.sub(r"<\(.*?\)", "FILE", command))[1:])
        except SystemExit as ended:
            if ended.code and not _SHORTENED.search(told.getvalue()):
                return f"{command}: {told.getvalue().splitlines()[-1]}"
    return None


def test_every_command_of_every_page_can_be_typed() -> None:
    found = {command: page.name for page in PAGES for command in commands(page.read_text(encoding="utf-8"))}

    wrong = [f"{page}: {told}" for command, page in found.items() if (told := mistake(command))]
    assert len(found) > 150
    assert wrong == []


def test_a_command_that_is_not_there_is_found() -> None:
    page = "`fpngraph shwo bifpn`, `fpngraph check`\n\n```sh\nfpngraph render fpn --widht 3in  # it\n```\n"

    assert [mistake(command) is None for command in commands(page)] == [False, False, True]
