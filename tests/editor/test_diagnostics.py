"""What the language server marks is what ``fpngraph check`` finds, at the same places."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from fpngraph.cli.main import main
from fpngraph.editor.documents import Document
from fpngraph.editor.figures import Assumed
from fpngraph.editor.server import server
from fpngraph.library import shipped
from tests.editor.session import Editor
from tests.language.bad_files import BAD

SEVERITIES = {types.DiagnosticSeverity.Error: "error", types.DiagnosticSeverity.Warning: "warning"}
GOOD = """\
fpngraph: 1
name: good
inputs: C(3..5)
nodes:
  P(3..5): {inputs: [C(l), P(l+1) | none], channels: 64}
outputs: P(3..5)
"""


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def of_check(path: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[Any, ...]]:
    """What the command line says of a file, its places as the protocol has them."""
    main(["check", str(path), "--format", "json"])
    lines = path.read_bytes().decode("utf-8").replace("\r\n", "\n").split("\n")
    found = []
    for row in json.loads(capsys.readouterr().out):
        line = lines[row["line"] - 1] if row["line"] else ""
        column, end = (units(line[: row[key] - 1]) if row[key] else 0 for key in ("column", "end"))
        message = row["message"] if row["hint"] is None else f"{row['message']}\nhint: {row['hint']}"
        found.append(((row["line"] or 1) - 1, column, end, row["severity"], row["code"], message))
    return found


def of_editor(found: list[types.Diagnostic]) -> list[tuple[Any, ...]]:
    for each in found:
        assert each.range.start.line == each.range.end.line
        assert each.source == "fpngraph"
    return [
        (
            each.range.start.line,
            each.range.start.character,
            each.range.end.character,
            SEVERITIES[each.severity or types.DiagnosticSeverity.Hint],
            each.code,
            each.message,
        )
        for each in found
    ]


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_graph_has_the_problems_that_check_has(
    name: str, editor: Editor, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shipped()[name]

    found = editor.open(path.as_uri(), path.read_text(encoding="utf-8"))

    assert of_editor(found) == of_check(path, capsys)
    editor.close(path.as_uri())


@pytest.mark.parametrize(("name", "text"), BAD, ids=[name for name, _ in BAD])
def test_a_bad_file_has_the_problems_that_check_has(
    name: str, text: str, editor: Editor, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8", newline="")

    found = editor.open(path.as_uri(), text, "fpngraph")

    assert of_editor(found) == of_check(path, capsys) != []
    editor.close(path.as_uri())


def test_there_are_more_than_200_of_them() -> None:
    assert len(BAD) > 200


def test_what_is_typed_is_checked_and_what_is_mended_is_well(editor: Editor) -> None:
    uri = "untitled:Untitled-1"

    assert editor.open(uri, GOOD) == []
    broken = editor.type(uri, GOOD.replace("C(l)", "D(l)"))
    mended = editor.type(uri, GOOD)

    assert [each.code for each in broken] == ["unknown-name"]
    assert mended == []
    editor.close(uri)


def test_columns_count_as_the_editor_counts_them(folder: Path) -> None:
    text = GOOD.replace("inputs: [C(l)", "inputs: ['\N{BRAIN}', D(l)")
    wanted = {None: "\N{BRAIN}", types.PositionEncodingKind.Utf8: "1234", types.PositionEncodingKind.Utf32: "1"}

    for encoding, counted in wanted.items():
        editor = Editor(folder=folder, encodings=[encoding] if encoding else None)
        found = editor.open("untitled:1", text)
        editor.end()

        before = text.splitlines()[4].partition("D(l)")[0]
        assert found[-1].range.start.character == units(before.replace("\N{BRAIN}", counted))


def test_a_byte_order_mark_moves_nothing(editor: Editor) -> None:
    found = editor.open("untitled:mark", f"\ufeff{GOOD.replace('1', '2', 1)}")

    assert [each.range.start for each in found] == [types.Position(0, 1 + len("fpngraph: "))]
    editor.close("untitled:mark")


def test_a_file_of_another_program_is_left_alone(editor: Editor) -> None:
    uri = "untitled:compose.yaml"

    assert editor.open(uri, "services: {web: {image: nginx}}\n") == []
    assert editor.type(uri, "services: {web\n") == []
    assert {each.code for each in editor.type(uri, "fpngraph: 1\n")} == {"missing-key", "nodes-or-stages"}
    assert editor.type(uri, "name: it is a graph file by now\n") != []
    editor.close(uri)


USING = "fpngraph: 1\nname: using\ninputs: C(3..5)\nstages:\n  neck: {use: inner.yaml}\noutputs: P(3..5)\n"


def test_a_problem_of_a_used_graph_stands_at_the_stage_and_names_its_place(editor: Editor, folder: Path) -> None:
    (folder / "inner.yaml").write_text(GOOD.replace("C(l)", "D(l)"), encoding="utf-8")
    uri = (folder / "using.yaml").as_uri()

    (found,) = editor.open(uri, USING)

    assert (found.range.start, found.range.end) == (types.Position(4, 2), types.Position(4, 6))
    assert found.code == "unknown-name"
    assert found.message.startswith(f"{folder / 'inner.yaml'}:5:22: family 'D' is declared nowhere in the file\nhint: ")
    assert found.related_information is not None
    (related,) = found.related_information
    assert related.location.uri == (folder / "inner.yaml").as_uri()
    assert related.location.range.start == types.Position(4, 21)
    editor.close(uri)


def test_typing_in_a_used_graph_renews_the_problems_of_those_that_use_it(editor: Editor, folder: Path) -> None:
    inner, using = (folder / "inner.yaml").as_uri(), (folder / "using.yaml").as_uri()
    (folder / "inner.yaml").write_text(GOOD, encoding="utf-8")
    assert editor.open(using, USING) == []
    assert editor.open(inner, GOOD) == []
    assert editor.found(using) == []

    assert [each.code for each in editor.type(inner, GOOD.replace("P(3..5)", "Q(3..5)"))] == ["unknown-name"]
    assert [each.code for each in editor.found(using)] == ["unknown-name"]

    editor.close(inner)  # what is saved counts again
    assert editor.found(using) == []
    editor.close(using)


def test_a_file_that_is_saved_elsewhere_renews_the_problems_of_those_that_use_it(editor: Editor, folder: Path) -> None:
    using = (folder / "using.yaml").as_uri()
    (folder / "inner.yaml").write_text(GOOD, encoding="utf-8")
    assert editor.open(using, USING) == []

    (folder / "inner.yaml").write_text("fpngraph: 2\n", encoding="utf-8")
    editor.saved(folder / "inner.yaml")

    assert editor.found(using) != []
    assert editor.registered == ["workspace/didChangeWatchedFiles"]
    editor.close(using)


def test_graphs_of_a_folder_that_is_named_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "inner.yaml").write_text(GOOD, encoding="utf-8")
    editor = Editor("--graphs", "parts", folder=tmp_path)

    found = editor.open((tmp_path / "using.yaml").as_uri(), USING)
    editor.end()

    assert found == []


def test_a_file_that_is_closed_before_it_is_checked_is_told_of_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    made = server("1", Assumed())
    told: list[Document] = []
    monkeypatch.setattr(made, "tell", told.append)

    async def typed(*, closed: bool) -> None:
        document = made.documents.say("file:///my.yaml", None, GOOD, is_graph=True)
        made.soon(document)
        (waiting,) = set(asyncio.all_tasks()) - {asyncio.current_task()}
        if closed:
            made.documents.close(document.uri)
        await waiting

    asyncio.run(typed(closed=True))
    assert told == []
    asyncio.run(typed(closed=False))
    assert [document.uri for document in told] == ["file:///my.yaml"]
