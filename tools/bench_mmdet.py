"""mmdet's PAFPN against the graph panet: time and peak memory, all forms in turns, on one thread.

mmdet is installed by hand; the program says how where it is missing.
Example: ``python tools/bench_mmdet.py --rounds 20``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from types import ModuleType

import torch
from bench_rows import report
from torch import Tensor, nn

import fpngraph
from fpngraph.bench.forms import Form, compiled, eager, onnx_runtime

IN_CHANNELS = {2: 256, 3: 512, 4: 1024, 5: 2048}  # of a ResNet-50
MAX_LEVEL = 6
CHANNELS = 256
TOLERANCE = 1e-5
MISSING = """mmdet's PAFPN cannot be imported: {}
  hint: in the environment that fpngraph is in, run
    pip install --no-deps mmdet==3.3.0 mmengine mmcv-lite==2.1.0
    pip install addict yapf termcolor rich terminaltables shapely matplotlib opencv-python-headless scipy pycocotools \
six tqdm"""


def path_aggregation() -> nn.Module:
    """A PAFPN of mmdet with random weights and biases, called with a list of maps as ours is."""
    sys.modules["mmcv._ext"] = _Uncompiled("mmcv._ext")
    try:
        from mmdet.models.necks import PAFPN
    except ImportError as error:
        raise SystemExit(MISSING.format(error)) from error
    neck: nn.Module = PAFPN(list(IN_CHANNELS.values()), CHANNELS, MAX_LEVEL - min(IN_CHANNELS) + 1)
    for name, parameter in neck.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)  # mmdet starts with zeros
    return neck.eval()


class _Uncompiled(ModuleType):
    """In place of mmcv's compiled operators, which mmdet looks for and its PAFPN does not call."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)

        def operator(*_: object) -> object:
            raise NotImplementedError(name)

        return operator


def carry(peer: nn.Module, ours: fpngraph.Neck) -> None:
    """Give ``ours`` the weights of ``peer``."""
    state = peer.state_dict()
    first = min(IN_CHANNELS)

    def finer(level: int) -> str:
        """What the second path reads from the level below."""
        return f"{'S' if level - 1 > first else 'F'}{level - 1}"

    # Our module, mmdet's list of modules, and the level of the first of them.
    names = (
        ("M{0}.edges.C{0}.project.conv", "lateral_convs", first),
        ("F{}.op.conv", "fpn_convs", first),
        ("S{0}.edges.{1}.strided_conv", "downsample_convs", first + 1),
        ("N{}.op.conv", "pafpn_convs", first + 1),
    )
    ours.load_state_dict(
        {
            f"{name.format(level, finer(level))}.{kind}": state[f"{modules}.{level - start}.conv.{kind}"]
            for name, modules, start in names
            for level in range(start, max(IN_CHANNELS) + 1)
            for kind in ("weight", "bias")
        }
    )


def forms_of(peer: nn.Module, ours: fpngraph.Neck, maps: list[Tensor]) -> Iterator[Form]:
    """Every form of both, for maps that are contiguous and for maps that are ``channels_last``."""
    for layout, memory_format in (("", torch.contiguous_format), (", channels_last", torch.channels_last)):
        given = [x.to(memory_format=memory_format) for x in maps]
        theirs = deepcopy(peer).to(memory_format=memory_format)
        neck = deepcopy(ours).to(memory_format=memory_format)
        fused = neck.fuse()
        yield eager(f"mmdet{layout}", theirs, given)
        yield compiled(f"mmdet compiled{layout}", theirs, given)
        yield eager(f"panet{layout}", neck, given)
        yield eager(f"panet fused{layout}", fused, given)
        yield compiled(f"panet compiled{layout}", fused, given)
    yield onnx_runtime("mmdet in ONNX Runtime", peer, maps)
    yield onnx_runtime("panet in ONNX Runtime", ours.fuse(), maps)


def assert_equal(form: Form, expected: list[Tensor]) -> None:
    """No output of the form is further off than 1e-5 of the largest value of what is expected."""
    outputs = form.call() if form.call else expected
    for got, y in zip(outputs, expected, strict=True):
        off = (torch.as_tensor(got) - y).abs().max() / y.abs().max()
        assert off <= TOLERANCE, f"{form.name} is off by {off:.1e} of the largest value"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--image-size", type=int, default=512, metavar="PIXELS", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=20, help="default: %(default)s")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    peer = path_aggregation()
    graph = fpngraph.load("panet", max=MAX_LEVEL, channels=CHANNELS)
    ours = fpngraph.build(graph, list(IN_CHANNELS.values())).eval()
    carry(peer, ours)
    maps = [
        torch.randn(1, channels, *2 * [-(-arguments.image_size // 2**level)]) for level, channels in IN_CHANNELS.items()
    ]
    with torch.inference_mode():
        forms = list(forms_of(peer, ours, maps))
        expected = list(peer(maps))
        for form in forms:
            assert_equal(form, expected)
        report("PAFPN", forms, arguments.rounds)


if __name__ == "__main__":
    main()
