"""How long checking takes: generated graphs of growing size, and the start of every command.

Run: python tools/bench_check.py

All times are processor time, the least of several runs. Start-up is that of a fresh process, next to that of a
Python that does nothing.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import fpngraph
from fpngraph.cli.main import main as command

SIZES = (100, 1_000, 4_000)
RUNS = 3
STARTS = 7
HEAD = "fpngraph: 1\nname: generated\ninputs: P(3..7)\ndefaults: {channels: 64, op: [act, separable_conv, norm]}\n"


def main() -> None:
    """Prints both tables."""
    print(f"{'graph':<12}{'nodes':>8}{'check, s':>12}{'µs per node':>14}{'expand, s':>12}{'µs per node':>14}")
    with TemporaryDirectory() as folder:
        for generate in (written_out, repeated):
            for nodes in SIZES:
                path = Path(folder, "graph.yaml")
                path.write_text(generate(nodes), encoding="utf-8")
                check, expand = (best(partial(quietly, name, str(path))) for name in ("check", "expand"))
                times = "".join(f"{seconds:>12.3f}{seconds / nodes * 1e6:>14.0f}" for seconds in (check, expand))
                print(f"{generate.__name__:<12}{nodes:>8,}{times}")

    bare = start("-c", "pass")
    print(f"\n{'start of a process':<40}{'CPU, s':>8}{'times a bare Python':>22}")
    for arguments in (
        ("-c", "import fpngraph"),
        ("-c", "import networkx"),
        ("-c", "import pydantic"),
        *(("-m", "fpngraph", *line.split()) for line in ("check bifpn", "list", "expand bifpn", "new bifpn", "schema")),
    ):
        seconds = start(*arguments)
        print(f"python {' '.join(arguments):<33}{seconds:>8.3f}{seconds / bare:>22.1f}")


def written_out(nodes: int) -> str:
    """A line per node, each reading the node before and one much earlier, up and down the levels."""
    lines = ["  n_0_: {inputs: [P3], level: 3}"]
    lines += [f"  n_{i}_: {{inputs: [n_{i - 1}_, n_{i // 2}_], level: {3 + i % 5}}}" for i in range(1, nodes)]
    # a node that nobody reads would be left out
    return f"{HEAD}nodes:\n" + "\n".join(lines) + f"\noutputs: {{last: n_{nodes - 1}_}}\n"


def repeated(nodes: int) -> str:
    """A stage of ten nodes, run often."""
    return (
        f"{HEAD}stages:\n  cell:\n    repeat: {nodes // 10}\n    nodes:\n"
        "      td(3..7): {inputs: [P(l), td(l+1) | none]}\n"
        "      out(3..7): {inputs: [td(l), out(l-1) | none]}\n"
        "    outputs: {P(3..7): out(l)}\n"
        "outputs: P(3..7)\n"
    )


def quietly(*arguments: str) -> None:
    """Run a command and forget what it prints."""
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        if command(arguments):
            raise SystemExit(f"{arguments!r} failed")


def best(run: Callable[[], None]) -> float:
    """Seconds of the fastest of a few runs."""
    return min(_seconds(run) for _ in range(RUNS))


def _seconds(run: Callable[[], None]) -> float:
    gc.collect()
    gc.disable()  # as the command has it, see fpngraph/__main__.py
    begin = time.process_time()
    run()
    seconds = time.process_time() - begin
    gc.enable()
    return seconds


def start(*arguments: str) -> float:
    """Processor seconds of the cheapest of a few fresh processes."""
    return min(_processor_seconds(arguments) for _ in range(STARTS))


def _processor_seconds(arguments: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    root = Path(fpngraph.__file__).parent.parent
    # compiled once, as for every user
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *arguments], cwd=root, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
