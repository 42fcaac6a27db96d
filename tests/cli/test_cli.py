from __future__ import annotations

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import termios
from pathlib import Path

import jsonschema
import pytest

import fpngraph
from fpngraph.cli.main import main
from fpngraph.library import shipped

GRAPH = """\
fpngraph: 1
name: small
params: {channels: 8, ends: [act]}
inputs: C(3..4)
defaults: {channels: $channels, fusion: sum, op: $ends}
nodes:
  top: {inputs: [C4], level: 4}
  P3: {inputs: [C3, top], op: [{conv: {kernel: 1}}]}
outputs: P(3..3)
"""
OWN = """\
from typing import ClassVar

import fpngraph


@fpngraph.register
class Same(fpngraph.Layer):
    name: ClassVar[str] = "same_for_cli_tests"
"""


@pytest.fixture(autouse=True)
def _graph(workshop: Path) -> None:
    (workshop / "my.yaml").write_text(GRAPH, encoding="utf-8")


def assert_runs(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Run a command that ends with ``status``; what it printed, to standard error if it was asked wrongly."""
    try:
        found = main(arguments)
    except SystemExit as ended:  # argparse's way out
        found = ended.code  # type: ignore[assignment]
    printed = capsys.readouterr()
    assert found == status, printed.err
    assert "Traceback" not in printed.err
    return printed.err if printed.err else printed.out


def process(*arguments: str, **options: object) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(Path(fpngraph.__file__).parent.parent)}
    environment.pop("COLUMNS", None)  # the width of the terminal counts, not what a test runner says
    command = [sys.executable, "-W", "error", "-m", "fpngraph", *arguments]
    return subprocess.Popen(command, text=True, env=environment, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


class TestCheck:
    def test_says_ok(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert assert_runs(capsys, "check", "my.yaml", "bifpn") == "my.yaml: ok\nbifpn: ok\n"

    def test_reports_every_problem_of_every_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("bad.yaml").write_text(GRAPH.replace("C3, top", "C3, tip").replace("level: 4", "levle: 4"))
        Path("worse.yaml").write_text("fpngraph: 1\nfpngraph: 1\n")

        printed = assert_runs(capsys, "check", "bad.yaml", "my.yaml", "worse.yaml", status=1)

        counts = [line for line in printed.splitlines() if line.endswith((" problem", " problems", ": ok"))]
        assert [line.split(":")[0] for line in counts] == ["bad.yaml", "my.yaml", "worse.yaml"]
        assert counts[1] == "my.yaml: ok"
        assert "bad.yaml:7:23: unknown key 'levle' [unknown-key]" in printed
        assert "worse.yaml:2:1: duplicate key 'fpngraph'" in printed

    def test_warnings_are_printed_and_are_no_failure(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("odd.yaml").write_text(GRAPH.replace("C3, top", "C3"))

        printed = assert_runs(capsys, "check", "odd.yaml")

        assert "odd.yaml:7:3: warning: " in printed
        assert printed.splitlines()[-1].startswith("odd.yaml: ok, ")

    def test_checks_channels_where_they_are_given(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("narrow.yaml").write_text(GRAPH.replace("inputs: [C3, top]", "inputs: [{from: C3, project: never}, top]"))

        assert_runs(capsys, "check", "narrow.yaml")
        printed = assert_runs(capsys, "check", "narrow.yaml", "--in-channels", "4,8", status=1)

        assert printed.startswith("narrow.yaml:8:24: node 'P3': the edge from 'C3' brings 4 channels")

    def test_json_is_what_editors_need(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("bad.yaml").write_text(GRAPH.replace("level: 4", "levle: 4"))

        (found, *_) = json.loads(assert_runs(capsys, "check", "bad.yaml", "--format", "json", status=1))

        assert {key: found[key] for key in ("file", "line", "column", "end", "severity", "code", "message")} == {
            "file": "bad.yaml",
            "line": 7,
            "column": 23,
            "end": 28,
            "severity": "error",
            "code": "unknown-key",
            "message": "unknown key 'levle'",
        }
        assert "level" in found["hint"]
        assert found["replacement"] == {"line": 7, "column": 23, "end": 28, "text": "level"}

    def test_json_tells_warnings_from_errors(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("odd.yaml").write_text(GRAPH.replace("C3, top", "C3"))

        found = json.loads(assert_runs(capsys, "check", "odd.yaml", "my.yaml", "--format", "json"))

        assert [(row["file"], row["severity"], row["code"]) for row in found] == [
            ("odd.yaml", "warning", "unused-input"),
            ("odd.yaml", "warning", "unused-node"),
        ]

    def test_json_of_a_good_file_is_an_empty_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert json.loads(assert_runs(capsys, "check", "my.yaml", "--format", "json")) == []

    def test_goes_on_after_a_file_that_cannot_be_read(self, capsys: pytest.CaptureFixture[str]) -> None:
        printed = assert_runs(capsys, "check", "missing.yaml", "my.yaml", status=2)

        assert printed == (
            "cannot read 'missing.yaml': No such file or directory [unreadable-file]\n"
            "missing.yaml: 1 problem\nmy.yaml: ok\n"
        )


class TestShow:
    def test_without_channels_shows_what_it_knows(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert assert_runs(capsys, "show", "my.yaml") == (
            "node  level  inputs                      fusion  op\n"
            "─────────────────────────────────────────────────────\n"
            "top       4  C4 (1x1?)                   sum     relu\n"
            "P3        3  C3 (1x1?), top (nearest*2)  sum     conv\n"
            "inputs: C3, C4\n"
            "outputs: P3 = P3\n"
            "1x1? is there where channels differ, which --in-channels or --backbone tells.\n"
        )

    def test_with_channels_shows_shapes_and_costs(self, capsys: pytest.CaptureFixture[str]) -> None:
        # top: 1x1 convolution 6 -> 8 with bias on 2x4; P3: 1x1 convolution 4 -> 8 and one 8 -> 8 on 3x7
        printed = assert_runs(capsys, "show", "my.yaml", "--in-channels", "4,6", "--image-size", "24x50")

        assert printed == (
            "node   level  inputs                     fusion  op       output  parameters   MACs\n"
            "───────────────────────────────────────────────────────────────────────────────────\n"
            "top        4  C4 (1x1)                   sum     relu  8 x 2 x 4          56    384\n"
            "P3         3  C3 (1x1), top (nearest*2)  sum     conv  8 x 3 x 7         112  2,016\n"
            "\n"
            "total                                                                    168  2,400\n"
            "inputs: C3 (4 channels), C4 (6 channels)\n"
            "outputs: P3 = P3\n"
            "MACs are multiply-accumulates of convolutions and matrix products for one image of 24x50.\n"
        )

    def test_json_has_full_names_and_numbers(self, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ("show", "bifpn", "--in-channels", "40,112,320", "--format", "json")

        report = json.loads(assert_runs(capsys, *arguments))

        assert report["parameters"] == 194361
        assert report["image_size"] == [512, 512]
        assert report["nodes"][2] == {
            "node": "bifpn.0.td6",
            "level": 6,
            "inputs": ["coarse.P6", "coarse.P7"],
            "edges": [
                {"down": None, "up": None, "projection": False, "layers": []},
                {"down": None, "up": 2, "projection": False, "layers": ["nearest*2"]},
            ],
            "fusion": "fast_normalized",
            "op": ["silu", "separable_conv", "batch_norm"],
            "yaml": {
                "fusion": "fast_normalized",
                "op": ["silu", "separable_conv", {"batch_norm": {"eps": 0.001, "momentum": 0.01}}],
            },
            "channels": 64,
            "height": 8,
            "width": 8,
            "parameters": 64 * 9 + 64 * 64 + 2 * 64 + 2,
            "macs": (64 * 9 + 64 * 64) * 8 * 8,
        }

    def test_a_pipe_gets_whole_lines_without_colours(self) -> None:
        with process("show", "bifpn", "--expand", "--in-channels", "40,112,320", stdout=subprocess.PIPE) as running:
            printed, errors = running.communicate(timeout=60)

        assert errors == ""
        assert "\x1b" not in printed
        rows = [" ".join(line.split()) for line in printed.splitlines()]
        assert (
            "bifpn.2.out7 7 bifpn.1.out7, out6 (max_pool/2) fast_normalized silu, separable_conv, batch_norm "
            "64 x 4 x 4 4,802 74,752" in rows
        )

    def test_a_terminal_gets_lines_that_fit_into_it(self) -> None:
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 60))

        with process("show", "my.yaml", "--in-channels", "4,6", "--image-size", "24x50", stdout=slave) as running:
            os.close(slave)
            _, errors = running.communicate(timeout=60)
        printed = os.read(master, 10_000).decode().replace("\r\n", "\n")
        os.close(master)

        assert (running.returncode, errors) == (0, "")
        assert printed.startswith(
            "node   level  fusion  op       output  parameters   MACs\n"
            "────────────────────────────────────────────────────────\n"
            "top        4  sum     relu  8 x 2 x 4          56    384\n"
            "    inputs: C4 (1x1)\n"
            "P3         3  sum     conv  8 x 3 x 7         112  2,016\n"
            "    inputs: C3 (1x1), top (nearest*2)\n"
            "\n"
            "total                                         168  2,400\n"
        )

    def test_channels_come_from_a_backbone(self, capsys: pytest.CaptureFixture[str]) -> None:
        printed = assert_runs(capsys, "show", "bifpn", "--backbone", "efficientnet_b0")

        assert "inputs: P3 (40 channels), P4 (112 channels), P5 (320 channels)\n" in printed
        assert "194,361" in printed

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(
                ["my.yaml", "--image-size", "512"],
                "fpngraph show: --image-size needs the channels of the inputs: add --in-channels or --backbone\n",
                id="size-without-channels",
            ),
            pytest.param(
                ["my.yaml", "--backbone", "efficientnet_b00"],
                "fpngraph show: timm has no model named 'efficientnet_b00'\n  hint: did you mean 'efficientnet_b0', ",
                id="unknown-backbone",
            ),
            pytest.param(
                ["my.yaml", "--backbone", "vit_tiny_patch16_224"],
                "fpngraph show: model 'vit_tiny_patch16_224' has no level 3 (stride 8); all its maps have the stride "
                "16\n  hint: of the shipped graphs, 'simple_fpn' takes such maps\n",
                id="backbone-without-level",
            ),
        ],
    )
    def test_wrong_requests(self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
        printed = assert_runs(capsys, "show", *arguments, status=2)

        assert printed.startswith(message)


class TestExpand:
    @pytest.mark.parametrize("name", sorted(shipped()))
    def test_gives_an_equal_graph(self, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        params = {"channels": 32} if "channels" in fpngraph.describe(name).params else {}
        printed = assert_runs(capsys, "expand", name, *(["-p", "channels=32"] if params else []))

        assert fpngraph.loads(printed) == fpngraph.load(name, **params)

    def test_writes_a_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        printed = assert_runs(capsys, "expand", "my.yaml", "-o", "explicit.yaml")

        assert printed == "wrote explicit.yaml\n"
        assert fpngraph.load("explicit.yaml") == fpngraph.load("my.yaml")
        assert sorted(path.name for path in Path().iterdir()) == ["explicit.yaml", "my.yaml"]

    def test_never_writes_over_its_source_unasked(self, capsys: pytest.CaptureFixture[str]) -> None:
        printed = assert_runs(capsys, "expand", "my.yaml", "-o", "my.yaml", status=2)

        assert printed == "fpngraph expand: 'my.yaml' exists already\n  hint: add --force to write over it\n"
        assert Path("my.yaml").read_text() == GRAPH


class TestNew:
    def test_copies_a_shipped_graph_with_its_comments(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert_runs(capsys, "new", "bifpn", "-o", "own.yaml")

        assert Path("own.yaml").read_bytes() == shipped()["bifpn"].read_bytes()
        assert "#" in Path("own.yaml").read_text()

    def test_replaces_a_file_only_when_forced(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert_runs(capsys, "new", "bifpn", "-o", "my.yaml", status=2)
        before = Path("my.yaml").read_text()

        assert_runs(capsys, "new", "bifpn", "-o", "my.yaml", "--force")

        assert before == GRAPH
        assert Path("my.yaml").read_bytes() == shipped()["bifpn"].read_bytes()

    def test_a_file_has_the_permissions_of_any_new_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert_runs(capsys, "new", "bifpn", "-o", "own.yaml")

        assert stat.S_IMODE(Path("own.yaml").stat().st_mode) == stat.S_IMODE(Path("my.yaml").stat().st_mode)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(["bifpm"], "there is no graph named 'bifpm'\n  hint: did you mean 'bifpn'?", id="name"),
            pytest.param(["bifpn", "-o", "."], "cannot write '.': Is a directory\n", id="directory"),
            pytest.param(
                ["bifpn", "-o", "no/own.yaml"], "cannot write 'no/own.yaml': there is no such folder\n", id="folder"
            ),
            pytest.param(
                ["bifpn", "-o", "/dev/null", "--force"],
                "cannot write '/dev/null': is no regular file\n",
                id="device",
            ),
        ],
    )
    def test_wrong_requests(self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
        printed = assert_runs(capsys, "new", *arguments, status=2)

        assert printed.startswith(f"fpngraph new: {message}")


def test_schema_is_one_that_accepts_a_good_graph(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(assert_runs(capsys, "schema"))

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(
        {"fpngraph": 1, "name": "x", "inputs": "P(3..5)", "nodes": {"Q": {"inputs": ["P3"]}}, "outputs": "P(3..5)"},
        schema,
    )


class TestParameters:
    @pytest.mark.parametrize(
        ("text", "channels", "op"),
        [
            pytest.param(["-p", "channels=12"], 12, ["relu"], id="number"),
            pytest.param(["-p", "ends=[act, {conv: {kernel: 1}}]"], 8, ["relu", "conv"], id="list"),
            pytest.param(["-p", "channels=2", "-p", "channels=4"], 4, ["relu"], id="the-last-one-counts"),
        ],
    )
    def test_are_read_as_yaml(
        self, text: list[str], channels: int, op: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        report = json.loads(assert_runs(capsys, "show", "my.yaml", *text, "--format", "json"))

        assert (report["nodes"][0]["channels"], report["nodes"][0]["op"]) == (channels, op)

    def test_a_table_is_typed_as_a_mapping(self, capsys: pytest.CaptureFixture[str]) -> None:
        text = GRAPH.replace("{channels: 8,", "{channels: {3: 8},")
        Path("my.yaml").write_text(text.replace("[C4], level: 4", "[C4], level: 3"), encoding="utf-8")

        report = json.loads(assert_runs(capsys, "show", "my.yaml", "-p", "channels={3: 32}", "--format", "json"))

        assert [node["channels"] for node in report["nodes"]] == [32, 32]

    def test_a_preset_is_a_start(self, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ("show", "bifpn", "--preset", "d1", "-p", "repeats=1", "--format", "json")

        report = json.loads(assert_runs(capsys, *arguments))

        assert {node["channels"] for node in report["nodes"]} == {88}
        assert len(report["nodes"]) == 2 + 8

    @pytest.mark.parametrize(
        ("arguments", "status", "message"),
        [
            pytest.param(["-p", "channels"], 2, "argument -p: 'channels' is not of the form NAME=VALUE", id="form"),
            pytest.param(["-p", "=3"], 2, "argument -p: '=3' is not of the form NAME=VALUE", id="no-name"),
            pytest.param(["-p", "ends=[act"], 2, "argument -p: 'ends=[act': ", id="no-yaml"),
            pytest.param(["-p", "ends=1\nmore: 2"], 2, "is more than one value", id="two-values"),
            pytest.param(
                ["-p", "chanels=3"], 2, "fpngraph show: there is no parameter 'chanels' [unknown-param]", id="unknown"
            ),
            pytest.param(["-p", "channels=abc"], 2, "fpngraph show: parameter 'channels' is 'abc', but", id="kind"),
            pytest.param(["--preset", "d9"], 2, "fpngraph show: there is no preset 'd9' [unknown-preset]", id="preset"),
            pytest.param(
                ["--in-channels", "3,x"], 2, "'3,x' is not a list of numbers such as 40,112,320", id="in-channels"
            ),
            pytest.param(
                ["--in-channels", "3"], 2, "fpngraph show: --in-channels has 1 numbers, but graph 'small'", id="too-few"
            ),
            pytest.param(
                ["--in-channels", "3,0"],
                2,
                "--in-channels of 'C4' is 0, not a positive integer [in-channels]",
                id="zero",
            ),
            pytest.param(["--image-size", "0"], 2, "'0' is no image size such as 512 or 512x640", id="size-0"),
            pytest.param(["--image-size", "1x2x3"], 2, "'1x2x3' is no image size", id="size-3"),
        ],
    )
    def test_wrong_ones_are_named(
        self, arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert message in assert_runs(capsys, "show", "my.yaml", *arguments, status=status)


class TestImport:
    def test_makes_an_own_operator_known(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("own.py").write_text(OWN)
        Path("own.yaml").write_text(GRAPH.replace("ends: [act]", "ends: [same_for_cli_tests]"))

        assert_runs(capsys, "check", "own.yaml", status=1)
        printed = assert_runs(capsys, "check", "own.yaml", "--import", "own")

        assert printed == "own.yaml: ok\n"

    @pytest.mark.parametrize(
        ("module", "text", "reason"),
        [
            pytest.param("missing", "", "ModuleNotFoundError: No module named 'missing'", id="missing"),
            pytest.param("own", "1 / 0", "ZeroDivisionError: division by zero", id="raises"),
            pytest.param("own", "import sys; sys.exit('done')", "SystemExit: done", id="exits"),
            pytest.param("own", "x = (", "SyntaxError: '(' was never closed (own.py, line 1)", id="syntax"),
        ],
    )
    def test_says_why_it_failed(self, module: str, text: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
        Path("own.py").write_text(text)

        printed = assert_runs(capsys, "list", "--import", module, status=2)

        assert printed == f"fpngraph list: cannot import {module!r}: {reason}\n"

    @pytest.mark.parametrize("path", ["own.py", "./own", "../a/own", "a\\own.py", "/a/own"])
    def test_a_path_gets_the_name_of_the_module(self, path: str, capsys: pytest.CaptureFixture[str]) -> None:
        printed = assert_runs(capsys, "list", "--import", path, status=2)

        assert printed == (
            f"fpngraph list: {path!r} is a path, but --import takes a name, "
            "such as 'own' for own.py in the folder where you are\n"
            "  hint: write '--import own' in the folder of the module\n"
        )


class TestMistakes:
    @pytest.mark.parametrize("command", ["show", "expand"])
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            pytest.param(
                "missing.yaml",
                "cannot read 'missing.yaml': No such file or directory [unreadable-file]\n",
                id="missing",
            ),
            pytest.param("./", "cannot read '.': it is a directory [unreadable-file]\n", id="directory"),
            pytest.param(
                "bifpm", "there is no graph named 'bifpm' [unknown-graph]\n  hint: did you mean 'bifpn'? (", id="name"
            ),
        ],
    )
    def test_what_cannot_be_read_is_wrong_usage(
        self, command: str, name: str, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        printed = assert_runs(capsys, command, name, status=2)

        assert printed.startswith(f"fpngraph {command}: {message}")

    def test_problems_of_a_graph_are_printed_as_check_prints_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("bad.yaml").write_text("name: [\n")

        checked = assert_runs(capsys, "check", "bad.yaml", status=1)
        shown = assert_runs(capsys, "show", "bad.yaml", status=1)

        assert checked == f"{shown}bad.yaml: 1 problem\n"

    def test_a_closed_pipe_ends_quietly(self) -> None:
        read_end, write_end = os.pipe()
        os.close(read_end)

        with process("schema", stdout=write_end) as running:
            _, errors = running.communicate(timeout=60)
        os.close(write_end)

        assert (running.returncode, errors) == (141, "")

    def test_an_interrupt_ends_quietly(self) -> None:
        os.mkfifo("slow")
        Path("slow.py").write_text("import sys; print('here', flush=True); open('slow').read()\n")

        with process("list", "--import", "slow", stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            running.stdout.readline()
            running.send_signal(signal.SIGINT)
            _, errors = running.communicate(timeout=60)

        assert (running.returncode, errors) == (130, "")

    @pytest.mark.parametrize(
        ("command", "name"),
        [
            pytest.param("render", b"gr\\xf6\\xdfer", id="what a terminal cannot show is escaped"),
            pytest.param("expand", "name: größer\n".encode(), id="a graph is UTF-8 as its file is"),
        ],
    )
    def test_the_encoding_of_the_locale_is_for_what_people_read(self, command: str, name: bytes) -> None:
        Path("my.yaml").write_text(GRAPH.replace("name: small", "name: größer"), encoding="utf-8")
        environment = os.environ | {
            "PYTHONIOENCODING": "ascii",
            "PYTHONPATH": str(Path(fpngraph.__file__).parent.parent),
        }

        done = subprocess.run(
            [sys.executable, "-m", "fpngraph", command, "my.yaml"], env=environment, capture_output=True, check=True
        )

        assert name in done.stdout
