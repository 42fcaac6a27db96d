"""A neck of somebody's own, and mistakes that people make in it: in each one text stands in place of another."""

from __future__ import annotations

NECK = """\
fpngraph: 1
name: crossed
description: top-down, then bottom-up, with a skip from the backbone
params: {min: 3, max: 6, width: 96, wide: {3: 64, 4: 96, 5: 96, 6: 128}}
presets:
  small: {width: 48}
inputs: C(3..5)

defaults:
  channels: $width
  fusion: fast_normalized
  resample: {down: max_pool, up: bilinear}
  op: [act, separable_conv, norm]

stages:
  lateral:
    nodes:
      P(3..5): {inputs: [C(l)], fusion: sum, op: [{conv: {kernel: 1}}, norm]}
      P6: {inputs: [P5], fusion: sum, op: none}
  cross:
    repeat: 2
    nodes:
      top: {inputs: [P6], level: 6, fusion: sum, op: none}
      td(4..5): {inputs: [P(l), "td(l+1) | top"]}
      td3: {inputs: [P3, td4], channels: $(2 * width // 2)}
      bu(4..6): {inputs: [P(l), td(l) | top, bu(l-1) | td(l-1)]}
    outputs: {P3: td3, P(4..6): bu(l)}

outputs: P(min..max)
"""

MISTAKES: dict[str, tuple[str, str]] = {
    # YAML
    "indented-too-little": ("      P6: {inputs", "    P6: {inputs"),
    "indented-too-much": ("  op: [act, sep", "   op: [act, sep"),
    "indented-with-a-tab": ("  small: {", "\tsmall: {"),
    "bracket-forgotten": ("| td(l-1)]", "| td(l-1)"),
    "brace-forgotten": ("fusion: sum, op: none}\n  cross", "fusion: sum, op: none\n  cross"),
    "colon-without-a-space": ("name: crossed", "name:crossed"),
    "colon-in-a-sentence": ("description: top-down, then", "description: two ways: top-down, then"),
    "quote-not-closed": ('"td(l+1) | top"', '"td(l+1) | top'),
    "comma-forgotten": ("[P3, td4], channels", "[P3, td4] channels"),
    "items-without-a-comma": ("[P3, td4]", "[P3 td4]"),
    "equals-for-a-colon": ("repeat: 2", "repeat = 2"),
    "yes": ("[{conv: {kernel: 1}}, norm]", "[{conv: {kernel: 1, bias: yes}}, norm]"),
    "number-in-quotes": ("repeat: 2", 'repeat: "2"'),
    # keys and operators
    "key-misspelt": ("fusion: fast_normalized", "fuson: fast_normalized"),
    "key-in-the-plural": ("    outputs: {P3", "    output: {P3"),
    "section-misspelt": ("\nstages:", "\nstagse:"),
    "nodes-misspelt": ("  lateral:\n    nodes:", "  lateral:\n    node:"),
    "key-of-another-place": ("    repeat: 2", "    repeats: 2\n    channels: 64"),
    "key-of-an-edge": ("  op: [act, separable_conv, norm]\n", "  op: [act, separable_conv, norm]\n  project: always\n"),
    "operator-misspelt": ("up: bilinear", "up: billinear"),
    "operator-with-capitals": ("fusion: fast_normalized", "fusion: FastNormalized"),
    "operator-of-torch": ("up: bilinear", "up: upsample"),
    "operator-of-my-own": ("op: [act, separable_conv, norm]", "op: [act, my_attention, norm]"),
    "layer-without-brackets": ("op: [act, separable_conv, norm]", "op: separable_conv"),
    "layers-without-brackets": ("op: [act, separable_conv, norm]", "op: act, separable_conv, norm"),
    "resampler-without-a-direction": ("resample: {down: max_pool, up: bilinear}", "resample: bilinear"),
    "down-by-a-conv": ("down: max_pool", "down: conv"),
    "setting-misspelt": ("{conv: {kernel: 1}}", "{conv: {kernel_size: 1}}"),
    "settings-beside-the-name": ("{conv: {kernel: 1}}", "{conv, kernel: 1}"),
    # names, levels, ranges
    "range-with-a-dash": ("outputs: P(min..max)", "outputs: P(3-6)"),
    "range-as-a-slice": ("inputs: C(3..5)", "inputs: C[3:6]"),
    "range-in-braces": ("inputs: C(3..5)", "inputs: C{3..5}"),
    "range-with-three-dots": ("inputs: C(3..5)", "inputs: C(3...5)"),
    "range-with-a-comma": ("inputs: C(3..5)", "inputs: C(3,4,5)"),
    "range-without-parentheses": ("td(4..5):", "td4..5:"),
    "names-without-brackets": ("outputs: P(min..max)", "outputs: P3, P4, P5, P6"),
    "node-is-a-reference": ("P6: {inputs: [P5], fusion: sum, op: none}", "P6: P5"),
    "node-is-a-list": ("P6: {inputs: [P5], fusion: sum, op: none}", "P6: [P5]"),
    "inputs-without-brackets": ("{inputs: [C(l)], fusion", "{inputs: C(l), fusion"),
    "inputs-with-commas": ("{inputs: [P(l), td(l) | top, bu(l-1) | td(l-1)]}", "{inputs: P(l), td(l) | top}"),
    "family-that-ends-in-a-digit": ("bu(4..6)", "bu0(4..6)"),
    "boolean-in-quotes": ("[{conv: {kernel: 1}}, norm]", "[{conv: {kernel: 1, bias: 'true'}}, norm]"),
    "tuple-of-python": ("{conv: {kernel: 1}}", "{conv: {kernel: (1, 1)}}"),
    "inputs-added": ('[P(l), "td(l+1) | top"]', "P(l) + td(l+1)"),
    "inputs-added-in-brackets": ('[P(l), "td(l+1) | top"]', "[P(l) + td(l+1)]"),
    "null-for-none": ("bu(l-1) | td(l-1)", "bu(l-1) | null"),
    "or-for-a-bar": ("bu(l-1) | td(l-1)", "bu(l-1) or td(l-1)"),
    "dollar-in-an-index": ("td(l) | top", "td($l) | top"),
    "family-in-lower-case": ("[P3, td4]", "[p3, td4]"),
    "name-misspelt": ("td(l) | top", "td(l) | topp"),
    "no-fallback-at-the-end": ('"td(l+1) | top"', "td(l+1)"),
    "node-of-another-stage": ("outputs: P(min..max)", "outputs: td(min..5)"),
    "level-forgotten": ("top: {inputs: [P6], level: 6, ", "top: {inputs: [P6], "),
    "output-beyond-the-top": ("outputs: P(min..max)", "outputs: P(3..7)"),
    "input-with-channels": ("inputs: C(3..5)", "inputs: {C3: 256, C4: 512, C5: 1024}"),
    "inputs-of-one-level": ("inputs: C(3..5)", "inputs: {C(3..5): 3}"),
    "cycle": ("td3: {inputs: [P3, td4]", "td3: {inputs: [P3, bu4]"),
    "repeat-without-outputs": ("    outputs: {P3: td3, P(4..6): bu(l)}\n", ""),
    "outputs-forgotten": ("\noutputs: P(min..max)\n", ""),
    "outputs-of-a-stage-without-a-range": ("P(4..6): bu(l)}", "P: bu(l)}"),
    "unused-node": ("      td3: {", "      side4: {inputs: [P4]}\n      td3: {"),
    # parameters and channels
    "parameter-misspelt": ("channels: $width", "channels: $widht"),
    "parameter-without-a-dollar": ("channels: $width", "channels: width"),
    "parameter-in-braces": ("channels: $width", "channels: ${width}"),
    "parameter-divided": ("$(2 * width // 2)", "$(width / 2)"),
    "preset-of-another-type": ("small: {width: 48}", "small: {width: '48'}"),
    "preset-of-another-name": ("small: {width: 48}", "small: {widths: 48}"),
    "channels-lack-a-level": ("channels: $width", "channels: {3: 64, 4: 96, 5: 96}"),
    "channels-of-nothing": ("channels: $width", "channels: {3: 64, 4: 0, 5: 96, 6: 96}"),
    "channels-by-name": ("channels: $width", "channels: {P3: 64, P4: 96, P5: 96, P6: 96}"),
    "channels-in-a-list": ("channels: $width", "channels: [64, 96, 96, 128]"),
    "version-forgotten": ("fpngraph: 1\n", ""),
    "name-forgotten": ("name: crossed\n", ""),
}  # fmt: skip
