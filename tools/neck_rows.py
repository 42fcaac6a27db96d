"""What a published neck consists of, as a table of weights needs it: its parts, their channels, and their state dicts.

The necks are those that the tests compare with, in the environment of ``make test-oracles``.
Example: ``.venv-oracles/bin/python tools/neck_rows.py yolov8n --entries``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tests.oracles.reference import Reference, maps
from tests.oracles.references.every import NECKS
from tests.oracles.references.ultralytics import Rows


@dataclass
class Call:
    """The channels that come in and go out, and whether a list of maps came in."""

    given: list[int]
    gave: list[int]
    takes_list: bool


def calls_of(reference: Reference) -> dict[str, Call]:
    """What each module of the neck is first called with and gives, by its name."""
    calls: dict[str, Call] = {}

    def listen(name: str, module: nn.Module) -> None:
        def before(_module: nn.Module, given: tuple[object, ...]) -> None:
            calls.setdefault(name, Call(list(channels(given)), [], len(given) == 1 and isinstance(given[0], list)))

        def after(_module: nn.Module, _given: object, y: object) -> None:
            calls[name].gave = list(channels(y))

        module.register_forward_pre_hook(before)
        module.register_forward_hook(after)

    for name, module in reference.neck.named_modules():
        listen(name, module)
    side = max(64, 2 * reference.multiple)
    with torch.no_grad():
        reference.neck.eval()(maps(reference, side, side, batch=1, dtype=torch.float32))
    return calls


def channels(value: object) -> Iterator[int]:
    if isinstance(value, Tensor):
        yield value.shape[1]
    elif isinstance(value, list | tuple):
        for part in value:
            yield from channels(part)


def parts(module: nn.Module, calls: Mapping[str, Call], prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The largest modules that take maps one by one, not as a list, and those that have no modules in them."""
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        has_modules = any(True for _ in child.children())
        if has_modules and (path not in calls or calls[path].takes_list):
            yield from parts(child, calls, f"{path}.")
        elif path in calls:
            yield path, child


def show(name: str, reference: Reference, *, entries: bool) -> None:
    calls = calls_of(reference)
    state = reference.neck.state_dict()
    inputs = ", ".join(f"C{level} {width}" for level, width in reference.in_channels.items())
    outputs = ", ".join(f"P{level} {width}" for level, width in zip(reference.levels, calls[""].gave, strict=True))
    print(f"{name}: {inputs} -> {outputs}, {len(state)} entries")
    rows = {f"model.{row.number}": row for row in reference.neck.rows} if isinstance(reference.neck, Rows) else {}
    for path, part in parts(reference.neck, calls):
        own = {entry: x for entry, x in state.items() if entry.startswith(f"{path}.")}
        row = rows.get(path)
        kind = f"from {list(row.sources)}, {row.kind} {row.arguments}" if row else type(part).__name__
        widths = " -> ".join("+".join(map(str, side)) for side in (calls[path].given, calls[path].gave))
        print(f"{path:24} {widths}  {kind}, {len(own)} entries")
        if entries:
            print("".join(f"    {entry} {tuple(x.shape)}\n" for entry, x in own.items()), end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    # argparse looks for the empty list, too, among the choices.
    parser.add_argument("necks", nargs="*", choices=[[], *NECKS], metavar="NECK", help="without one: the names of all")
    parser.add_argument("--entries", action="store_true", help="also every entry of the state dict, with its shape")
    arguments = parser.parse_args()
    for name in arguments.necks:
        show(name, NECKS[name](), entries=arguments.entries)
    if not arguments.necks:
        print("\n".join(NECKS))


if __name__ == "__main__":
    main()
