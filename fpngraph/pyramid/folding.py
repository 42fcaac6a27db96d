"""Any backbone of timm in its inference form: which norm reads which convolution is found by following the calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from timm.layers.conv2d_same import Conv2dSame
from timm.models import get_notrace_functions, get_notrace_modules
from torch import fx, nn

from fpngraph.inference.absorbing import absorb
from fpngraph.inference.classes import is_one_of, no_rule
from fpngraph.inference.folding import ALONE, changed, changed_inside
from fpngraph.layers.conv import UncopiedConv2d, is_pointwise, pointwise, same_padded
from fpngraph.ops import Operator
from fpngraph.ops.norm import BatchNorm, GroupNorm, LayerNorm

_CONVS = ("torch.nn.Conv2d", "timm.layers.conv2d_same.Conv2dSame")
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.LayerNorm)


def in_inference(backbone: nn.Module) -> tuple[nn.Module, Mapping[str, str]]:
    """The backbone, which is changed: norms folded, and no padded copies for TensorFlow's padding; and what remains."""
    unfolded = _fold_norms(backbone)
    for name, part in list(backbone.named_modules()):
        if not is_one_of(part, _CONVS) or changed(part):
            continue
        assert isinstance(part, nn.Conv2d)
        if isinstance(part, Conv2dSame) and _is_square(part):
            # only where they are cheap: a kernel with zeros in it costs more than the copy where channels are mixed
            cheap = part.groups > 1 and part.stride[0] > 1 and part.dilation[0] == 1
            backbone.set_submodule(name, UncopiedConv2d(part) if cheap else same_padded(part))
        elif is_pointwise(part):
            backbone.set_submodule(name, pointwise(part))
    return backbone, unfolded


def _is_square(conv: nn.Conv2d) -> bool:
    return all(len({*pair}) == 1 for pair in (conv.kernel_size, conv.stride, conv.dilation))


def _fold_norms(backbone: nn.Module) -> Mapping[str, str]:
    """Take each batch norm into the convolution that it alone reads; the norms that remain, with the reason."""
    modules = dict(backbone.named_modules())
    norms = {name: part for name, part in modules.items() if isinstance(part, _NORMS) or _rule(part)}
    calls = _followed(backbone)
    pairs = dict(calls.pairs(norms)) if calls else {}
    unfolded = {}
    for name, norm in norms.items():
        rule = _rule(norm)
        reason = changed_inside(norm) if rule else no_rule(norm)
        parts = rule.parts(norm) if rule and not reason else ()
        if parts and (affine := parts[0].affine) is not None and name in pairs:
            absorb(modules[pairs[name]], *affine)
            backbone.set_submodule(name, nn.Sequential(*(part.module for part in parts[1:])))
        else:
            remains = parts[0].remains if parts else reason
            unfolded[name] = remains or (calls.alone(name) if calls else "is in a backbone that torch.fx cannot follow")
    return unfolded


def _rule(norm: nn.Module) -> Operator | None:
    return next((rule for rule in (BatchNorm(), GroupNorm(), LayerNorm()) if is_one_of(norm, rule.modules)), None)


def _followed(backbone: nn.Module) -> _Calls | None:
    """The calls in a backbone; None if torch.fx cannot follow it, or not what somebody has made of its forward."""
    if changed(backbone):
        return None
    try:
        apart = tuple(get_notrace_functions())  # type: ignore[no-untyped-call]  # timm has no hints for it
        graph = _Tracer(autowrap_functions=apart).trace(backbone)
    except Exception:  # whatever a model does that cannot be followed: it runs as it is
        return None
    return _Calls(graph, dict(backbone.named_modules()))


class _Tracer(fx.Tracer):
    """Follows a model down to its convolutions and norms, those of timm included, to what somebody has hooked, and to
    what timm says cannot be followed.
    """

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        apart = (nn.Conv2d, *get_notrace_modules())  # type: ignore[no-untyped-call]  # timm has no hints for it
        leaf = isinstance(m, apart) or is_one_of(m, BatchNorm.modules) or bool(changed(m))
        return leaf or bool(super().is_leaf_module(m, module_qualified_name))


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls of modules in a backbone, and its modules by their paths."""

    graph: fx.Graph
    modules: Mapping[str, nn.Module]

    def pairs(self, norms: Mapping[str, nn.Module]) -> Iterator[tuple[str, str]]:
        """Norms with the convolutions that they alone read, of those that are called once and read nowhere else."""
        called = Counter(node.target for node in self.graph.nodes if node.op == "call_module")
        read = {node.target.rpartition(".")[0] for node in self.graph.nodes if node.op == "get_attr"}
        inside = self._inside()
        for node in self.graph.nodes:
            if node.op == "call_module" and node.target in norms and len(node.all_input_nodes) == 1:
                (source,) = node.all_input_nodes
                if source.op != "call_module" or len(source.users) != 1:
                    continue
                both = {source.target, node.target}
                if any(called[it] != 1 for it in both) or both & (read | inside.keys()):
                    continue
                conv = self.modules[source.target]
                if is_one_of(conv, _CONVS) and not changed(conv):
                    yield node.target, source.target

    def alone(self, norm: str) -> str:
        """Why the norm of this path is folded into nothing."""
        holder = self._inside().get(norm)
        if holder is None:
            return ALONE
        return f"is in {holder!r}, which {changed(self.modules[holder]) or 'torch.fx cannot follow'}"

    def _inside(self) -> Mapping[str, str]:
        """What stands in modules that are called as a whole, with these: nobody sees how it is called there."""
        wholes = {node.target: self.modules[node.target] for node in self.graph.nodes if node.op == "call_module"}
        paths = {id(part): path for path, part in self.modules.items()}
        return {
            paths[id(part)]: path for path, whole in wholes.items() for part in whole.modules() if part is not whole
        }
