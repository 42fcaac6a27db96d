"""How the time of every command and verb grows with a graph: a table, and a picture of seconds over nodes.

Run: python -m tools.bench_scale -o docs/performance/scale.png

All times are processor time of one run on one thread, after one of ten nodes. What would take longer than ``--limit``
seconds, at twice the time per node of the size before, is left out, and so is what refuses a size.
"""

from __future__ import annotations

import argparse
import copy
import gc
import io
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import torch
from matplotlib import pyplot as plt

import fpngraph
from fpngraph.cli.main import main as command
from tools.bench_check import repeated, written_out

SIZES = (10, 100, 1_000, 10_000)
LARGEST = {"written_out": 4_900}
"""Of a kind of graph whose file has more values than may be read with more nodes."""
TITLES = {"written_out": "a chain with skips, written out", "repeated": "a stage of ten nodes, repeated"}
PIXELS = 384
SIZED = f"--in-channels 64,64,64,64,64 --image-size {PIXELS}"
COMMANDS: Mapping[str, str] = {
    "check": "check {graph}",
    "expand": "expand {graph} -o {folder}/expanded.yaml --force",
    "show": f"show {{graph}} {SIZED}",
    "diff": "diff {graph} {graph}",
    "render .svg": "render {graph} -o {folder}/drawn.svg --force --expand",
    "render .mmd": "render {graph} -o {folder}/drawn.mmd --force --expand",
    "render .dot": "render {graph} -o {folder}/drawn.dot --force --expand",
    "export (onnx)": f"export {{graph}} --format onnx -o {{folder}}/neck.onnx --force {SIZED}",
}
VERBS: Mapping[str, Callable[[fpngraph.Neck], object]] = {
    "dump": lambda neck: fpngraph.dump(neck.source_graph),
    "cost": lambda neck: fpngraph.cost(neck.source_graph, neck.in_channels, (PIXELS, PIXELS)),
    "build": lambda neck: fpngraph.build(neck.source_graph, neck.in_channels),
    "build, init=False": lambda neck: fpngraph.build(neck.source_graph, neck.in_channels, init=False),
    "fuse": fpngraph.Neck.fuse,
    "call": lambda neck: neck(maps()),
    "deepcopy": copy.deepcopy,
    "pickle and back": lambda neck: pickle.loads(pickle.dumps(neck)),
}


def main() -> None:
    """Prints a table for each kind of graph, and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--output", default="scale.png", help="the picture to write (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for one run (default: %(default)s)")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="the most nodes (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sizes = [size for size in SIZES if size <= arguments.largest]
    found = {}
    for kind in (written_out, repeated):
        fitting = sorted({min(size, LARGEST.get(kind.__name__, size)) for size in sizes})
        found[kind.__name__] = dict(measured(kind, fitting, arguments.limit))
    draw(found, Path(arguments.output))


def measured(kind: Callable[[int], str], sizes: list[int], limit: float) -> Iterator[tuple[str, dict[int, float]]]:
    """Per command and verb the seconds by the number of nodes, printed line by line."""
    print(f"\n{TITLES[kind.__name__]}: seconds of processor time")
    print(f"{'nodes':<20}" + "".join(f"{size:>12,}" for size in sizes))
    with TemporaryDirectory() as folder:
        for name in (*COMMANDS, *VERBS):
            seconds: dict[int, float] = {}
            last = sizes[0]
            run_at(name, kind, sizes[0], folder)  # what is done once, such as imports, is done
            for size in sizes:
                if seconds and 2 * seconds[last] * size / last > limit:
                    break
                taken = run_at(name, kind, size, folder)
                if taken is None:
                    break
                seconds[size], last = taken, size
            print(f"{name:<20}" + "".join(f"{seconds[it]:>12.3f}" if it in seconds else f"{'':>12}" for it in sizes))
            yield name, seconds


def run_at(name: str, kind: Callable[[int], str], nodes: int, folder: str) -> float | None:
    """Processor seconds of a command or verb for a graph of so many nodes; None where it refuses."""
    path = Path(folder, "graph.yaml")
    path.write_text(kind(nodes), encoding="utf-8")
    if name in COMMANDS:
        line = COMMANDS[name].format(graph=path, folder=folder).split()
        return timed(lambda: command(line))
    neck = fpngraph.build(fpngraph.load(path), [64] * 5).eval()
    with torch.no_grad():
        return timed(lambda: VERBS[name](neck) and 0)


def timed(run: Callable[[], object]) -> float | None:
    """Processor seconds, of what prints nothing; None for an exit status that is not 0."""
    gc.collect()
    out, errors = (io.TextIOWrapper(io.BytesIO()) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(errors), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.process_time()
        status = run()
        seconds = time.process_time() - begin
    return None if status else seconds


def maps() -> list[torch.Tensor]:
    """A map for each input, of an image of ``PIXELS`` a side."""
    return [torch.zeros(1, 64, PIXELS >> level, PIXELS >> level) for level in range(3, 8)]


def draw(found: Mapping[str, Mapping[str, Mapping[int, float]]], path: Path) -> None:
    """A panel for each kind of graph, with a line for each command, named at its end."""
    mpl.use("Agg")
    figure, panels = plt.subplots(1, len(found), figsize=(6.2 * len(found), 5.6), sharey=True, layout="constrained")
    for panel, (kind, lines) in zip(panels, found.items(), strict=True):
        largest = max(size for line in lines.values() for size in line)
        for number, (name, line) in enumerate(lines.items()):
            style = "-" if name in COMMANDS else "--"
            panel.loglog(
                list(line), list(line.values()), style, marker="o", ms=3.5, color=f"C{number % 10}", label=name
            )
        sizes = [10, largest]
        panel.loglog(sizes, [size * 1e-3 for size in sizes], ":", color="0.6", label="1 ms a node")
        panel.set_title(TITLES[kind], fontsize=11)
        panel.set_xlabel("nodes")
        panel.grid(visible=True, which="major", color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("seconds of processor time")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    print(f"\n{path}")


if __name__ == "__main__":
    main()
