"""A benchmark of one graph: the forms of its neck measured in turns, as plain data and as a table."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fpngraph.analysis.costs import cost
from fpngraph.bench.forms import Form, compiled, eager, onnx_runtime
from fpngraph.bench.timing import Times, interleaved, matrix_product, summary
from fpngraph.compiler.fused_neck import FusedNeck
from fpngraph.compiler.neck import Neck
from fpngraph.compiler.runtime import coarser
from fpngraph.feature import Size

_MAKERS = {"eager": eager, "fused": eager, "compiled": compiled, "onnxruntime": onnx_runtime}
FORMS = tuple(_MAKERS)
_FAST = ("compiled", "onnxruntime")  # the forms that any module has
Report = Mapping[str, Any]
Progress = Callable[[str, float], None]
"""Told what is being done, and which share of all is done."""
_PRODUCT = "matrix product"
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured, and on what."""

    image_size: tuple[int, int] = (512, 512)
    batch: int = 1
    dtype: torch.dtype = torch.float32
    tf32: bool = False
    """Whether a GPU may round what it multiplies to TF32; torch itself lets convolutions, but no matrix products."""
    device: torch.device = CPU
    rounds: int = 20
    forms: tuple[str, ...] = FORMS


@dataclass(frozen=True, slots=True)
class Peer:
    """Another implementation of the same neck, with the same weights."""

    name: str
    module: nn.Module


def measure(neck: Neck, setting: Setting, *, peer: Peer | None = None, progress: Progress) -> Report:
    """Time, memory and operators of every form of ``neck``, which is in eval mode.

    Raises ValueError if a form, or the peer, gives something else than the neck.
    """
    maps = feature_maps(neck, setting)
    with torch.inference_mode(), _rounding(tf32=setting.tf32):
        fused = neck.fuse()
        forms = list(_forms((neck, fused), maps, setting, peer, progress))
        product, product_macs = matrix_product(setting.device, setting.dtype)
        calls = {_PRODUCT: product} | {form.name: form.call for form in forms if form.call}
        times: dict[str, list[float]] = {name: [] for name in calls}
        for turn, found in enumerate(interleaved(calls, rounds=setting.rounds, device=setting.device)):
            progress("measuring", 0.5 + 0.5 * turn / setting.rounds)
            for name, milliseconds in found.items():
                times[name].append(milliseconds)
    summaries = {name: summary(values) for name, values in times.items()}
    costs = cost(neck.source_graph, list(neck.in_channels.values()), setting.image_size)
    rate = product_macs / summaries.pop(_PRODUCT).median
    least = setting.batch * costs.macs / rate if costs.macs is not None else None
    rows = [_row(form, summaries, least, forms[0].name) for form in forms]
    return _machine(setting) | {
        "graph": neck.source_graph.name,
        "in_channels": dict(neck.in_channels),
        "image_size": list(setting.image_size),
        "batch": setting.batch,
        "parameters": costs.parameters,
        "macs": costs.macs,
        "matrix_product_gigamacs_per_second": round(rate / 1e6, 1),
        "unfolded": fused.unfolded,
        "forms": rows,
    }


def feature_maps(neck: Neck, setting: Setting) -> list[Tensor]:
    """Random maps as a backbone gives them for one batch of images."""
    sizes = (coarser(Size(*setting.image_size), entry.level) for entry in neck.source_graph.inputs.values())
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(setting.batch, channels, *size, generator=generator).to(setting.device, setting.dtype)
        for channels, size in zip(neck.in_channels.values(), sizes, strict=True)
    ]


def _forms(
    necks: tuple[Neck, FusedNeck],
    maps: Sequence[Tensor],
    setting: Setting,
    peer: Peer | None,
    progress: Progress,
) -> Iterable[Form]:
    """The forms asked for, of the neck as it is and fused; the peer, which all are compared with, first."""
    neck, fused = necks
    expected = neck(list(maps))
    plan: list[tuple[str, Callable[..., Form], nn.Module]] = []
    if peer:
        plan.append((peer.name, eager, peer.module))
        plan += [(f"{peer.name} {form}", _MAKERS[form], peer.module) for form in setting.forms if form in _FAST]
    plan += [(form, _MAKERS[form], neck if form == "eager" else fused) for form in setting.forms]
    for index, (name, make, module) in enumerate(plan):
        progress(f"making {name}", 0.5 * index / len(plan))
        form = make(name, module, maps)
        if form.call:
            _check(name, form.call(), expected, rounded=setting.tf32)
        yield form


@contextmanager
def _rounding(*, tf32: bool) -> Iterator[None]:
    """All products of float32 rounded alike: a convolution of one form is a matrix product in another."""
    backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [it.allow_tf32 for it in backends]
    for it in backends:
        it.allow_tf32 = tf32
    try:
        yield
    finally:
        for it, allowed in zip(backends, before, strict=True):
            it.allow_tf32 = allowed


def _check(name: str, got: Any, expected: Sequence[Tensor], *, rounded: bool) -> None:
    """A form that gives something else is not worth a measurement."""
    for index, (found, y) in enumerate(zip(got, expected, strict=True)):
        tolerance = 0.1 if y.dtype not in (torch.float32, torch.float64) else 1e-2 if rounded else 1e-5
        off = (torch.as_tensor(found).to(y) - y).abs().max() / y.abs().max()
        if not off <= tolerance:
            raise ValueError(
                f"{name} gives another output {index} than the neck: off by {off:.1e} of its largest value"
            )


def _row(form: Form, times: Mapping[str, Times], least: float | None, base: str) -> dict[str, Any]:
    """A form as plain data; ``least`` are the milliseconds that its multiply-accumulates take at full rate."""
    found = times.get(form.name)
    return {
        "form": form.name,
        "milliseconds": found._asdict() if found else None,
        "ratio": found.median / times[base].median if found and base in times else None,
        "peak_bytes": form.peak_bytes,
        "operators": form.operators,
        "share_of_matrix_product": least / found.median if found and least is not None else None,
        "reason": form.reason,
    }


def _machine(setting: Setting) -> dict[str, Any]:
    on_cuda = setting.device.type == "cuda"
    return {
        "machine": torch.cuda.get_device_name(setting.device) if on_cuda else _processor(),
        "device": str(setting.device),
        "threads": torch.get_num_threads(),
        "dtype": "tf32" if setting.tf32 else str(setting.dtype).removeprefix("torch."),
        "torch": torch.__version__,
        "rounds": setting.rounds,
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
