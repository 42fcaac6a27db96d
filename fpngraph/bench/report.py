"""A benchmark of one graph: the forms of its neck measured in turns, as plain data and as a table."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fpngraph.analysis.costs import cost
from fpngraph.bench.forms import Form, compiled, eager, sized
from fpngraph.bench.runtimes import aot_inductor, onnx_runtime, onnx_runtime_dynamic, openvino
from fpngraph.bench.timing import Times, interleaved, matrix_product, summary
from fpngraph.compiler.fused_neck import FusedNeck
from fpngraph.compiler.neck import Neck
from fpngraph.compiler.runtime import coarser
from fpngraph.feature import Size

_OF_ANY: Mapping[str, Callable[..., Form]] = {
    "compiled": compiled,
    "onnxruntime": onnx_runtime,
    "onnxruntime-dynamic": onnx_runtime_dynamic,
    "openvino": openvino,
    "aotinductor": aot_inductor,
}
"""The forms that any module has."""
FORMS = ("eager", "fused", "sized", *_OF_ANY)
USUAL = FORMS[:5]
"""The forms that need no patience of minutes and no further package."""
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
    forms: tuple[str, ...] = USUAL


@dataclass(frozen=True, slots=True)
class Peer:
    """Another implementation of the same neck, with the same weights."""

    name: str
    module: nn.Module


@dataclass(frozen=True, slots=True)
class _Made:
    """A neck, and its forms."""

    neck: Neck
    fused: FusedNeck
    forms: Sequence[Form]


def measure(neck: Neck, setting: Setting, *, peer: Peer | None = None, progress: Progress) -> Report:
    """Time, memory and operators of every form of ``neck``, which is in eval mode.

    Raises ValueError if a form, or the peer, gives something else than the neck.
    """
    return measure_all([neck], setting, peers=[peer], progress=progress)[0]


def measure_all(
    necks: Sequence[Neck], setting: Setting, *, peers: Sequence[Peer | None], progress: Progress
) -> list[Report]:
    """As ``measure``, of several necks with a peer or None for each: all take turns, so that they can be compared."""
    with torch.inference_mode(), _rounding(tf32=setting.tf32):
        made = []
        for place, (neck, peer) in enumerate(zip(necks, peers, strict=True)):
            told = partial(_told, progress, place / len(necks), 1 / len(necks))
            fused = neck.fuse()
            made.append(_Made(neck, fused, [*_forms((neck, fused), feature_maps(neck, setting), setting, peer, told)]))
        product, product_macs = matrix_product(setting.device, setting.dtype)
        calls = {(place, form.name): form.call for place, it in enumerate(made) for form in it.forms if form.call}
        summaries = _timed({(-1, _PRODUCT): product} | calls, setting, progress)
    rate = product_macs / summaries[-1, _PRODUCT].median
    return [
        _report(it, {name: times for (at, name), times in summaries.items() if at == place}, rate, setting)
        for place, it in enumerate(made)
    ]


def _told(progress: Progress, start: float, share: float, what: str, done: float) -> None:
    """What one of several necks tells of its share of the making."""
    progress(what, 0.5 * start + share * done)


_Key = tuple[int, str]
"""The place of a neck, and the name of a form."""


def _timed(calls: Mapping[_Key, Callable[[], object]], setting: Setting, progress: Progress) -> dict[_Key, Times]:
    times: dict[_Key, list[float]] = {key: [] for key in calls}
    for turn, found in enumerate(interleaved(calls, rounds=setting.rounds, device=setting.device)):
        progress("measuring", 0.5 + 0.5 * turn / setting.rounds)
        for key, milliseconds in found.items():
            times[key].append(milliseconds)
    return {key: summary(values) for key, values in times.items()}


def _report(made: _Made, summaries: Mapping[str, Times], rate: float, setting: Setting) -> Report:
    """What was measured of one neck; ``rate`` is that of a matrix product, in multiply-accumulates per millisecond."""
    neck = made.neck
    costs = cost(neck.source_graph, list(neck.in_channels.values()), setting.image_size)
    least = setting.batch * costs.macs / rate if costs.macs is not None else None
    rows = [_row(form, summaries, least, made.forms[0].name) for form in made.forms]
    return _machine(setting) | {
        "graph": neck.source_graph.name,
        "in_channels": dict(neck.in_channels),
        "image_size": list(setting.image_size),
        "batch": setting.batch,
        "parameters": costs.parameters,
        "macs": costs.macs,
        "matrix_product_gigamacs_per_second": round(rate / 1e6, 1),
        "unfolded": made.fused.unfolded,
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
        plan += [(f"{peer.name} {form}", _OF_ANY[form], peer.module) for form in setting.forms if form in _OF_ANY]
    own: dict[str, Callable[..., Form]] = {**_OF_ANY, "sized": partial(sized, image_size=setting.image_size)}
    plan += [(form, own.get(form, eager), neck if form == "eager" else fused) for form in setting.forms]
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
