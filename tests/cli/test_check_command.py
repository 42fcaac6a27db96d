"""``fpngraph check``: folders, formats for other programs, replacing, watching, the hook."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

import fpngraph
from fpngraph.cli import checking
from fpngraph.cli.main import main
from fpngraph.errors import Replacement
from fpngraph.language.fixing import replaced

GRAPH = """\
fpngraph: 1  # the language
name: small
params: {channels: 8}
inputs: C(3..4)
defaults: {channels: $channels, fusion: sum}
nodes:
  top: {inputs: [C4], level: 4}   # a comment that stays
  P3: {inputs: [C3, top]}
outputs: P(3..3)
"""
ROOT = Path(fpngraph.__file__).parent.parent


@pytest.fixture(autouse=True)
def _files(workshop: Path) -> None:
    (workshop / "my.yaml").write_text(GRAPH, encoding="utf-8")
    (workshop / "bad.yaml").write_text(GRAPH.replace("level: 4", "levle: 4"), encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int) -> tuple[str, str]:
    """What ``check`` prints and what it complains about."""
    try:
        found = main(["check", *arguments])
    except SystemExit as ended:  # argparse's way out
        found = ended.code  # type: ignore[assignment]
    printed = capsys.readouterr()
    assert found == status, printed
    return printed.out, printed.err


class TestFolders:
    def test_every_graph_below_a_folder_is_checked_and_nothing_else(self, capsys: pytest.CaptureFixture[str]) -> None:
        for path in ("graphs/b/two.yml", "graphs/one.yaml", "graphs/.hidden/no.yaml", "graphs/.no.yaml"):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(GRAPH, encoding="utf-8")
        Path("graphs/bom.yaml").write_text("\ufeff{'fpngraph' : 1, name: x}", encoding="utf-8")
        Path("graphs/compose.yaml").write_text("services: {fpngraph: {image: x}}\n# fpngraph: 1\n", encoding="utf-8")
        Path("graphs/nested.yaml").write_text("tools:\n  fpngraph: 1\n", encoding="utf-8")
        Path("graphs/notes.txt").write_text(GRAPH, encoding="utf-8")

        out, _ = run(capsys, "graphs", "my.yaml", "graphs/one.yaml", status=1)

        summaries = [line for line in out.splitlines() if line.endswith((": ok", " problems", " problem"))]
        assert summaries == [
            "graphs/bom.yaml: 3 problems",
            "graphs/one.yaml: ok",
            "graphs/b/two.yml: ok",
            "my.yaml: ok",
        ]

    def test_a_graph_that_is_no_yaml_is_among_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("graphs").mkdir()
        Path("graphs/broken.yaml").write_text(GRAPH.replace("[C4]", "[C4"), encoding="utf-8")

        out, _ = run(capsys, "graphs", status=1)

        assert "graphs/broken.yaml:7:30: not valid YAML" in out

    def test_a_pipe_in_a_folder_is_not_waited_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("piped").mkdir()
        os.mkfifo("piped/pipe.yaml")

        _, err = run(capsys, "piped", status=2)

        assert err.startswith("fpngraph check: there is no graph file in the folder 'piped'")

    def test_a_folder_without_graphs_is_asked_wrongly(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("empty").mkdir()
        Path("empty/other.yaml").write_text("a: 1\n", encoding="utf-8")

        assert run(capsys, "empty", status=2) == (
            "",
            "fpngraph check: there is no graph file in the folder 'empty'\n"
            "  hint: a graph is a .yaml or .yml file with 'fpngraph:' at the start of a line\n",
        )

    def test_only_graphs_leaves_other_files_out(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("other.yaml").write_text("a: 1\n", encoding="utf-8")

        assert run(capsys, "--only-graphs", "other.yaml", "my.yaml", status=0) == ("my.yaml: ok\n", "")
        assert run(capsys, "--only-graphs", "other.yaml", status=0) == ("", "")
        assert "No such file" in run(capsys, "--only-graphs", "none.yaml", status=2)[0]


# What the standard demands of the parts that are written (sections 3.13 to 3.55): keys, types, bounds, nothing else.
_TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
_REGION = {
    "type": "object",
    "properties": {key: {"type": "integer", "minimum": 1} for key in ("startLine", "startColumn", "endColumn")},
    "required": ["startLine"],
    "additionalProperties": False,
}
_ARTIFACT = {
    "type": "object",
    "properties": {"uri": {"type": "string", "format": "uri-reference"}},
    "additionalProperties": False,
}
_REPLACEMENT = {
    "type": "object",
    "properties": {"deletedRegion": _REGION, "insertedContent": _TEXT},
    "required": ["deletedRegion"],
    "additionalProperties": False,
}
_CHANGE = {
    "type": "object",
    "properties": {
        "artifactLocation": _ARTIFACT,
        "replacements": {"type": "array", "minItems": 1, "items": _REPLACEMENT},
    },
    "required": ["artifactLocation", "replacements"],
    "additionalProperties": False,
}
_FIX = {
    "type": "object",
    "properties": {"description": _TEXT, "artifactChanges": {"type": "array", "minItems": 1, "items": _CHANGE}},
    "required": ["artifactChanges"],
    "additionalProperties": False,
}
_PLACE = {
    "type": "object",
    "properties": {"artifactLocation": _ARTIFACT, "region": _REGION},
    "required": ["artifactLocation"],
    "additionalProperties": False,
}
_RESULT = {
    "type": "object",
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": _TEXT,
        "locations": {
            "type": "array",
            "items": {"type": "object", "properties": {"physicalLocation": _PLACE}, "additionalProperties": False},
        },
        "fixes": {"type": "array", "items": _FIX, "uniqueItems": True},
    },
    "required": ["message"],
    "additionalProperties": False,
}
_RULE = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "shortDescription": _TEXT},
    "required": ["id"],
    "additionalProperties": False,
}
_DRIVER = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
    },
    "required": ["name"],
    "additionalProperties": False,
}
_RUN = {
    "type": "object",
    "properties": {
        "tool": {"type": "object", "properties": {"driver": _DRIVER}, "required": ["driver"]},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": _RESULT},
    },
    "required": ["tool"],
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": _RUN},
    },
    "required": ["version", "runs"],
    "additionalProperties": False,
}  # fmt: skip


class TestFormats:
    def test_sarif_has_what_the_standard_demands(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("my neck.yaml").write_text(GRAPH.replace("[C3, top]", "[C3]"), encoding="utf-8")

        out, _ = run(capsys, "bad.yaml", "my neck.yaml", "none.yaml", "my.yaml", "--format", "sarif", status=2)

        found = json.loads(out)
        jsonschema.Draft7Validator(SARIF).validate(found)
        (one,) = found["runs"]
        rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
        assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in one["results"])
        assert [(result["level"], result["ruleId"]) for result in one["results"]] == [
            ("error", "unknown-key"),
            ("warning", "unused-input"),
            ("warning", "unused-node"),
            ("error", "unreadable-file"),
        ]
        first = one["results"][0]
        assert first["locations"][0]["physicalLocation"] == {
            "artifactLocation": {"uri": "bad.yaml"},
            "region": {"startLine": 7, "startColumn": 23, "endColumn": 28},
        }
        assert first["fixes"][0]["artifactChanges"][0]["replacements"] == [
            {
                "deletedRegion": {"startLine": 7, "startColumn": 23, "endColumn": 28},
                "insertedContent": {"text": "level"},
            }
        ]
        uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in one["results"]}
        assert uris == {"bad.yaml", "my%20neck.yaml", "none.yaml"}

    def test_sarif_has_files_whose_names_are_no_text(self, capsys: pytest.CaptureFixture[str]) -> None:
        name = os.fsdecode(b"bad\xff.yaml")
        try:
            shutil.copy("bad.yaml", name)
        except OSError:
            pytest.skip("needs a file system that takes any name")

        (one,) = json.loads(run(capsys, name, "--format", "sarif", status=1)[0])["runs"]

        place = one["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": "bad%FF.yaml"}

    def test_sarif_of_good_files_has_a_run_without_results(self, capsys: pytest.CaptureFixture[str]) -> None:
        found = json.loads(run(capsys, "my.yaml", "--format", "sarif", status=0)[0])

        jsonschema.Draft7Validator(SARIF).validate(found)
        assert found["runs"][0]["results"] == []

    def test_github_gets_a_workflow_command_per_finding(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("50%,a.yaml").write_text(GRAPH.replace("[C3, top]", "[C3]"), encoding="utf-8")

        out, _ = run(capsys, "bad.yaml", "50%,a.yaml", "--format", "github", status=1)

        first, *rest = out.splitlines()
        assert first == (
            "::error file=bad.yaml,title=fpngraph unknown-key,line=7,col=23,endColumn=28::unknown key 'levle'%0A"
            "hint: did you mean 'level'? There are: channels, fusion, resample, op, norm, act, padding, init, inputs, "
            "level"
        )
        assert rest[-1] == (
            "::warning file=50%25%2Ca.yaml,title=fpngraph unused-node,line=7,col=3,endColumn=6::"
            "node 'top' is left out, since no output depends on it"
        )

    def test_github_and_a_good_file_print_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(capsys, "my.yaml", "--format", "github", status=0) == ("", "")


def test_an_empty_name_is_not_the_folder_where_one_is(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "", status=2)

    assert "there is no graph named '' [unknown-graph]\n" in out


class TestFix:
    def test_replaces_what_hints_say_exactly_and_keeps_the_rest(self, capsys: pytest.CaptureFixture[str]) -> None:
        bad = GRAPH.replace("level: 4", "levle: 4").replace("[C3, top]", "[c3, topp]").replace("sum", "Sum")
        Path("bad.yaml").write_bytes(b"\xef\xbb\xbf" + bad.replace("\n", "\r\n").encode())
        Path("bad.yaml").chmod(0o640)

        out, err = run(capsys, "bad.yaml", "--fix", status=0)

        assert Path("bad.yaml").read_bytes() == b"\xef\xbb\xbf" + GRAPH.replace("\n", "\r\n").encode()
        assert Path("bad.yaml").stat().st_mode & 0o777 == 0o640
        assert out == "bad.yaml: ok\n"
        assert err.splitlines() == [
            "bad.yaml:5:41: fixed: 'sum' in place of 'Sum'",
            "bad.yaml:7:23: fixed: 'level' in place of 'levle'",
            "bad.yaml:8:17: fixed: 'C' in place of 'c'",
            "bad.yaml:8:21: fixed: 'top' in place of 'topp'",
        ]

    def test_what_remains_is_told_and_counts(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("bad.yaml").write_text(GRAPH.replace("level: 4", "levle: 4, colour: red"), encoding="utf-8")

        out, _ = run(capsys, "bad.yaml", "--fix", status=1)

        assert Path("bad.yaml").read_text(encoding="utf-8") == GRAPH.replace("level: 4", "level: 4, colour: red")
        assert out.splitlines()[0] == "bad.yaml:7:33: unknown key 'colour' [unknown-key]"

    def test_what_would_be_wrong_in_another_way_is_left_as_it_is(self, capsys: pytest.CaptureFixture[str]) -> None:
        text = GRAPH.replace("[C3, top]", "P5 + top")
        Path("bad.yaml").write_text(text, encoding="utf-8")
        Path("bad.yaml").chmod(0o444)

        out, err = run(capsys, "bad.yaml", "--fix", status=1)

        assert Path("bad.yaml").read_text(encoding="utf-8") == text
        assert err == (
            "fpngraph check: bad.yaml:8: not fixed, since then: node 'P3' reads 'P5', which does not exist\n"
        )
        assert "must be a list" in out

    def test_a_file_without_the_version_gets_its_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("bad.yaml").write_text(f"# mine\n{GRAPH.split(chr(10), 1)[1]}", encoding="utf-8")

        out, _ = run(capsys, "bad.yaml", "--fix", status=0)

        assert out == "bad.yaml: ok\n"
        assert Path("bad.yaml").read_text(encoding="utf-8").startswith("# mine\nfpngraph: 1\nname: small\n")

    def test_what_one_mistake_hid_is_mended_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        text = (
            GRAPH.replace("name: small", "name:small").replace("inputs: C", "inputs:C").replace("level: 4", "levle: 4")
        )
        Path("bad.yaml").write_text(text, encoding="utf-8")

        out, err = run(capsys, "bad.yaml", "--fix", status=0)

        assert out == "bad.yaml: ok\n"
        assert Path("bad.yaml").read_text(encoding="utf-8") == GRAPH
        assert len(err.splitlines()) == 3

    def test_a_file_that_is_saved_meanwhile_is_left_as_it_is(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def replaced_and_saved(text: str, replacements: Iterable[Replacement]) -> str:
            Path("bad.yaml").write_text("saved meanwhile", encoding="utf-8")
            return replaced(text, replacements)

        monkeypatch.setattr(checking, "replaced", replaced_and_saved)
        Path("bad.yaml").write_text(GRAPH.replace("level: 4", "levle: 4"), encoding="utf-8")

        _, err = run(capsys, "bad.yaml", "--fix", status=2)

        assert err == "fpngraph check: 'bad.yaml' has changed meanwhile and is left as it is\n"
        assert Path("bad.yaml").read_text(encoding="utf-8") == "saved meanwhile"

    def test_a_good_file_is_not_touched(self, capsys: pytest.CaptureFixture[str]) -> None:
        before = Path("my.yaml").stat()

        assert run(capsys, "my.yaml", "--fix", status=0) == ("my.yaml: ok\n", "")
        assert Path("my.yaml").stat().st_mtime_ns == before.st_mtime_ns
        assert Path("my.yaml").stat().st_ino == before.st_ino

    @pytest.mark.parametrize("name", ["-", "bifpn"])
    def test_what_is_no_file_of_ones_own_is_refused_before_any_is_changed(
        self, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        before = Path("bad.yaml").read_bytes()

        _, err = run(capsys, "bad.yaml", name, "--fix", status=2)

        assert err.startswith("fpngraph check: --fix changes files, and ")
        assert Path("bad.yaml").read_bytes() == before

    def test_a_file_that_is_used_is_mended_only_where_it_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("via.yaml").write_text(
            "fpngraph: 1\nname: via\ninputs: C(3..4)\nstages: {s: {use: bad.yaml}}\noutputs: P3\n", encoding="utf-8"
        )
        before = Path("bad.yaml").read_bytes()

        run(capsys, "via.yaml", "--fix", status=1)
        assert Path("bad.yaml").read_bytes() == before
        run(capsys, "via.yaml", "bad.yaml", "--fix", status=0)


@pytest.fixture
def watching() -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-W", "error", "-m", "fpngraph", "check", ".", "--watch"]
    watch = subprocess.Popen(command, text=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield watch
    watch.kill()
    watch.communicate()


def test_watched_files_are_checked_at_every_save_and_new_ones_too(watching: subprocess.Popen[str]) -> None:
    def until(line: str) -> None:
        assert watching.stdout is not None
        while (found := watching.stdout.readline()) != line:
            assert found, "it ended"

    until("bad.yaml: 1 problem\n")
    until("my.yaml: ok\n")
    Path("bad.yaml").write_text(GRAPH, encoding="utf-8")
    until("checked again:\n")
    until("bad.yaml: ok\n")
    Path("new.yaml").write_text(GRAPH, encoding="utf-8")
    until("new.yaml: ok\n")

    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=30) == 130


@pytest.mark.parametrize("more", [["-"], ["my.yaml", "--fix"]], ids=["standard-input", "fix"])
def test_what_cannot_be_watched_is_refused(capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    assert run(capsys, "--watch", *more, status=2)[1].startswith("fpngraph check: --watch ")


class TestHooks:
    HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))

    def test_hooks_have_the_keys_that_pre_commit_demands(self) -> None:
        assert [hook["id"] for hook in self.HOOKS] == ["fpngraph-check", "fpngraph-fix"]
        for hook in self.HOOKS:
            assert set(hook) == {"id", "name", "description", "entry", "language", "types"}
            assert (hook["language"], hook["types"]) == ("python", ["yaml"])

    @pytest.mark.parametrize(("number", "status", "mended"), [(0, 1, False), (1, 0, True)], ids=["check", "fix"])
    def test_the_entry_of_a_hook_runs_on_what_is_staged(
        self, capsys: pytest.CaptureFixture[str], number: int, status: int, mended: bool
    ) -> None:
        Path("ci.yml").write_text("on: push\n", encoding="utf-8")
        program, command, *options = self.HOOKS[number]["entry"].split()

        run(capsys, *options, "ci.yml", "my.yaml", "bad.yaml", status=status)

        assert (program, command) == ("fpngraph", "check")
        assert (Path("bad.yaml").read_text(encoding="utf-8") == GRAPH) is mended
