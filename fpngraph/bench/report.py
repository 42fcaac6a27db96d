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

from fpngraph.bench.floor import Floor, floor
from fpngraph.bench.forms import Form, compiled, eager
from fpngraph.bench.runtimes import aot_inductor, onnx_runtime, onnx_runtime_dynamic, openvino
from fpngraph.bench.subject import Setting, Subject
from fpngraph.bench.timing import Times, interleaved, summary
from fpngraph.errors import first_line

_OF_ANY: Mapping[str, Callable[..., Form]] = {
    "compiled": compiled,
    "onnxruntime": onnx_runtime,
    "onnxruntime-dynamic": onnx_runtime_dynamic,
    "openvino": openvino,
    "aotinductor": aot_inductor,
}
"""The forms that any module has."""
FORMS = ("eager", "fused", "sized", *_OF_ANY)
Report = Mapping[str, Any]
Progress = Callable[[str, float], None]
"""Told what is being done, and which share of all is done."""
_FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another implementation of the same neck or detector, with the same weights."""

    name: str
    module: nn.Module


@dataclass(frozen=True, slots=True)
class _Made:
    """What is measured, its inference form, all its forms, and their arithmetic alone."""

    subject: Subject
    fused: Any
    forms: Sequence[Form]
    floor: Floor


def measure(subject: Subject, setting: Setting, *, peer: Peer | None = None, progress: Progress) -> Report:
    """Time, memory and operators of every form of ``subject``, which is in eval mode.

    Raises ValueError if a form, or the peer, gives something else than the plain one.
    """
    return measure_all([subject], setting, peers=[peer], progress=progress)[0]


def measure_all(
    subjects: Sequence[Subject], setting: Setting, *, peers: Sequence[Peer | None], progress: Progress
) -> list[Report]:
    """As ``measure``, of several with a peer or None for each: all take turns, so that they can be compared."""
    with torch.inference_mode(), _rounding(tf32=setting.tf32):
        made = []
        for place, (subject, peer) in enumerate(zip(subjects, peers, strict=True)):
            told = partial(_told, progress, place / len(subjects), 1 / len(subjects))
            fused = subject.fuse(())
            forms = list(_forms(subject, fused, setting, peer, told))
            made.append(_Made(subject, fused, forms, floor(fused, subject.maps)))
        calls = {(place, form.name): form.call for place, it in enumerate(made) for form in it.forms if form.call}
        floors = {(place, _FLOOR): it.floor.call for place, it in enumerate(made)}
        summaries = _timed(floors | calls, setting, progress)
    return [
        _report(it, {name: times for (at, name), times in summaries.items() if at == place}, setting)
        for place, it in enumerate(made)
    ]


def _told(progress: Progress, start: float, share: float, what: str, done: float) -> None:
    """What one of several tells of its share of the making."""
    progress(what, 0.5 * start + share * done)


_Key = tuple[int, str]
"""The place of what is measured, and the name of a form."""


def _timed(calls: Mapping[_Key, Callable[[], object]], setting: Setting, progress: Progress) -> dict[_Key, Times]:
    times: dict[_Key, list[float]] = {key: [] for key in calls}
    for turn, found in enumerate(interleaved(calls, rounds=setting.rounds, device=setting.device)):
        progress("measuring", 0.5 + 0.5 * turn / setting.rounds)
        for key, milliseconds in found.items():
            times[key].append(milliseconds)
    return {key: summary(values) for key, values in times.items()}


def _report(made: _Made, summaries: Mapping[str, Times], setting: Setting) -> Report:
    """What was measured of one."""
    subject = made.subject
    rows = [_row(form, summaries, made.forms[0].name) for form in made.forms]
    return _machine(setting) | {
        "graph": subject.name,
        "in_channels": dict(subject.in_channels),
        "image_size": list(setting.image_size),
        "batch": setting.batch,
        "parameters": subject.parameters,
        "macs": made.floor.macs // setting.batch if subject.macs is None else subject.macs,
        "floor_milliseconds": summaries[_FLOOR]._asdict(),
        "unfolded": made.fused.unfolded,
        "forms": rows,
    }


def _forms(
    subject: Subject, fused: nn.Module, setting: Setting, peer: Peer | None, progress: Progress
) -> Iterable[Form]:
    """The forms asked for, of the subject as it is and fused; the peer, which all are compared with, first."""
    maps = subject.maps
    expected = subject.plain(list(maps))
    plan: list[tuple[str, Callable[..., Form], nn.Module]] = []
    if peer:
        plan.append((peer.name, eager, peer.module))
        plan += [(f"{peer.name} {form}", _OF_ANY[form], peer.module) for form in setting.forms if form in _OF_ANY]

    def sized(name: str, module: nn.Module, maps: Sequence[Tensor]) -> Form:
        try:
            own = subject.fuse([setting.image_size])
        except ValueError as error:
            return Form(name, None, reason=first_line(error))
        return eager(name, own, maps)

    own: dict[str, Callable[..., Form]] = {**_OF_ANY, "sized": sized}
    plan += [(form, own.get(form, eager), subject.plain if form == "eager" else fused) for form in setting.forms]
    for index, (name, make, module) in enumerate(plan):
        progress(f"making {name}", 0.5 * index / len(plan))
        form = make(name, module, maps)
        if form.call:
            _check(name, form.call(), expected, subject.tolerance(rounded=setting.tf32))
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


def _check(name: str, got: Any, expected: Sequence[Tensor], tolerance: float) -> None:
    """A form that gives something else is not worth a measurement."""
    for index, (found, y) in enumerate(zip(got, expected, strict=True)):
        off, largest = (torch.as_tensor(found).to(y) - y).abs().max(), y.abs().max()
        if not off <= tolerance * largest:
            share = f"{off / largest:.1e} of its largest value"
            raise ValueError(f"{name} gives another output {index} than the plain form: off by {share}")


def _row(form: Form, times: Mapping[str, Times], base: str) -> dict[str, Any]:
    """A form as plain data."""
    found = times.get(form.name)
    return {
        "form": form.name,
        "milliseconds": found._asdict() if found else None,
        "ratio": found.median / times[base].median if found and base in times else None,
        "peak_bytes": form.peak_bytes,
        "operators": form.operators,
        "of_floor": found.median / times[_FLOOR].median if found else None,
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
