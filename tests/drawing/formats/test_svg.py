from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import fpngraph
from fpngraph import GraphError, load, loads
from fpngraph.drawing import draw
from fpngraph.drawing.formats.svg import write
from tests.drawing.graphs import NAS, ODD, one_cell
from tests.drawing.reading import SVG, Picture


def test_a_node_is_a_group_with_its_shape_first() -> None:
    text = write(draw(load("bifpn")))

    assert '<g class="node" data-node="bifpn.0.td6" data-level="6"' in text
    shapes = {group.attrib["data-node"]: group[0].tag.removeprefix(SVG) for group in Picture(text).groups("node")}
    assert {shapes[name] for name in ("P3", "P4", "P5")} == {"rect"}
    assert {shape for name, shape in shapes.items() if name not in ("P3", "P4", "P5")} == {"circle"}


def test_an_edge_is_one_path_that_says_where_it_goes() -> None:
    text = write(draw(load("bifpn")))

    assert '<path class="edge" data-from="bifpn.0.td6" data-to="bifpn.0.td5" data-kind="up" d="M' in text
    kinds = {(edge.source, edge.target): edge.kind for edge in Picture(text).edges}
    assert kinds["P5", "coarse.P6"] == "down"
    assert kinds["P5", "bifpn.0.td5"] == "same"


def test_a_cell_says_its_stage_and_run() -> None:
    picture = Picture(write(draw(load("bifpn", repeats=2))))

    assert picture.cells == [{"stage": "bifpn", "run": "0"}, {"stage": "bifpn", "run": "1"}]


def test_text_is_text_and_names_are_those_of_the_file() -> None:
    words = Picture(write(draw(load("bifpn", repeats=1)))).words()

    assert [words.count(word) for word in ("BiFPN", "bifpn.0", "td6", "/128", "inputs", "upsample")] == [1] * 6


def test_names_that_mean_something_in_xml_are_escaped() -> None:
    root = ET.fromstring(write(draw(loads(ODD))))

    assert root.findtext(f"{SVG}title") == "odd & <small>"


def test_numbers_are_those_of_effdet_and_equal_in_every_run() -> None:
    words = Picture(write(draw(load("bifpn", repeats=2), labels="ids"))).words()

    assert sorted(int(word) for word in words if word.isdigit()) == sorted([*range(5), *range(5, 13), *range(5, 13)])


def test_labels_title_and_legend_can_be_left_out() -> None:
    words = Picture(write(draw(one_cell("pan_effdet"), labels="none", title=False, legend=False))).words()

    stubs = levels = [f"P{level}" for level in range(3, 8)]
    strides = [f"/{1 << level}" for level in range(3, 8)]
    assert sorted(words) == sorted([*levels, *stubs, *strides, "inputs", "pan.0"])


def test_a_title_can_be_any_text() -> None:
    assert "D0 & more" in Picture(write(draw(load("fpn"), title="D0 & more"))).words()


def test_the_legend_lists_only_what_is_present() -> None:
    words = Picture(write(draw(load("fpn")))).words()

    known = ("downsample", "upsample", "same level", "fusion (sum)", "single input")
    assert [word for word in known if word in words] == [*known]
    assert "single input" not in Picture(write(draw(loads(NAS)))).words()
    assert "1\N{MULTIPLICATION SIGN}1 conv" not in Picture(write(draw(loads(NAS)))).words()


@pytest.mark.parametrize(
    ("repeats", "expand", "cells", "badges"),
    [
        pytest.param(3, None, 3, 0, id="three runs are drawn out"),
        pytest.param(4, None, 1, 1, id="four are not"),
        pytest.param(4, True, 4, 0, id="unless somebody asks"),
        pytest.param(2, False, 1, 1, id="two are drawn as one on request"),
        pytest.param(1, False, 1, 0, id="one is one"),
    ],
)
def test_more_than_three_runs_collapse(repeats: int, expand: bool | None, cells: int, badges: int) -> None:
    picture = Picture(write(draw(load("bifpn", repeats=repeats), expand=expand)))

    assert len(picture.cells) == cells
    assert picture.words().count(f"\N{MULTIPLICATION SIGN}{repeats}") == badges
    cards = [len(group.findall(f"{SVG}rect")) for group in picture.groups("cell")]
    assert cards == ([4] if badges else [1] * cells), "box, two cards and the badge"


def test_a_collapsed_stage_has_its_outputs_and_every_edge_of_its_first_run() -> None:
    graph = load("bifpn", repeats=7)

    picture = Picture(write(draw(graph)))

    first = {(e.source, n.name) for n in graph.nodes.values() if n.run in (None, 0) for e in n.edges}
    assert {(edge.source, edge.target) for edge in picture.edges} == first
    assert {(stub.source, stub.target) for stub in picture.stubs} == {
        ("bifpn.0.td3", "P3"),
        *((f"bifpn.0.out{level}", f"P{level}") for level in range(4, 8)),
    }


def test_an_edge_that_jumps_levels_says_by_how_much_and_a_double_one_that_it_is() -> None:
    words = Picture(write(draw(loads(ODD)))).words()

    times = "\N{MULTIPLICATION SIGN}"
    assert {"2x", "÷32", f"{times}8"} <= set(words)
    assert "max" in words, "the rarer fusion has a badge"


def test_projections_are_those_that_the_channels_ask_for() -> None:
    graph = load("bifpn", repeats=1)

    drawn = [squares(write(draw(graph, in_channels=channels))) for channels in (None, [40, 112, 320], [64, 64, 64])]

    assert drawn == [6, 6, 0]


def squares(text: str) -> int:
    return sum(len(group.findall(f"{SVG}rect")) for group in Picture(text).groups("link"))


def test_with_channels_and_a_size_nodes_say_what_they_cost() -> None:
    picture = Picture(write(draw(load("bifpn"), in_channels=[40, 112, 320], image_size=512)))

    data = picture.nodes["bifpn.0.td6"].data
    assert {key: data[key] for key in ("channels", "height", "width")} == {
        "channels": "64",
        "height": "8",
        "width": "8",
    }
    assert int(data["parameters"]) > 0
    assert "320ch /32" in picture.words()


def test_what_nobody_knows_the_cost_of_has_no_number(workshop: Path) -> None:
    @fpngraph.register
    class Untold(fpngraph.Layer):
        name = "untold_for_pictures"

    graph = load("bifpn", op=["untold_for_pictures"])

    text = write(draw(graph, in_channels=[40, 112, 320], image_size=512))

    picture = Picture(text)
    assert not {"parameters", "macs"} & picture.nodes["bifpn.0.td6"].data.keys()
    assert int(picture.nodes["coarse.P6"].data["macs"]) > 0
    assert "8 x 8 px; ? parameters, ? MACs" in text
    assert "? parameters, ? MACs" in " ".join(picture.words())


def test_channels_that_do_not_fit_are_said() -> None:
    with pytest.raises(GraphError) as caught:
        draw(load("bifpn"), in_channels=[1, 2])

    assert str(caught.value) == "in_channels has 2 numbers, but graph 'BiFPN' has the inputs P3, P4, P5 [in-channels]"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"theme": "sepia"}, "'sepia' is none of 'auto', 'light', 'dark', 'grey', 'print'"),
        ({"labels": "both"}, "'both' is none of 'names', 'ids', 'none', 'ops'"),
        ({"image_size": 512}, "image_size is given, but no in_channels; sizes and costs need both"),
    ],
)
def test_options_that_make_no_sense_are_said(options: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        draw(load("fpn"), **options)  # type: ignore[arg-type]

    assert str(caught.value) == expected


def test_a_line_has_a_gap_only_where_another_crosses_over_it() -> None:
    picture = Picture(write(draw(one_cell("bifpn"))))

    broken = {(edge.source, edge.target) for edge in picture.edges if edge.kind != "up" and edge.dashes}
    crossed = {pair for one, other in picture.crossings() for pair in [(one.source, one.target)] if one.kind == "same"}
    crossed |= {(other.source, other.target) for _, other in picture.crossings() if other.kind == "same"}
    assert broken == crossed
    assert len(broken) == 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_fixed_theme_has_no_style(theme: str) -> None:
    text = write(draw(load("fpn"), theme=theme))  # type: ignore[arg-type]

    assert "<style" not in text
    assert ('fill="#0d1117"' in text) is (theme == "dark")


def test_every_colour_of_the_automatic_theme_has_one_for_dark_ground() -> None:
    text = write(draw(loads(ODD)))
    style = text[text.index("<style>") : text.index("</style>")]
    body = text.replace(style, "")

    used = set(re.findall(r'(?:fill|stroke)="#[0-9a-f]{6}"', body))
    mapped = set(re.findall(r'\[((?:fill|stroke)="#[0-9a-f]{6}")\]', style))
    assert used == mapped
    dark = write(draw(loads(ODD), theme="dark"))
    colours = set(re.findall(r"(?:fill|stroke):(#[0-9a-f]{6})", style))
    assert colours == set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', dark))


def test_the_bytes_are_the_same_under_every_hash_seed() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from fpngraph import load, loads; from fpngraph.drawing import draw\n"
        "from fpngraph.drawing.formats.svg import write\n"
        "sys.stdout.buffer.write((write(draw(load('qufpn'))) + write(draw(loads(sys.argv[2])))).encode())"
    )
    root = str(Path(fpngraph.__file__).parent.parent)

    drawn = {
        subprocess.run(
            [sys.executable, "-c", code, root, ODD],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }

    assert len(drawn) == 1


def test_texts_are_large_enough_to_be_read_at_half_size() -> None:
    sizes = [
        float(text.attrib["font-size"])
        for graph in (load("bifpn"), loads(ODD))
        for text in Picture(write(draw(graph))).root.iter(f"{SVG}text")
    ]

    assert min(sizes) >= 10


def test_a_character_that_xml_has_not_is_replaced() -> None:
    graph = loads('{fpngraph: 1, name: "a\\ufffeb", inputs: P(3..4), nodes: {P5: {inputs: [P4]}}, outputs: P(3..5)}')

    root = ET.fromstring(write(draw(graph)))

    assert root[0].text == "a\N{REPLACEMENT CHARACTER}b"
