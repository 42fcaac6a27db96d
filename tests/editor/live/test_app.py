"""What the server of the page answers, and to whom."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import fpngraph
from fpngraph.cli.main import main
from fpngraph.language.limits import MAX_BYTES
from tests.editor.live.served import Served, serving

GRAPH = """\
fpngraph: 1
name: served
params: {width: 64, op: [conv, norm]}
presets: {small: {width: 8}}
inputs: C(3..5)
defaults: {channels: $width, op: $op}
nodes:
  P(3..5): {inputs: [C(l), P(l+1) | none]}
outputs: P(3..5)
"""
# of codemirror 5.65.21 in the npm registry
CODEMIRROR = {
    "codemirror.js": "e98aac5ffa07bae58acd4ff07c4293059f8921c0ae0eba506929d8c6f41c9288",
    "codemirror.css": "eb494ea972d2661ef86f7f6ac656dd6786d721e49c9c1b46e1eb967e4b6f9bf3",
    "show-hint.js": "6d940e45a07c13abd1e872802ba20f91f809d4b583afcd58a8058e25c7f0cfce",
    "show-hint.css": "9058c1c14fcdae199b490bb6214f36a216b9ce84d7df2084830ebb6a60337651",
    "yaml.js": "7de73109e5bfb6951d53764f5210f00f7859b57525811fab6b6f843980a7726e",
    "LICENSE.txt": "168a4becc968f5001e2ee2e0291b6e4daabafc1894a11ade1e11d56e96096e07",
}
BROWSER = """\
import pathlib, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=15) as page:
    pathlib.Path("seen.part").write_text(str(page.status))
pathlib.Path("seen.part").rename("seen")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("served")
    (place / "outside.yaml").write_text(GRAPH, encoding="utf-8")
    inside = place / "graphs"
    (inside / "parts").mkdir(parents=True)
    (inside / "my.yaml").write_text(GRAPH, encoding="utf-8")
    (inside / "parts" / "inner.yaml").write_text(GRAPH, encoding="utf-8")
    (inside / "notes.txt").write_text("private", encoding="utf-8")
    os.mkfifo(inside / "pipe.yaml")
    (inside / "link.yaml").symlink_to(place / "outside.yaml")
    return inside


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    with serving(folder, "my.yaml") as found:
        yield found


def drawn(served: Served, text: str, **more: object) -> dict[str, object]:
    status, answer = served.ask("drawn", "POST", {"name": "my.yaml", "text": text, **more})
    assert status == 200, answer
    found: dict[str, object] = json.loads(answer)
    return found


def test_the_page_comes_with_the_secret_and_loads_nothing_from_elsewhere(served: Served) -> None:
    status, headers, page = served.answer("")

    assert status == 200
    assert b"http" not in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    for name in ("live.js", "live.css", "codemirror.js", "codemirror.css", "yaml.js"):
        assert served.ask(f"asset/{name}")[0] == 200


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        pytest.param("/", {}, "lacks the secret", id="no secret"),
        pytest.param("/files", {}, "lacks the secret", id="no secret, no page"),
        pytest.param("/wrong/files", {}, "lacks the secret", id="another secret"),
        pytest.param("files", {"Origin": "http://example.org"}, "another page", id="another origin"),
        pytest.param("files", {"Origin": "null"}, "another page", id="a page without origin"),
        pytest.param("files", {"Origin": "http://127.0.0.1:1"}, "another page", id="another port"),
        pytest.param("files", {"Sec-Fetch-Site": "cross-site"}, "another page", id="from another site"),
        pytest.param("files", {"Host": "example.org"}, "its own address", id="another name of this machine"),
    ],
)
def test_nobody_else_is_answered(path: str, headers: dict[str, str], reason: str, served: Served) -> None:
    status, answer = served.ask(path, headers=headers)

    assert status == 403
    assert reason in answer


def test_only_this_machine_reaches_it(served: Served) -> None:
    addresses = {it[4][0] for it in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1"} - {it for it in addresses if str(it).startswith("127.")}:
        with socket.socket() as tried:
            tried.settimeout(2)
            assert tried.connect_ex((str(address), served.port)) != 0


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("../outside.yaml", 403, id="above"),
        pytest.param("parts/../../outside.yaml", 403, id="above by a detour"),
        pytest.param("/etc/passwd", 403, id="absolute"),
        pytest.param("link.yaml", 403, id="a link that leads out"),
        pytest.param("notes.txt", 403, id="no graph file"),
        pytest.param("pipe.yaml", 403, id="no file"),
        pytest.param("", 404, id="no name"),
        pytest.param("a%00.yaml", 404, id="no name of a file"),
    ],
)
def test_no_file_but_graphs_of_the_folder_is_read_or_written(
    name: str, status: int, served: Served, folder: Path
) -> None:
    what = {"name": name.replace("%00", "\0"), "text": "written", "seen": ""}

    assert served.ask(f"file?name={name}")[0] == status
    assert served.ask(f"saves?name={name}")[0] == status
    assert served.ask("file", "PUT", what)[0] == status
    assert served.ask("drawn", "POST", {**what, "text": GRAPH})[0] == status
    assert (folder.parent / "outside.yaml").read_text(encoding="utf-8") == GRAPH


def test_assets_are_those_of_the_page_alone(served: Served) -> None:
    assert served.ask("asset/LICENSE.txt")[0] == 404
    assert served.ask("asset/..%2f..%2fapp.py")[0] == 404
    assert served.ask("picture/..%2f1")[0] == 404


def test_the_files_of_the_folder_are_listed(served: Served) -> None:
    found = json.loads(served.ask("files")[1])

    assert found["first"] == "my.yaml"
    assert found["names"] == ["link.yaml", "my.yaml", "parts/inner.yaml"]
    assert found["formats"] == [".svg", ".png", ".pdf", ".html", ".mmd", ".dot"]


def test_a_file_that_is_not_there_yet_is_made_when_it_is_saved(tmp_path: Path) -> None:
    with serving(tmp_path, "new.yaml") as served:
        found = json.loads(served.ask("files")[1])
        assert (found["first"], found["names"]) == ("new.yaml", ["new.yaml"])
        assert json.loads(served.ask("file?name=new.yaml")[1]) == {"text": "", "stamp": ""}
        assert not (tmp_path / "new.yaml").exists()

        assert served.ask("file", "PUT", {"name": "new.yaml", "text": GRAPH, "seen": ""})[0] == 200

    assert (tmp_path / "new.yaml").read_text(encoding="utf-8") == GRAPH


def test_a_file_that_the_page_has_not_seen_is_not_written_over(served: Served, folder: Path) -> None:
    assert served.ask("file", "PUT", {"name": "my.yaml", "text": "mine", "seen": ""})[0] == 409
    assert (folder / "my.yaml").read_text(encoding="utf-8") == GRAPH


def test_of_all_pictures_the_last_four_are_kept(served: Served) -> None:
    numbers = [drawn(served, GRAPH)["picture"] for _ in range(5)]

    assert [served.ask(f"picture/{number}")[0] for number in numbers] == [404, 200, 200, 200, 200]


def test_a_text_is_drawn_with_what_is_chosen(served: Served) -> None:
    plain = drawn(served, GRAPH, in_channels="8, 16, 32")
    small = drawn(served, GRAPH, preset="small", params={"op": "[conv]"})

    assert plain["problems"] == []
    assert plain["presets"] == ["small"]
    assert plain["params"] == {"width": "64", "op": "[conv, norm]"}
    pictures = [served.ask(f"picture/{it['picture']}")[1] for it in (plain, small)]
    assert all(picture.startswith("<!doctype html>") for picture in pictures)
    assert "8ch /8" in pictures[0]


def test_a_mistake_is_told_with_its_place_and_the_last_choices_stay(served: Served) -> None:
    found = drawn(
        served, GRAPH.replace("inputs: [C(l)", "inputs: [\N{BRAIN}D(l)").replace("P(3..5): {", "P(3..5): {fuson: sum, ")
    )

    assert found["picture"] is None
    assert found["presets"] == ["small"]
    assert isinstance(found["problems"], list)
    rows = {row["code"]: row for row in found["problems"]}
    assert (rows["unknown-key"]["line"], rows["unknown-key"]["column"], rows["unknown-key"]["end"]) == (8, 13, 18)
    assert rows["unknown-key"]["better"] == {"line": 8, "column": 13, "end": 18, "text": "fusion"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"params": {"width": "wide"}}, "parameter 'width' is 'wide', but must be an integer, like its default"),
        ({"params": {"width": "[8"}}, "parameter 'width': not valid YAML: '[' is never closed"),
        ({"params": {"preset": "small"}}, "there is no parameter 'preset'"),
        ({"params": {"width": "8\nmore: 2"}}, "parameter 'width': '8\\nmore: 2' is more than one value"),
        ({"preset": "large"}, "there is no preset 'large'"),
        ({"in_channels": "8,16"}, "in_channels has 2 numbers, but graph 'served' has the inputs C3, C4, C5"),
    ],
)
def test_a_choice_that_cannot_be_is_a_problem(more: dict[str, object], message: str, served: Served) -> None:
    found = drawn(served, GRAPH, **more)

    assert found["picture"] is None
    assert isinstance(found["problems"], list)
    assert [row["message"] for row in found["problems"]] == [message]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        pytest.param(b"{", 400, id="no JSON"),
        pytest.param(b"[" * 100_000, 400, id="too deep"),
        pytest.param({"name": "\ud800.yaml", "text": GRAPH}, 404, id="no name of a file"),
        pytest.param([], 400, id="no object"),
        pytest.param({"name": "my.yaml", "text": 3}, 400, id="no text"),
        pytest.param({"name": "my.yaml", "text": GRAPH, "params": {"width": 3}}, 400, id="no texts"),
        pytest.param({"name": "my.yaml", "text": GRAPH, "in_channels": "eight"}, 422, id="no channels"),
        pytest.param({"name": "my.yaml", "text": GRAPH, "image_size": "0"}, 422, id="no image"),
        pytest.param({"name": "my.yaml", "text": GRAPH, "image_size": "0" * 5000 + "9"}, 422, id="no such image"),
        pytest.param(b" " * (4 * MAX_BYTES + 1), 413, id="too long"),
    ],
)
def test_a_question_that_the_page_does_not_ask_is_refused(said: object, status: int, served: Served) -> None:
    assert served.ask("drawn", "POST", said)[0] == status


def test_a_file_is_saved_unless_another_program_did_so_meanwhile(served: Served, folder: Path) -> None:
    path = folder / "parts" / "saved.yaml"
    name = "parts/saved.yaml"

    status, answer = served.ask("file", "PUT", {"name": name, "text": "first\r\n", "seen": ""})
    assert (status, path.read_bytes()) == (200, b"first\r\n")
    stamp = json.loads(answer)["stamp"]
    assert json.loads(served.ask(f"file?name={name}")[1]) == {"text": "first\r\n", "stamp": stamp}

    path.write_text("of another program", encoding="utf-8")
    status, answer = served.ask("file", "PUT", {"name": name, "text": "second", "seen": stamp})
    assert status == 409
    assert "was changed by another program" in answer
    assert path.read_text(encoding="utf-8") == "of another program"


def test_a_parameter_of_any_value_is_shown(served: Served) -> None:
    found = drawn(served, GRAPH.replace("op: [conv, norm]}", "op: [conv, norm], odd: {1.5: a, true: ~}}"))

    assert found["params"] == {"width": "64", "op": "[conv, norm]", "odd": "{1.5: a, true: null}"}
    assert found["picture"] is not None


def test_used_graphs_lie_in_the_folder(served: Served) -> None:
    using = "fpngraph: 1\nname: using\ninputs: C(3..5)\nstages:\n  neck: {use: parts/inner.yaml}\noutputs: P(3..5)\n"

    assert drawn(served, using)["problems"] == []
    found = drawn(served, using.replace("parts/inner.yaml", "../outside.yaml"))
    assert isinstance(found["problems"], list)
    assert [row["code"] for row in found["problems"]] == ["use-path"]


@pytest.mark.parametrize(
    ("ending", "start"), [(".svg", b"<svg"), (".png", b"\x89PNG"), (".pdf", b"%PDF"), (".dot", b"digraph")]
)
def test_a_picture_is_exported(ending: str, start: bytes, served: Served) -> None:
    status, _, content = served.answer("exported", "POST", {"name": "my.yaml", "text": GRAPH, "ending": ending})

    assert status == 200
    assert content.startswith(start)


def test_what_cannot_be_exported_says_why(served: Served) -> None:
    asked = {"name": "my.yaml", "text": GRAPH, "ending": ".gif"}

    assert served.ask("exported", "POST", asked) == (404, "there is no format '.gif'")
    assert served.ask("exported", "POST", {**asked, "ending": ".svg", "text": "fpngraph: 2"})[0] == 422


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["my.txt"], "'my.txt' is no graph file: its name ends in .yaml or .yml"),
        (["nowhere/my.yaml"], "there is no folder"),
        (["--port", "port"], "'port' is not a whole number from 0 to 65535"),
    ],
)
def test_what_cannot_be_served_is_a_message(
    arguments: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["serve", "--no-browser", *arguments])
    except SystemExit as error:  # argparse's way out
        status = int(error.code or 0)

    assert status == 2
    assert text in capsys.readouterr().err


def test_a_port_that_is_taken_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert main(["serve", str(tmp_path), "--no-browser", "--port", str(port)]) == 2

    assert f"port {port} cannot be used: " in capsys.readouterr().err


def test_a_browser_that_returns_when_it_is_closed_is_answered_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "browser.py").write_text(BROWSER)

    with serving(tmp_path, browser=f"{sys.executable} {tmp_path / 'browser.py'} %s"):
        deadline = time.monotonic() + 20
        while not (tmp_path / "seen").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    assert (tmp_path / "seen").read_text() == "200"


def test_the_words_that_can_be_written_are_those_of_the_language_server(served: Served) -> None:
    text = GRAPH.replace("channels: $width", "chan")
    line = next(number for number, it in enumerate(text.split("\n")) if "chan" in it)
    asked = {"name": "my.yaml", "text": text, "line": line, "column": text.split("\n")[line].index("chan") + 4}

    status, answer = served.ask("offered", "POST", asked)

    assert status == 200
    offers = json.loads(answer)
    assert {"label": "channels", "text": "channels: "}.items() <= offers[0].items()
    assert {offer["from"] for offer in offers} == {asked["column"] - 4}
    assert "P" not in {offer["label"] for offer in offers}


@pytest.mark.parametrize(
    ("place", "key"), [({}, "line"), ({"line": -1}, "line"), ({"line": True}, "line"), ({"line": 0}, "column")]
)
def test_a_place_that_is_none_is_refused(served: Served, place: dict[str, object], key: str) -> None:
    status, answer = served.ask("offered", "POST", {"name": "my.yaml", "text": GRAPH, "column": "0", **place})

    assert (status, answer) == (400, f"{key!r} is no number from 0")


def test_the_editor_in_the_page_is_the_published_one() -> None:
    place = Path(fpngraph.__file__).parent / "editor" / "live" / "page" / "codemirror"

    found = {it.name: hashlib.sha256(it.read_bytes()).hexdigest() for it in place.iterdir()}
    assert found == CODEMIRROR
    assert "MIT License" in (place / "LICENSE.txt").read_text(encoding="utf-8")
