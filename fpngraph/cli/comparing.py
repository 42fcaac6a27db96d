"""What trained detectors are worth beside what they cost: a table and a picture."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from fpngraph.analysis.costs import cost, written
from fpngraph.bench.timing import interleaved
from fpngraph.cli.detectors import trained
from fpngraph.cli.devices import device
from fpngraph.cli.training import epochs_of
from fpngraph.efficientdet import EfficientDet
from fpngraph.files import replace_file
from fpngraph.table import Column, print_table, print_text

_ROUNDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A detector; None is what nobody knows."""

    graph: str
    AP: float | None
    """Of the best epoch, 0 to 1, over IoU 0.50 to 0.95."""
    AP50: float | None
    """Of the same epoch, at IoU 0.50."""
    parameters: int
    macs: int | None
    """Multiply-accumulates of convolutions and matrix products, for one image."""
    milliseconds: float
    """For one image, in the inference form."""
    minutes: float
    """Of training."""


def compare(folders: Mapping[str, Path], output: Path) -> None:
    """Print a table of trainings by name, and write it and a picture to ``output``."""
    from fpngraph.training.plots import trade_offs

    place = device(None)
    models = {name: _model(folder) for name, folder in folders.items()}
    macs = {name: _macs(model) for name, model in models.items()}
    times = _milliseconds(models, place)
    rows = [_row(name, folders[name], model, macs[name], times[name]) for name, model in models.items()]
    headings = ("graph", "AP", "AP50", "parameters", "MACs", "ms an image", "minutes")
    cells = [_cells(row) for row in rows]
    print_table([Column(it, right=it != "graph", keep=-number) for number, it in enumerate(headings)], cells)
    print_text(
        "AP of the best epoch, in percent; milliseconds of the inference form, without suppression, one image at a "
        f"time on {place}: medians of {_ROUNDS} rounds in turns"
    )
    files = [output / name for name in ("table.csv", "table.md", "sweep.svg")]
    lines = [headings, ["---" if it == "graph" else "--:" for it in headings], *cells]
    markdown = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    picture = trade_offs(
        {row.graph: 100 * row.AP for row in rows if row.AP is not None},
        {
            "parameters, millions": {row.graph: row.parameters / 1e6 for row in rows},
            "MACs, billions": {row.graph: row.macs / 1e9 for row in rows if row.macs is not None},
            "milliseconds an image": {row.graph: row.milliseconds for row in rows},
        },
    )
    for file, content in zip(files, (_csv(rows), markdown.encode(), picture), strict=True):
        replace_file(file, content)
    print(f"wrote {', '.join(map(str, files))}")


def _model(folder: Path) -> EfficientDet:
    best = folder / "best.ckpt"
    return trained(str(best if best.is_file() else folder / "last.ckpt"))[0].eval()


def _row(name: str, folder: Path, model: EfficientDet, macs: int | None, milliseconds: float) -> Row:
    epochs = epochs_of(folder)
    known = [row for row in epochs if _number(row.get("AP")) is not None]
    best = max(known, key=lambda row: float(row["AP"]), default={})
    return Row(
        graph=name,
        AP=_number(best.get("AP")),
        AP50=_number(best.get("AP50")),
        parameters=sum(x.numel() for x in model.parameters()),
        macs=macs,
        milliseconds=round(milliseconds, 3),
        minutes=round(sum(float(row["seconds"]) for row in epochs) / 60, 3),
    )


def _number(text: str | None) -> float | None:
    return None if not text or math.isnan(float(text)) else float(text)


def _macs(model: EfficientDet) -> int | None:
    """Of the neck as its operators say, of the rest as torch counts."""
    neck = cost(model.neck.source_graph, model.neck.in_channels, model.image_size).macs
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, *model.image_size))
    counts = counter.get_flop_counts()
    of_neck = sum(counts.get(f"{type(model).__name__}.neck", {}).values())
    return None if neck is None else neck + (counter.get_total_flops() - of_neck) // 2


def _milliseconds(models: Mapping[str, EfficientDet], place: torch.device) -> dict[str, float]:
    """Of each for one image, measured in turns, so that what else a machine does falls on all alike."""
    images = {name: torch.randn(1, 3, *model.image_size, device=place) for name, model in models.items()}
    forms = {name: model.to(place).fuse() for name, model in models.items()}
    calls = {name: lambda form=form, image=images[name]: form(image) for name, form in forms.items()}
    with torch.inference_mode():
        rounds = list(interleaved(calls, rounds=_ROUNDS, device=place))
    return {name: median(turn[name] for turn in rounds) for name in models}


def _cells(row: Row) -> list[str]:
    ap = ["-" if value is None else f"{100 * value:.1f}" for value in (row.AP, row.AP50)]
    numbers = [written(row.parameters), written(row.macs)]
    return [row.graph, *ap, *numbers, f"{row.milliseconds:.1f}", f"{row.minutes:.1f}"]


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return text.getvalue().encode()
