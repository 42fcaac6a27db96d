"""EfficientDet's necks on a GPU: forms of fpngraph against effdet's on equal weights, in turns; inference and training.

Prints Markdown tables. Ratios are to effdet's neck as it comes, in the same precision. A form whose maps are off from
effdet's by more than the precision allows is named and not measured.
Example: ``python -m tools.bench_gpu --models d0 d4 --batches 1 16 --rounds 50``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from statistics import median

import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.bench.timing import Call, interleaved
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet
from fpngraph.efficientdet.peer import effdet_neck
from fpngraph.errors import first_line
from tools.bench_training import IN_CHANNELS, LEVELS, step

DEVICE = torch.device("cuda")
SIDES = {"d0": 512, "d2": 768, "d4": 1024}
PRECISIONS = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}
_ALLOWED = {"float32": 1e-5, "tf32": 1e-2, "bfloat16": 1e-1}  # of an output's largest value
Row = tuple[str, float, float, float, float]  # form, milliseconds, ratio, MiB, ratio


def set_precision(name: str) -> None:
    """Whether products of float32 matrices and its convolutions may be rounded to TF32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "tf32"


def necks(model: str) -> tuple[nn.Module, fpngraph.Neck]:
    """Their neck and ours, with the same random weights and random statistics of norms."""
    torch.manual_seed(0)
    graph = fpngraph.load("bifpn", preset=model, padding="same")
    neck = fpngraph.build(graph, IN_CHANNELS[model]).eval()
    params = fpngraph.describe("bifpn", preset=model, padding="same").params
    theirs = effdet_neck("bifpn", params, neck, (SIDES[model], SIDES[model]))
    with torch.no_grad():
        for name, value in (*theirs.named_parameters(), *theirs.named_buffers()):
            if name.endswith(("running_var", "edge_weights")):
                value.uniform_(0.5, 1.5)
    neck.load_state_dict(neck_state_from_effdet(theirs.state_dict(), neck))
    return theirs.to(DEVICE), neck.to(DEVICE)


def maps_of(model: str, batch: int, dtype: torch.dtype) -> list[Tensor]:
    """The backbone's maps for square images of the model's size."""
    return [
        torch.randn(batch, channels, SIDES[model] >> level, SIDES[model] >> level, device=DEVICE, dtype=dtype)
        for level, channels in zip(LEVELS, IN_CHANNELS[model], strict=True)
    ]


def forms(theirs: nn.Module, neck: fpngraph.Neck, maps: list[Tensor]) -> Iterator[tuple[str, Callable[[], Call]]]:
    """Each form by name, with what makes it ready to be called."""
    last = [x.to(memory_format=torch.channels_last) for x in maps]
    fused = neck.fuse()
    modules: Mapping[str, tuple[nn.Module, list[Tensor]]] = {
        "effdet": (theirs, maps),
        "effdet, `channels_last` maps": (theirs, last),
        "plain": (neck, maps),
        "plain, `channels_last` maps": (neck, last),
        "fused": (fused, maps),
        "fused, `channels_last` maps": (fused, last),
    }
    for name, (module, given) in modules.items():
        yield name, lambda module=module, given=given: called(module, given)  # type: ignore[misc]  # bound at once
    for name in ("effdet", "fused", "fused, `channels_last` maps"):
        yield f"{name}, CUDA graph", lambda it=modules[name]: captured(*it)  # type: ignore[misc]  # as above
    for name in ("effdet", "fused"):
        yield f"{name}, compiled", lambda it=modules[name]: compiled(*it)  # type: ignore[misc]  # as above
        yield f"{name}, compiled, CUDA graph", lambda it=modules[name]: captured(faster(it[0]), it[1])  # type: ignore[misc]  # as above


def called(module: nn.Module, maps: list[Tensor]) -> Call:
    return lambda: module(list(maps))  # effdet writes to the list that it is called with


def faster(module: nn.Module) -> nn.Module:
    torch.compiler.reset()
    return torch.compile(module, fullgraph=True, dynamic=False)  # type: ignore[return-value]  # it calls alike


def compiled(module: nn.Module, maps: list[Tensor]) -> Call:
    return called(faster(module), maps)


def captured(module: nn.Module, maps: list[Tensor]) -> Call:
    """One replay of what a call launches, into the same maps each time."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no hints for it
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            module(list(maps))
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = module(list(maps))

    def call() -> object:
        graph.replay()
        return outputs

    return call


def inference(model: str, batch: int, precision: str, rounds: int, *, compiling: bool) -> list[Row]:
    """What each form takes."""
    set_precision(precision)
    theirs, neck = necks(model)
    dtype = PRECISIONS[precision]
    theirs, neck = theirs.to(dtype), neck.to(dtype)
    maps = maps_of(model, batch, dtype)
    calls: dict[str, Call] = {}
    peaks = {}
    with torch.inference_mode():
        expected = [y.float().clone() for y in theirs(list(maps))]
        for name, make in forms(theirs, neck, maps):
            if "compiled" in name and not compiling:
                continue
            try:
                call = make()
                off = difference(call(), expected)
            except Exception as error:  # a form that cannot run here
                print(f"{name} was not run: {first_line(error)}", flush=True)
                continue
            if not off <= _ALLOWED[precision]:
                print(f"{name} gives other maps: off by {off:.1e} of the largest value", flush=True)
                continue
            calls[name], peaks[name] = call, peak(call)
        return rows(calls, peaks, rounds)


def difference(got: object, expected: list[Tensor]) -> float:
    """The largest, relative to the largest value of its map."""
    pairs = zip(list(got), expected, strict=True)  # type: ignore[call-overload]  # maps in a list or a tuple
    return float(torch.stack([(a.float() - b).abs().max() / b.abs().max() for a, b in pairs]).max())


def peak(call: Call) -> float:
    """MiB that a call holds at most beside what was there; a replay holds what its capture took."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    call()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def rows(calls: Mapping[str, Call], peaks: Mapping[str, float], rounds: int) -> list[Row]:
    """The calls in turns, beside effdet's neck as it comes, which is the first."""
    turns = list(interleaved(calls, rounds=rounds, device=DEVICE))
    middle = {name: median(turn[name] for turn in turns) for name in calls}
    first = next(iter(calls))
    return [
        (name, middle[name], middle[name] / middle[first], peaks[name], peaks[name] / peaks[first]) for name in calls
    ]


def training(model: str, batch: int, precision: str, rounds: int) -> list[Row]:
    """Forward and backward, to the maps too; bfloat16 by autocast."""
    set_precision("tf32")
    theirs, plain = necks(model)
    graph = fpngraph.load("bifpn", preset=model, padding="same")
    lean = fpngraph.build(graph, IN_CHANNELS[model], lean=True).to(DEVICE)
    modules = {"effdet": theirs.train(), "default": plain.train(), "`lean=True`": lean.train()}
    maps = [x.requires_grad_() for x in maps_of(model, batch, torch.float32)]
    last = [x.detach().to(memory_format=torch.channels_last).requires_grad_() for x in maps]
    cast = torch.autocast("cuda", torch.bfloat16) if precision == "bfloat16" else nullcontext()
    calls: dict[str, Call] = {}
    with cast:
        for name, module in modules.items():
            calls[name] = step(module, maps)
            calls[f"{name}, `channels_last` maps"] = step(module, last)
        peaks = {name: peak(call) for name, call in calls.items()}
        return rows(calls, peaks, rounds)


def show(title: str, table: list[Row]) -> None:
    print(f"\n{title}\n\n| | milliseconds | of effdet's | memory, MiB | of effdet's |\n|---|---|---|---|---|")
    for name, milliseconds, ratio, mib, share in table:
        print(f"| {name} | {milliseconds:.3f} | {ratio:.2f} | {mib:.1f} | {share:.2f} |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=SIDES, default=list(SIDES), help="default: all")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16], help="images at once (default: 1 16)")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS), help="default: all")
    parser.add_argument("--rounds", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--no-compile", action="store_true", help="leave out what takes minutes to compile")
    parser.add_argument("--no-training", action="store_true", help="inference only")
    asked = parser.parse_args()
    print(f"{torch.cuda.get_device_name(DEVICE)}, torch {torch.__version__}, CUDA {torch.version.cuda}")
    started = time.monotonic()
    for model in asked.models:
        for batch in asked.batches:
            for precision in asked.precisions:
                compiling = not asked.no_compile and (batch == asked.batches[0] or precision == "bfloat16")
                table = inference(model, batch, precision, asked.rounds, compiling=compiling)
                show(f"{model}, batch {batch}, {precision} ({time.monotonic() - started:.0f} s)", table)
            for precision in () if asked.no_training else ("tf32", "bfloat16"):
                table = training(model, batch, precision, asked.rounds)
                show(f"{model}, batch {batch}, training, {precision} ({time.monotonic() - started:.0f} s)", table)


if __name__ == "__main__":
    main()
