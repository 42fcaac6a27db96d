"""Bad graph files, one mistake each."""

from __future__ import annotations

from tests.language.bad_layers import NESTED

HEAD = "fpngraph: 1\nname: bad\n"
TOP = f"{HEAD}inputs: P(3..5)\n"
"""All but nodes and outputs."""
END = "outputs: [a4]\n"


def nodes(*entries: str, inputs: str = "P(3..5)", outputs: str = "[a4]", defaults: str = "") -> str:
    """A file with a line per node; ``defaults`` is a line of its own where it says something."""
    lines = [f"inputs: {inputs}", *([f"defaults: {defaults}"] if defaults else []), "nodes:"]
    lines += [f"  {entry}" for entry in entries]
    return HEAD + "\n".join([*lines, f"outputs: {outputs}"]) + "\n"


def stages(*lines: str, outputs: str = "[a4]") -> str:
    """A file with stages, given as the lines below ``stages:``."""
    return TOP + "\n".join(["stages:", *(f"  {line}" for line in lines), f"outputs: {outputs}"]) + "\n"


def params(definition: str, entry: str = "a4: {inputs: [P4]}", presets: str = "") -> str:
    """A file with a line of params, perhaps one of presets, and one node."""
    return f"{HEAD}params: {definition}\n{presets}inputs: P(3..5)\nnodes:\n  {entry}\noutputs: [a4]\n"


GOOD = "a4: {inputs: [P4, P5]}"

_YAML = [
    ("yaml-bracket-not-closed", nodes("a4: {inputs: [P4, P5}")),
    ("yaml-quote-not-closed", nodes("a4: {inputs: ['P4, P5]}")),
    ("yaml-colon-in-a-value", f"{HEAD}description: a neck: mine\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("yaml-tab", f"{TOP}nodes:\n\ta4: {{inputs: [P4]}}\n{END}"),
    ("yaml-indentation", f"{TOP}nodes:\n    a4: {{inputs: [P4]}}\n  a5: {{inputs: [P5]}}\n{END}"),
    ("yaml-empty", ""),
    ("yaml-list-at-the-top", "- fpngraph: 1\n- name: bad\n"),
    ("yaml-two-documents", nodes(GOOD) + "---\n" + nodes(GOOD)),
    ("yaml-duplicate-key", nodes(GOOD) + "name: again\n"),
    ("yaml-duplicate-node", nodes(GOOD, "a4: {inputs: [P3]}")),
    ("yaml-duplicate-setting", nodes("a4: {inputs: [P4], fusion: sum, fusion: mean}")),
    ("yaml-key-is-a-list", nodes("? [a4]\n  : {inputs: [P4]}")),
    ("yaml-python-tag", f"{HEAD}description: !!python/object/apply:os.system ['true']\ninputs: P(3..5)\n{END}"),
    ("yaml-own-tag", nodes("a4: !node {inputs: [P4]}")),
    ("yaml-undefined-alias", nodes("a4: {inputs: *all}")),
    ("yaml-recursive-alias", nodes("a4: {inputs: &all [P4, *all]}")),
    ("yaml-merge-of-a-scalar", nodes("a4: {<<: P4, inputs: [P4]}")),
    ("yaml-control-character", nodes("a4: {inputs: [P4\x07]}")),
    (
        "yaml-no-break-space-in-the-indentation",
        f"{TOP}nodes:\n \xa0a4: {{inputs: [P4]}}\n  b4: {{inputs: [P4]}}\n{END}",
    ),
    ("yaml-zero-width-space-far-above", f"{TOP}nodes:\n \u200ba4:\n    inputs: [P4]\n  b4: {{inputs: [P4]}}\n{END}"),
    ("yaml-no-break-space-after-a-colon", nodes("a4:\xa0{inputs: [P4]}")),
    ("yaml-no-break-space-on-a-blank-line", nodes("a4: {inputs: [P4]}", "\xa0", "b4: {inputs: [P4]}")),
    ("yaml-no-break-space-before-a-key", nodes("a4: {inputs: [P4],\xa0level: 4}")),
    ("yaml-soft-hyphen-in-a-reference", nodes("a4: {inputs: [P\xad4]}")),
    ("yaml-byte-order-mark-inside", nodes("a4: {inputs: [P4\ufeff]}")),
    ("yaml-line-separator", nodes("a4: {inputs: [P4],\u2028level: 4}")),
    ("yaml-next-line", nodes("a4: {inputs: [P4]}\x85b4: {inputs: [P4]}")),
    ("yaml-mistake-below-a-no-break-space-in-text", f"{HEAD}description: 3 \xa0m\ninputs: P(3..5)\nnodes: {{\n{END}"),
    ("yaml-brackets-without-end", f"{TOP}nodes: " + "[" * 100_000),
    ("yaml-blocks-without-end", f"{TOP}nodes:\n" + "- " * 100_000),
    (
        "yaml-alias-bomb",
        "a: &a [x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    ),
    ("yaml-integer-of-100000-digits", params("{width: " + "9" * 100_000 + "}")),
    ("yaml-1.1-yes-is-no-boolean", nodes(GOOD, defaults="{resample: {project: {norm: yes}}}")),
    ("yaml-1.1-sexagesimal-is-no-integer", nodes("a4: {inputs: [P4], level: 1:30}")),
    ("yaml-1.1-underscores-are-no-integer", nodes("a4: {inputs: [P4], channels: 1_000}")),
]

_TOP = [
    ("top-unknown-key", nodes(GOOD) + "author: me\n"),
    ("top-near-miss-key", f"{HEAD}input: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-no-version", f"name: bad\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-version-of-the-future", f"fpngraph: 2\nname: bad\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-version-is-text", f"fpngraph: '1'\nname: bad\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-no-name", f"fpngraph: 1\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-name-is-a-number", f"fpngraph: 1\nname: 3\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-name-has-a-control-character", f'fpngraph: 1\nname: "\\e[31mred"\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}'),
    ("top-source-is-a-list", f"{HEAD}source: [paper]\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-no-inputs", f"{HEAD}nodes: {{a4: {{inputs: [P4]}}}}\n{END}"),
    ("top-no-outputs", f"{TOP}nodes: {{{GOOD}}}\n"),
    ("top-nodes-and-stages", f"{TOP}nodes: {{{GOOD}}}\nstages: {{one: {{nodes: {{b4: {{inputs: [P4]}}}}}}}}\n{END}"),
    ("top-neither-nodes-nor-stages", f"{TOP}outputs: [P4]\n"),
    ("top-nodes-say-nothing", f"{TOP}nodes:\n{END}"),
    ("top-stages-say-nothing", f"{TOP}stages:\n{END}"),
    ("top-name-is-empty", f"fpngraph: 1\nname: ''\ninputs: P(3..5)\nnodes: {{{GOOD}}}\n{END}"),
    ("top-nodes-is-a-list", f"{TOP}nodes: [a4]\n{END}"),
    ("top-stages-is-a-list", f"{TOP}stages: [one]\n{END}"),
    ("top-no-stage", f"{TOP}stages: {{}}\noutputs: [P4]\n"),
    ("top-defaults-is-a-word", nodes(GOOD, defaults="sum")),
    ("top-params-is-a-list", params("[width]")),
]

_INPUTS = [
    ("inputs-say-nothing", nodes(GOOD, inputs="")),
    ("inputs-of-a-list", nodes(GOOD, inputs="[[P4, P5]]")),
    ("inputs-is-a-number", nodes(GOOD, inputs="3")),
    ("inputs-empty-list", nodes(GOOD, inputs="[]")),
    ("inputs-empty-range", nodes("a4: {inputs: [P4], level: 4}", inputs="P(5..3)")),
    ("inputs-name-without-level", nodes("a4: {inputs: [image]}", inputs="[image]")),
    ("inputs-with-alternatives", nodes(GOOD, inputs="[P4 | P5]")),
    ("inputs-twice-the-same", nodes(GOOD, inputs="[P4, P5, P(4..5)]")),
    ("inputs-negative-level", nodes("a4: {inputs: [image], level: 4}", inputs="{image: -1}")),
    ("inputs-level-is-text", nodes("a4: {inputs: [image], level: 4}", inputs="{image: zero}")),
    ("inputs-one-level-for-a-range", nodes("a4: {inputs: [C4]}", inputs="{image: 0, C(3..5): 3}")),
    ("inputs-private-family", nodes(GOOD, inputs="_P(3..5)")),
    ("inputs-negative-index", nodes(GOOD, inputs="P(-1..5)")),
    ("inputs-index-l", nodes(GOOD, inputs="[P(l), P4, P5]")),
    ("inputs-range-of-a-billion", nodes(GOOD, inputs="P(3..1000000000)")),
]

_OUTPUTS = [
    ("outputs-say-nothing", nodes(GOOD, outputs="")),
    ("outputs-refer-to-each-other", nodes(GOOD, outputs="{x: a4, y: x}")),
    ("outputs-name-reserved", nodes(GOOD, outputs="{l: a4}")),
    ("outputs-empty-list", nodes(GOOD, outputs="[]")),
    ("outputs-empty-mapping", nodes(GOOD, outputs="{}")),
    ("outputs-unknown-name", nodes(GOOD, outputs="[b4]")),
    ("outputs-unknown-member", nodes(GOOD, outputs="[a5]")),
    ("outputs-none", nodes(GOOD, outputs="{P4: a4 | none}")),
    ("outputs-is-a-number", nodes(GOOD, outputs="4")),
    ("outputs-reference-is-a-list", nodes(GOOD, outputs="{P4: [a4]}")),
    ("outputs-twice-the-same-name", nodes(GOOD, outputs="[a4, a(4)]")),
    ("outputs-overlapping-ranges", nodes(GOOD, outputs="{P(3..4): P(l), P(4..5): P(l)}")),
    ("outputs-single-name-for-a-range", nodes(GOOD, outputs="{out: P(3..5)}")),
    ("outputs-l-without-index", nodes(GOOD, outputs="[P(l)]")),
]

_NODES = [
    ("node-unknown-key", nodes("a4: {inputs: [P4], colour: red}")),
    ("node-near-miss-key", nodes("a4: {inputs: [P4], fuson: sum}")),
    ("node-is-a-list", nodes("a4: [P4]")),
    ("node-is-nothing", nodes("a4:")),
    ("node-without-inputs", nodes("a4: {fusion: sum}")),
    ("node-inputs-empty", nodes("a4: {inputs: []}")),
    ("node-inputs-too-many", nodes("a4: {inputs: [" + "P4, " * 1001 + "]}")),
    ("node-inputs-is-a-word", nodes("a4: {inputs: P4}")),
    ("node-inputs-all-missing", nodes("a4: {inputs: [b4 | none]}", "b(5..3): {inputs: [P(l)]}")),
    ("node-input-is-a-number", nodes("a4: {inputs: [4]}")),
    ("node-input-is-null", nodes("a4: {inputs: [P4, ~]}")),
    ("node-level-is-text", nodes("a4: {inputs: [P4], level: four}")),
    ("node-level-negative", nodes("a4: {inputs: [P4], level: -1}")),
    ("node-level-too-large", nodes("a4: {inputs: [P4], level: 100}")),
    ("node-without-level", nodes("merge: {inputs: [P4]}", outputs="[merge]")),
    ("node-index-too-large-for-a-level", nodes("a400: {inputs: [P4]}", outputs="[a400]")),
    ("node-channels-zero", nodes("a4: {inputs: [P4], channels: 0}")),
    ("node-channels-of-a-level-beyond", nodes("a4: {inputs: [P4], channels: {4: 64, 31: 64}}")),
    ("node-channels-of-a-level-twice", nodes("a4: {inputs: [P4], channels: {4: 64, '4': 64}}")),
    ("node-channels-of-a-name", nodes("a4: {inputs: [P4], channels: {P4: 64}}")),
    ("node-channels-of-a-level-with-a-nought", nodes("a4: {inputs: [P4], channels: {'04': 64}}")),
    ("node-channels-is-text", nodes("a4: {inputs: [P4], channels: '64'}")),
    ("node-channels-is-a-float", nodes("a4: {inputs: [P4], channels: 64.0}")),
    ("node-channels-is-true", nodes("a4: {inputs: [P4], channels: true}")),
    ("node-channels-lacks-the-level", nodes("a4: {inputs: [P4], channels: {3: 64, 5: 256}}")),
    ("node-padding-unknown", nodes("a4: {inputs: [P4], padding: valid}")),
    ("node-name-reserved", nodes("none: {inputs: [P4], level: 4}", outputs="[P4]")),
    ("node-name-l", nodes("l: {inputs: [P4], level: 4}", outputs="[P4]")),
    ("node-name-ratio", nodes("ratio: {inputs: [P4], level: 4}", outputs="[ratio]")),
    ("node-name-is-a-keyword", nodes("lambda: {inputs: [P4], level: 4}", outputs="[lambda]")),
    ("node-name-of-a-module", nodes("train: {inputs: [P4], level: 4}", outputs="[train]")),
    ("node-name-of-a-private-attribute", nodes("_train: {inputs: [P4], level: 4}", outputs="[_train]")),
    ("node-name-is-a-number", nodes("4: {inputs: [P4]}", outputs="[P4]")),
    ("node-name-with-a-dash", nodes("a-b: {inputs: [P4], level: 4}", outputs="[P4]")),
    ("node-name-with-an-accent", nodes("é4: {inputs: [P4]}", outputs="[P4]")),
    ("node-leading-zero", nodes("a04: {inputs: [P4]}", outputs="[P4]")),
    ("node-family-ends-in-a-digit", nodes("a1(4): {inputs: [P4]}", outputs="[P4]")),
    ("node-with-alternatives", nodes("a4 | a5: {inputs: [P4]}", outputs="[P4]")),
    ("node-index-l", nodes("a(l): {inputs: [P4]}", outputs="[P4]")),
    ("node-negative-index", nodes("a(-1): {inputs: [P4], level: 4}", outputs="[P4]")),
    ("node-negative-range", nodes("a(-1..4): {inputs: [P4]}")),
    ("node-unknown-param-in-the-index", nodes("a(4..max): {inputs: [P4]}")),
    ("node-range-of-a-billion", nodes("a(1..1000000000): {inputs: [P4]}")),
    ("node-overlapping-families", nodes("a(3..4): {inputs: [P(l)]}", "a(4..5): {inputs: [P(l)]}")),
    ("node-declared-in-two-ways", nodes("a4: {inputs: [P4]}", "a(4): {inputs: [P5]}")),
    ("node-named-as-an-input", nodes("P4: {inputs: [P5]}", outputs="[P4]")),
    ("node-l-without-an-index", nodes("merge: {inputs: [P(l)], level: 4}", outputs="[merge]")),
]

_REFERENCES = [
    ("reference-to-an-output-of-the-graph", nodes("a4: {inputs: [P4, x | none]}", outputs="{x: a4}")),
    ("reference-index-is-no-integer", params("{top: high}", "a4: {inputs: [P4, P(top)]}")),
    ("reference-of-none-of-several", nodes("a4: {inputs: [P4, P(l+3) | P9]}")),
    ("reference-unknown-family", nodes("a4: {inputs: [P4, Q5]}")),
    ("reference-near-miss-family", nodes("a4: {inputs: [P4, merg]}", "merge: {inputs: [P4], level: 4}")),
    ("reference-misspelt-with-a-fallback", nodes("a4: {inputs: [td4 | P4]}")),
    ("reference-unknown-member", nodes("a4: {inputs: [P4, P6]}")),
    ("reference-one-above-the-top", nodes("a(3..5): {inputs: [P(l), P(l+1)]}")),
    ("reference-negative-index", nodes("a4: {inputs: [P(l-9)]}")),
    ("reference-unknown-name-in-the-index", nodes("a4: {inputs: [P(k+1)]}")),
    ("reference-family-without-index", nodes("a4: {inputs: [P]}")),
    ("reference-index-of-a-name", nodes("a4: {inputs: [merge(4)]}", "merge: {inputs: [P4], level: 4}")),
    ("reference-empty", nodes("a4: {inputs: ['']}")),
    ("reference-none-alone", nodes("a4: {inputs: [P4, none]}")),
    ("reference-none-first", nodes("a4: {inputs: [none | P4]}")),
    ("reference-range-with-a-fallback", nodes("a4: {inputs: [P(3..5) | none]}")),
    ("reference-range-without-parentheses", nodes("a4: {inputs: [P3..5]}")),
    ("reference-range-of-a-billion", nodes("a4: {inputs: [P(3..1000000000)]}")),
    ("reference-comma", nodes("a4: {inputs: ['P(4, 5)']}")),
    ("reference-not-closed", nodes("a4: {inputs: [P(4]}")),
    ("reference-floor-division", nodes("a4: {inputs: [P(8//2)]}")),
    ("reference-power", nodes("a4: {inputs: [P(2**2)]}")),
    ("reference-call", nodes("a4: {inputs: [P(abs(l))]}")),
    ("reference-attribute", nodes("a4: {inputs: [P(l.real)]}")),
    ("reference-attribute-of-python", nodes("a4: {inputs: [P.__class__]}")),
    ("reference-subscript", nodes("a4: {inputs: ['P(l[0])']}")),
    ("reference-string", nodes("a4: {inputs: [\"P('4')\"]}")),
    ("reference-float", nodes("a4: {inputs: [P(4.0)]}")),
    ("reference-integer-of-100000-digits", nodes("a4: {inputs: ['P(" + "9" * 100_000 + ")']}")),
    ("reference-product-too-large", nodes("a4: {inputs: [P(99999*99999)]}")),
    ("reference-parentheses-without-end", nodes("a4: {inputs: ['P" + "(" * 100_000 + "']}")),
]

_CYCLES = [
    ("cycle-of-1", nodes("a4: {inputs: [a4]}")),
    ("cycle-of-2", nodes("a4: {inputs: [P4, b5]}", "b5: {inputs: [P5, a4]}")),
    (
        "cycle-of-5",
        nodes(
            "a4: {inputs: [P4, e4]}",
            "b4: {inputs: [a4]}",
            "c4: {inputs: [b4]}",
            "d4: {inputs: [c4]}",
            "e4: {inputs: [d4]}",
        ),
    ),
    (
        "cycles-of-their-own",
        nodes("a4: {inputs: [a4]}", "b4: {inputs: [P4, c4]}", "c4: {inputs: [b4]}", "d(3..4): {inputs: [d(l)]}"),
    ),
    (
        "cycle-in-every-run-of-a-stage",
        stages(
            "one:",
            "  repeat: 3",
            "  nodes:",
            "    a4: {inputs: [P4, b4]}",
            "    b4: {inputs: [a4]}",
            "  outputs: {P4: b4}",
            outputs="P4",
        ),
    ),
    ("cycle-within-a-family", nodes("a(3..5): {inputs: [P(l), a(l+1) | a(l-1)]}")),
]

_EDGES = [
    ("edge-unknown-key", nodes("a4: {inputs: [{from: P5, scale: 2}]}")),
    ("edge-near-miss-key", nodes("a4: {inputs: [{from: P5, projekt: always}]}")),
    ("edge-without-from", nodes("a4: {inputs: [{project: always}]}")),
    ("edge-from-is-a-list", nodes("a4: {inputs: [{from: [P4, P5]}]}")),
    ("edge-setting-of-a-node", nodes("a4: {inputs: [{from: P5, fusion: sum}]}")),
    ("edge-project-is-a-boolean", nodes("a4: {inputs: [{from: P5, project: true}]}")),
    ("edge-project-unknown", nodes("a4: {inputs: [{from: P5, project: sometimes}]}")),
    ("edge-project-unknown-key", nodes("a4: {inputs: [{from: P5, project: {when: always, kernel: 1}}]}")),
    ("edge-project-channels-zero", nodes("a4: {inputs: [{from: P5, project: {channels: 0}}]}")),
    ("edge-lateral-without-brackets", nodes("a4: {inputs: [{from: P4, lateral: conv}]}")),
    ("edge-lateral-with-a-resampler", nodes("a4: {inputs: [{from: P4, lateral: [act, max_pool]}]}")),
    ("edge-lateral-setting", nodes("a4: {inputs: [P4]}", defaults="{resample: {lateral: [{conv: {kernal: 1}}]}}")),
    ("edge-order-unknown", nodes("a4: {inputs: [{from: P5, order: resample}]}")),
    ("edge-reference-unknown", nodes("a4: {inputs: [{from: Q5, project: always}]}")),
]

_OPERATORS = [
    ("fusion-unknown", nodes("a4: {inputs: [P4, P5], fusion: attention}")),
    ("fusion-near-miss", nodes("a4: {inputs: [P4, P5], fusion: fast_normalised}")),
    ("fusion-is-a-list", nodes("a4: {inputs: [P4, P5], fusion: [sum]}")),
    ("fusion-of-another-kind", nodes("a4: {inputs: [P4, P5], fusion: conv}")),
    ("fusion-unknown-setting", nodes("a4: {inputs: [P4, P5], fusion: {fast_normalized: {epsilon: 1e-4}}}")),
    ("fusion-two-names", nodes("a4: {inputs: [P4, P5], fusion: {sum: {}, mean: {}}}")),
    ("fusion-setting-is-text", nodes("a4: {inputs: [P4, P5], fusion: {fast_normalized: {eps: small}}}")),
    ("down-unknown", nodes("a4: {inputs: [P3]}", defaults="{resample: {down: maxpool}}")),
    ("down-is-an-up-sampler", nodes("a4: {inputs: [{from: P3, down: act}]}")),
    ("down-list-without-a-resampler", nodes("a4: {inputs: [{from: P3, down: [act]}]}")),
    ("down-list-with-two-resamplers", nodes("a4: {inputs: [{from: P3, down: [max_pool, avg_pool]}]}")),
    ("down-two-mistakes-in-a-list", nodes("a4: {inputs: [{from: P3, down: [max_pol, {conv: {kernel: 0}}]}]}")),
    ("down-kernel-is-zero", nodes("a4: {inputs: [{from: P3, down: {max_pool: {kernel: 0}}}]}")),
    ("down-kernel-is-a-word", nodes("a4: {inputs: [{from: P3, down: {max_pool: {kernel: stride}}}]}")),
    ("up-unknown", nodes("a4: {inputs: [P5]}", defaults="{resample: {up: bicubic}}")),
    ("up-is-a-down-sampler", nodes("a4: {inputs: [{from: P5, up: max_pool}]}")),
    ("op-is-a-word", nodes("a4: {inputs: [P4], op: conv}")),
    ("op-settings-of-the-norm", nodes("a4: {inputs: [P4], op: [{norm: {eps: 0.1}}]}")),
    ("op-of-too-many-layers", nodes("a4: {inputs: [P4], op: [" + "act, " * 101 + "]}")),
    ("op-unknown-layer-with-settings", nodes("a4: {inputs: [P4], op: [{bottles: {green: 3}}]}")),
    ("fusion-unknown-with-settings", nodes("a4: {inputs: [P4], fusion: {fast_normalised: {eps: 0.1}}}")),
    ("op-unknown-layer", nodes("a4: {inputs: [P4], op: [pixel_shuffle]}")),
    ("op-near-miss-layer", nodes("a4: {inputs: [P4], op: [seperable_conv]}")),
    ("op-is-a-fusion", nodes("a4: {inputs: [P4], op: [softmax]}")),
    ("op-unknown-setting", nodes("a4: {inputs: [P4], op: [{conv: {kernal: 3}}]}")),
    ("op-setting-is-text", nodes("a4: {inputs: [P4], op: [{conv: {kernel: three}}]}")),
    ("op-even-kernel-is-negative", nodes("a4: {inputs: [P4], op: [{conv: {kernel: -3}}]}")),
    ("op-setting-is-no-activation", nodes("a4: {inputs: [P4], op: [{squeeze_excite: {act: {sillu: {}}}}]}")),
    ("op-setting-of-an-activation", nodes("a4: {inputs: [P4], op: [{encoder_layer: {act: {elu: {alfa: 2}}}}]}")),
    ("op-heads", nodes("a4: {inputs: [P4, P5], op: [encoder_layer]}", defaults="{channels: 20}")),
    ("op-even-kernel", nodes("a4: {inputs: [P4, P5], op: [{cbam: {kernel: 4}}], channels: 8}")),
    ("fusion-of-two-has-three", nodes("a4: {inputs: [P3, P4, P5], fusion: global_gate}")),
    ("fusion-of-two-has-one", nodes("a4: {inputs: [P4], fusion: {global_gate: {pool: avg}}}")),
    ("fusion-setting-is-another-word", nodes("a4: {inputs: [P4, P5], fusion: {global_gate: {gate: third}}}")),
    (
        "arguments-of-torch",
        nodes(
            "a4: {inputs: [P4], op: [{conv: {in_channels: 8, out_channels: 8, kernel_size: 3, stride: 1, padding: 1}}]}"
        ),
    ),
    ("norm-unknown", nodes("a4: {inputs: [P4], norm: layer_norms}")),
    ("norm-unknown-setting", nodes("a4: {inputs: [P4], norm: {batch_norm: {decay: 0.9}}}")),
    ("act-unknown", nodes("a4: {inputs: [P4], act: silou}")),
    ("init-unknown", nodes(GOOD, defaults="{init: xavier_magic}")),
    ("defaults-unknown-key", nodes(GOOD, defaults="{fusions: sum}")),
    ("defaults-inputs-is-no-setting", nodes(GOOD, defaults="{inputs: [P4]}")),
    ("resample-unknown-key", nodes(GOOD, defaults="{resample: {upsample: nearest}}")),
    ("resample-is-a-word", nodes(GOOD, defaults="{resample: nearest}")),
    ("project-norm-is-text", nodes(GOOD, defaults="{resample: {project: {norm: batch}}}")),
]

_STAGES = [
    ("stage-is-nothing", stages("one:")),
    ("stage-name-is-a-number", stages("1: {nodes: {a4: {inputs: [P4]}}}")),
    ("stage-unknown-key", stages("one: {node: {a4: {inputs: [P4]}}}")),
    ("stage-is-a-list", stages("one: [a4]")),
    ("stage-without-nodes", stages("one: {repeat: 2}")),
    ("stage-nodes-empty", stages("one: {nodes: {}}")),
    ("stage-name-reserved", stages("forward: {nodes: {a4: {inputs: [P4]}}}")),
    ("stage-name-with-a-dash", stages("stage-1: {nodes: {a4: {inputs: [P4]}}}")),
    ("stage-defaults-unknown-key", stages("one: {defaults: {fuse: sum}, nodes: {a4: {inputs: [P4]}}}")),
    ("stage-reads-a-later-stage", stages("one: {nodes: {a4: {inputs: [b4]}}}", "two: {nodes: {b4: {inputs: [P4]}}}")),
    ("stage-node-in-scope", stages("one: {nodes: {a4: {inputs: [P4]}}}", "two: {nodes: {a4: {inputs: [P5]}}}")),
    ("stage-repeat-without-outputs", stages("one: {repeat: 2, nodes: {a4: {inputs: [P4]}}}")),
    ("stage-repeat-with-a-list", stages("one: {repeat: 2, nodes: {a4: {inputs: [P4]}}, outputs: [a4]}")),
    ("stage-repeat-zero", stages("one: {repeat: 0, nodes: {a4: {inputs: [P4]}}, outputs: {P4: a4}}", outputs="[P4]")),
    (
        "stage-repeat-negative",
        stages("one: {repeat: -1, nodes: {a4: {inputs: [P4]}}, outputs: {P4: a4}}", outputs="[P4]"),
    ),
    (
        "stage-use-lacks-an-input",
        stages(
            "a: {use: {fpngraph: 1, name: b, inputs: Q3, nodes: {x3: {inputs: [Q3]}}, outputs: x3}, outputs: {P3: x3}}",
            outputs="[P3]",
        ),
    ),
    (
        "stage-repeat-of-unknown-params",
        stages(
            "one: {repeat: $times, nodes: {a4: {inputs: [P4]}}, outputs: {P4: a4}}",
            "two: {repeat: $(times + 1), nodes: {b4: {inputs: [P4]}}, outputs: {P4: b4}}",
            "three: {repeat: $(l), nodes: {c4: {inputs: [P4]}}, outputs: $ports}",
            outputs="[P4]",
        ),
    ),
    (
        "stage-repeat-is-text",
        stages("one: {repeat: twice, nodes: {a4: {inputs: [P4]}}, outputs: {P4: a4}}", outputs="[P4]"),
    ),
    (
        "stage-repeat-a-billion-times",
        stages("one: {repeat: 1000000000, nodes: {a4: {inputs: [P4]}}, outputs: {P4: a4}}", outputs="[P4]"),
    ),
    ("stage-outputs-unknown", stages("one: {nodes: {a4: {inputs: [P4]}}, outputs: {P4: b4}}", outputs="[P4]")),
    ("stage-outputs-unknown-member", stages("one: {nodes: {a4: {inputs: [P4]}}, outputs: {P4: a5}}", outputs="[P4]")),
    (
        "stage-outputs-none-of-what-is-read",
        stages("one: {nodes: {a4: {inputs: [P4]}}, outputs: {b4: a5 | none}}", outputs="[b4]"),
    ),
    (
        "stage-outputs-twice-one-of-them-none",
        stages("one: {nodes: {a4: {inputs: [P4]}}, outputs: {b4: a5 | none, b(4..4): a4}}", outputs="[b4]"),
    ),
    ("stage-hides-what-it-does-not-put-out", stages("one: {nodes: {a4: {inputs: [P4]}}, outputs: {P4: a4}}")),
]

_PARAMS = [
    ("param-is-null-key", params("{~: 3}")),
    ("param-unknown", params("{width: 64}", "a4: {inputs: [P4], channels: $depth}")),
    ("param-near-miss", params("{width: 64}", "a4: {inputs: [P4], channels: $widht}")),
    ("param-unknown-in-an-expression", params("{width: 64}", "a4: {inputs: [P4], channels: $(widht * 2)}")),
    ("param-is-not-all-of-a-value", params("{width: 64}", "a4: {inputs: [P4], channels: $width-1}")),
    ("param-l-outside-of-nodes", f"{HEAD}inputs: {{P4: $(l)}}\nnodes: {{a4: {{inputs: [P4]}}}}\n{END}"),
    ("param-l-where-a-node-has-no-index", nodes("merge: {inputs: [P4], level: $(l)}", outputs="[P4]")),
    (
        "param-l-in-defaults-where-a-node-has-no-index",
        nodes("merge: {inputs: [P4], level: 4}", defaults="{channels: $(8 * l)}", outputs="[P4]"),
    ),
    ("param-of-the-wrong-type", params("{width: wide}", "a4: {inputs: [P4], channels: $width}")),
    ("param-text-in-an-expression", params("{width: wide}", "a4: {inputs: [P4], channels: $(width * 2)}")),
    ("param-expression-divides-by-zero", params("{width: 0}", "a4: {inputs: [P4], channels: $(64 // width)}")),
    ("param-expression-not-closed", params("{width: 64}", "a4: {inputs: [P4], channels: $(width * 2}")),
    ("param-expression-call", params("{width: 64}", "a4: {inputs: [P4], channels: $(int(width))}")),
    ("param-table-without-the-index", params("{w: {4: 8}}", "a4: {inputs: [P4], channels: $(w(l + 1))}")),
    ("param-table-without-the-index-in-defaults", params("{w: {4: 8}}", "a4: {inputs: [P4], channels: $(w(3))}")),
    ("param-table-is-an-integer", params("{w: 8}", "a4: {inputs: [P4], channels: $(w(l))}")),
    ("param-table-is-empty", params("{w: {}}", "a4: {inputs: [P4], channels: $(w(l))}")),
    ("param-table-has-a-name", params("{w: {4: 8, top: 8}}", "a4: {inputs: [P4], channels: $(w(l))}")),
    ("param-table-has-a-negative-index", params("{w: {-4: 8}}", "a4: {inputs: [P4], channels: $(w(4))}")),
    ("param-table-has-a-number", params("{w: {4: 8.5}}", "a4: {inputs: [P4], channels: $(w(l))}")),
    ("param-table-has-an-index-twice", params('{w: {4: 8, "4": 8}}', "a4: {inputs: [P4], channels: $(w(l))}")),
    ("param-table-has-no-index", params("{w: {4: 8}}", "a4: {inputs: [P4], channels: $(w)}")),
    ("param-table-in-an-index", params("{w: {4: 5}}", "a4: {inputs: [P(w(4))]}")),
    ("param-table-as-an-index", params("{w: {4: 5}}", "a4: {inputs: [P(w)]}")),
    ("param-expression-attribute", params("{width: 64}", "a4: {inputs: [P4], channels: $(width.real)}")),
    ("param-expression-division", params("{width: 64}", "a4: {inputs: [P4], channels: $(width / 2)}")),
    (
        "param-unknown-in-a-family-without-members",
        params("{width: 64}", "a4: {inputs: [P4]}\n  b(5..4): {inputs: [P(l)], channels: $(widht * l)}"),
    ),
    ("param-refers-to-a-param", params("{width: 64, wide: $width}", "a4: {inputs: [P4], channels: $wide}")),
    ("param-named-preset", params("{preset: d0}")),
    ("param-named-l", params("{l: 3}")),
    ("param-named-with-a-dash", params("{max-level: 7}")),
    ("param-structured-with-a-mistake", params("{op: [act, {conv: {kernal: 3}}]}", "a4: {inputs: [P4], op: $op}")),
    ("preset-unknown-param", params("{width: 64}", presets="presets: {d0: {widht: 88}}\n")),
    ("preset-of-another-type", params("{width: 64}", presets="presets: {d0: {width: wide}}\n")),
    ("preset-is-a-number", params("{width: 64}", presets="presets: {d0: 88}\n")),
    ("presets-is-a-list", params("{width: 64}", presets="presets: [d0]\n")),
]

_SHAPES = [
    (
        "shape-never-projected",
        nodes(
            "a4: {inputs: [P4], channels: 8}",
            "b4: {inputs: [{from: a4, project: never}], channels: 16}",
            outputs="[b4]",
        ),
    ),
    (
        "shape-pooled-without-projection",
        nodes(
            "a3: {inputs: [P3], channels: 8}",
            "b4: {inputs: [P4, {from: a3, project: never}], channels: 16}",
            outputs="[b4]",
        ),
    ),
    (
        "shape-unequal-without-a-number",
        nodes(
            "a4: {inputs: [P4], channels: 8}",
            "b4: {inputs: [P4], channels: 16}",
            "c4: {inputs: [a4, b4]}",
            outputs="[c4]",
        ),
    ),
    (
        "shape-of-a-concatenation",
        nodes("a4: {inputs: [P4], channels: 8}", "b4: {inputs: [a4, a4], fusion: concat, channels: 8}", outputs="[b4]"),
    ),
    ("shape-groups-of-a-norm", nodes("a4: {inputs: [P4], channels: 48, op: [{group_norm: {groups: 32}}]}")),
    ("shape-groups-of-a-convolution", nodes("a4: {inputs: [P4], channels: 64, op: [{conv: {groups: 3}}]}")),
    ("shape-of-a-layer-of-other-channels", nodes("a4: {inputs: [P4], channels: 64, op: [{conv: {channels: 32}}]}")),
    (
        "shape-said-by-every-member-once",
        nodes("a(3..5): {inputs: [P(l)], channels: 48, op: [{group_norm: {groups: 32}}]}", outputs="a(3..5)"),
    ),
]

BAD: list[tuple[str, str]] = [
    *_YAML,
    *_TOP,
    *_INPUTS,
    *_OUTPUTS,
    *_NODES,
    *_REFERENCES,
    *_CYCLES,
    *_EDGES,
    *_OPERATORS,
    *_STAGES,
    *_PARAMS,
    *_SHAPES,
    *NESTED,
]
