"""Trained modules as the parts that run in inference, folded into each other where the rules of operators allow it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from fpngraph.errors import first_line
from fpngraph.inference import branches
from fpngraph.inference.absorbing import absorb
from fpngraph.inference.classes import full_name, is_one_of, no_rule
from fpngraph.inference.modules import Repeat
from fpngraph.inference.parts import Holder, Part, Rule, Rules, running
from fpngraph.layers.layout import let_any, takes_any
from fpngraph.layers.node import Edge
from fpngraph.layers.resample.interpolate import Interpolate

ALONE = "follows no convolution that could take it in"
_NOT_RUN = frozenset({"train", "eval"})  # methods that have no part in what a call gives


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts that run one after the other, and which of them is called with the size wanted too."""

    parts: Sequence[Part]
    resampler: int | None = None
    whole: bool = False
    """Whether the one part is an edge itself."""
    unfolded: Mapping[str, str] = field(default_factory=dict)
    """Of the modules that run as they are, where others are folded: path to reason."""

    def run(self, *, owned: bool) -> tuple[Edge, bool]:
        """An edge of the parts, given whether the map may be written to, and whether what it gives may be."""
        if self.whole:
            return cast(Edge, self.parts[0].module), False
        modules, owned = running(self.parts, owned=owned)
        repeats = len(modules) == 1 and self.parts[0].commutes == "always" and _repeats_pixels(modules[0])
        resampler = None if self.resampler is None else str(self.resampler)
        return (Repeat if repeats else Edge)(modules, resampler=resampler), owned


def _repeats_pixels(module: nn.Module) -> bool:
    return isinstance(module, Interpolate) and module.mode == "nearest"


class Held(NamedTuple):
    """A module of a list: its name there, and its path in the whole."""

    name: str
    path: str
    module: nn.Module


def held(path: str, modules: nn.Module) -> Iterator[Held]:
    """The modules of a list that is at ``path``."""
    for name, module in modules._modules.items():
        if module is not None:
            yield Held(name, f"{path}.{name}", module)


def chain(rules: Rules, modules: Iterable[Held], *, resampler: str | None = None) -> Chain:
    """Copies of ``modules``; what is only a scale and a shift is taken into the part before it.

    ``rules`` are those of what the graph says; what somebody has put among the modules goes by one of them too, if it
    is for its class. The module of the name ``resampler`` is called with the size wanted.
    """
    parts: list[Part] = []
    unfolded: dict[str, str] = {}
    place = None
    for one, rule in _pieces(rules, modules):
        if one.name == resampler:
            place = len(parts)
        for part in _parts(rule, one, unfolded):
            if part.affine is not None and parts and parts[-1].absorbs:
                absorb(parts[-1].module, *part.affine)
                parts[-1] = _scaled(parts[-1], *part.affine)
                continue
            parts.append(part)
            reason = part.remains if part.affine is None else ALONE
            if reason:
                unfolded[one.path] = reason
    return Chain(parts, place, unfolded=unfolded)


def _scaled(part: Part, scale: Tensor, shift: Tensor) -> Part:
    """A part that has taken in a scale and a shift: one that is no more than that itself is both now."""
    if part.affine is None:
        return part
    return replace(part, affine=(part.affine[0] * scale, part.affine[1] * scale + shift))


def _pieces(rules: Rules, modules: Iterable[Held]) -> Iterator[tuple[Held, Rule | None]]:
    """The modules with their rules; in place of those that only run what they hold one after the other, that."""
    for one in modules:
        own = (rules[one.name],) if one.name in rules else ()
        rule = next((rule for rule in (*own, *rules.values()) if is_one_of(one.module, rule.modules)), None)
        inside = rule.rules_inside() if isinstance(rule, Holder) else None
        if inside is not None and branches.only_runs(one.module) and not changed(one.module):
            yield from _pieces(inside, held(one.path, one.module))
        else:
            yield one, rule


def _chains(rules: Rules, one: Held) -> Sequence[Chain]:
    """What a module holds: one list, or several."""
    if branches.is_list(one.module):
        return [chain(rules, held(one.path, one.module))]
    return [chain(rules, [branch]) for branch in held(one.path, one.module)]


def untouched(path: str, module: nn.Module, reason: str, *, whole: bool = False) -> Chain:
    """A copy of ``module`` that runs as it is."""
    return Chain((Part(inference_copy(module, path)),), whole=whole, unfolded={path: reason})


def _parts(rule: Rule | None, one: Held, unfolded: dict[str, str]) -> Sequence[Part]:
    module = one.module
    inside = rule.rules_inside() if isinstance(rule, Holder) else None
    if inside is not None and not changed(module):
        chains = _chains(inside, one)
        part, merged = branches.folded(module, [found.parts for found in chains])
        for index, found in enumerate(chains):
            unfolded |= {} if index in merged else found.unfolded
        return (part,)
    own = inference_copy(module, one.path)
    reason = no_rule(module) if rule is None else changed_inside(module)
    parts = (Part(own, remains=reason),) if rule is None or reason else rule.parts(own)
    if takes_any(own):
        for part in parts:
            let_any(part.module)
            if part.writing is not None:
                let_any(part.writing)
    return parts


def inference_copy(module: nn.Module, path: str = "") -> nn.Module:
    """A copy in eval mode whose parameters are constants. Raises ValueError for what cannot be copied."""
    held = [value for part in module.modules() for value in (*vars(part).values(), *part.buffers(recurse=False))]
    worked_out = [value for value in held if isinstance(value, Tensor) and not value.is_leaf]  # by pruning, weight norm
    memo = {id(value): value.detach().clone() for value in worked_out}
    try:
        own: nn.Module = copy.deepcopy(module, memo)
    except Exception as error:  # whatever somebody's module, or its hooks, hold
        raise ValueError(
            f"module {path!r} cannot be copied: {first_line(error)}\n"
            "  hint: remove its hooks, and what they keep, before fusing"
        ) from error
    return own.eval().requires_grad_(False)


def changed(module: nn.Module) -> str:
    """What a call of ``module`` itself does beside what its class says; empty if nothing."""
    for what, hooks in (("hook", module._forward_hooks), ("pre-hook", module._forward_pre_hooks)):
        for hook in hooks.values():
            return f"has a forward {what}, {full_name(hook if hasattr(hook, '__qualname__') else type(hook))}"
    for name in vars(module):
        if name not in _NOT_RUN and callable(getattr(type(module), name, None)):
            return f"has another {name!r} than its class"
    for name, parameter in module.named_parameters(recurse=False):
        if type(parameter) is not nn.Parameter:
            return f"has a {name!r} of the class {full_name(type(parameter))}"
    return ""


def changed_inside(module: nn.Module) -> str:
    """The same of ``module`` and of all in it."""
    for name, part in module.named_modules():
        if reason := changed(part):
            return f"its {name!r} {reason}" if name else reason
    return ""


def different(module: nn.Module, *kinds: type[nn.Module]) -> str:
    """Why ``module`` is not what a class of exactly ``kinds`` makes of its modules; empty if it is."""
    return changed(module) if type(module) in kinds else no_rule(module)


def take_factor(parts: Sequence[Part], factor: float) -> float:
    """Multiply what ``parts`` give by ``factor`` inside of them; what remains to be multiplied by after them."""
    for part in reversed(parts):
        if part.absorbs:
            device = next((it.device for it in part.module.parameters()), None)
            scale, shift = torch.tensor([factor, 0.0], dtype=torch.float64, device=device)
            absorb(part.module, scale, shift)
            return 1.0
        if part.commutes == "never" or (part.commutes == "non_negative" and factor < 0):
            break
    return factor


def told(unfolded: Mapping[str, str]) -> Iterator[str]:
    """What was not folded as lines of text, one for each reason."""
    paths: dict[str, list[str]] = {}
    for path, reason in unfolded.items():
        paths.setdefault(reason, []).append(path or "the whole")
    for reason, named in paths.items():
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        yield f"not folded: {', '.join(named[:_NAMED])}{more}: {reason}"


_NAMED = 4  # how many paths a line has
