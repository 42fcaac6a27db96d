"""Bad lists of layers inside of others, for bad_files."""

from __future__ import annotations

_HEAD = "fpngraph: 1\nname: bad\ninputs: P(3..5)\n"


def _op(op: str, **settings: str) -> str:
    said = "".join(f", {key}: {value}" for key, value in settings.items())
    return f"{_HEAD}nodes:\n  a4: {{inputs: [P4], channels: 8, op: {op}{said}}}\noutputs: [a4]\n"


def _residuals(depth: int) -> str:
    return "[" + "{residual: [" * depth + "conv" + "]}" * depth + "]"


NESTED = [
    ("nested-unknown-setting", _op("[{residual: [{conv: {kernl: 3}}]}]")),
    ("nested-unknown-setting-in-a-branch", _op("[{sum: [[conv], [act, {conv: {kernl: 3}}]]}]")),
    ("nested-unknown-layer-in-a-list-in-a-list", _op("[[act, [cnv]]]")),
    ("nested-all-problems-at-once",
     _op("[{residual: [{conv: {kernel: 0}}, {sum: [[act], [cnv]]}, {slice: {index: x}}]}]")),
    ("nested-through-a-parameter", f"{_HEAD}params: {{one: [{{residual: [{{conv: {{kernl: 3}}}}]}}]}}\n"
     "nodes: {a4: {inputs: [P4], channels: 8, op: [$one]}}\noutputs: [a4]\n"),
    ("nested-resampler", _op("[{residual: [nearest]}]")),
    ("nested-resampler-with-settings-in-a-path", _op("none", resample="{up: [nearest, {residual: [{deconv: {}}]}]}")),
    ("nested-resampler-alone-in-a-path", _op("none", resample="{up: [{residual: [conv]}]}")),
    ("nested-resampler-in-an-op", _op("[max_pool]")),
    ("nested-settings-of-the-act", _op("[{residual: [{act: {}}]}]")),
    ("nested-eight-and-one-deep", _op(_residuals(9))),
    ("nested-too-many-layers-of-a-tree", _op("[{repeat: {times: 50, layers: [conv, norm]}}]")),
    ("nested-too-many-layers-in-lists", _op("[[" + "act, " * 60 + "], [" + "act, " * 60 + "]]")),
    ("residual-alone", _op("[residual]")),
    ("residual-of-nothing", _op("[{residual: }]")),
    ("residual-of-a-word", _op("[{residual: conv}]")),
    ("residual-none", _op("[{residual: none}]")),
    ("residual-with-the-name-of-its-list", _op("[{residual: {layers: [conv]}}]")),
    ("residual-of-a-layer-without-brackets", _op("[{residual: {conv: {kernel: 1}}}]")),
    ("residual-of-other-channels", _op("[{residual: [{conv: {channels: 16}}]}]")),
    ("residual-of-other-channels-inside", _op("[{concat: [[], [{residual: [{slice: {index: 0}}]}]]}]")),
    ("sum-alone", _op("[sum]")),
    ("sum-of-layers", _op("[{sum: [conv, conv]}]")),
    ("sum-of-one-branch", _op("[{sum: [[conv]]}]")),
    ("sum-of-unequal-branches", _op("[{sum: [[{conv: {channels: 4}}], [conv], []]}]")),
    ("concat-of-a-mapping", _op("[{concat: {branches: [[], []]}}]")),
    ("concat-with-a-layer-that-does-not-fit", _op("[{residual: [{concat: [[], [{conv: {groups: 3}}]]}]}]")),
    ("repeat-alone", _op("[repeat]")),
    ("repeat-of-a-list", _op("[{repeat: [conv]}]")),
    ("repeat-with-wrong-settings", _op("[{repeat: {times: -1, layers: [conv], keep: first, tims: 2}}]")),
    ("repeat-too-often", _op("[{repeat: {times: 101, layers: []}}]")),
    ("repeat-with-a-layer-that-does-not-fit", _op("[{repeat: {times: 4, layers: [{slice: {index: 1}}]}}]")),
    ("slice-alone", _op("[slice]")),
    ("slice-of-a-number", _op("[{slice: 1}]")),
    ("slice-in-two-ways", _op("[{slice: {index: 0, start: 3, channels: 1}}]")),
    ("slice-without-channels", _op("[{slice: {start: 3}}]")),
    ("slice-of-no-part", _op("[{slice: {parts: 2}}]")),
    ("slice-of-a-negative-part", _op("[{slice: {index: -1}}]")),
    ("slice-of-a-part-beyond", _op("[{slice: {index: 2}}]")),
    ("slice-of-unequal-parts", _op("[{slice: {index: 0, parts: 3}}]")),
    ("slice-beyond-the-channels", _op("[{slice: {start: 3, channels: 6}}]")),
    ("nested-convolution-without-channels", f"{_HEAD}nodes: {{a4: {{inputs: [{{from: P4, project: {{channels: 8}}}}], "
     "op: [{residual: [{concat: [[], [conv]]}]}]}}\noutputs: [a4]\n"),
    ("fusion-setting-of-a-layer-of-the-same-name", _op("none", fusion="{concat: {branches: 3}}")),
]  # fmt: skip
