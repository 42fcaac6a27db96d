from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

import fpngraph
from fpngraph.drawing.picture.diagram import Look, diagram
from fpngraph.drawing.picture.theme import Theme
from fpngraph.drawing.text import mermaid

SMALL = """\
fpngraph: 1
name: 'a "small" #1'
inputs: C(3..4)
defaults: {channels: 8}
stages:
  end:
    nodes:
      subgraph: {inputs: [C4, C4], level: 4}
      P3: {inputs: [C3, subgraph]}
outputs: P(3..3)
"""
MERMAID, JSDOM = "mermaid@11.12.2", "jsdom@26.1.0"  # the newest that take Node 20
PARSE = """\
const fs = require("node:fs");
const { JSDOM } = require("jsdom");
const page = new JSDOM("<body></body>", { runScripts: "dangerously", pretendToBeVisual: true });
page.window.structuredClone = structuredClone;
const script = page.window.document.createElement("script");
script.textContent = fs.readFileSync("mermaid.min.js", "utf8");
page.window.document.body.append(script);
const read = async (file) => {
  try {
    const text = fs.readFileSync(file, "utf8");
    await page.window.mermaid.parse(text);
    const { db, type } = await page.window.mermaid.mermaidAPI.getDiagramFromText(text);
    const texts = Object.fromEntries([...db.getVertices()].map(([id, vertex]) => [id, vertex.text]));
    const edges = db.getEdges().map((edge) => [edge.start, edge.end, edge.stroke, edge.style]);
    return { type, texts, edges, groups: db.getSubGraphs().map((group) => group.title) };
  } catch (error) {
    return { error: String(error) };
  }
};
(async () => {
  const found = [];
  for (const file of process.argv.slice(2)) found.push(await read(file));
  console.log(JSON.stringify(found));
})();
"""


def chain(nodes: int) -> fpngraph.Graph:
    lines = [f"  n{place}: {{inputs: [n{place - 1}], level: 3}}" for place in range(1, nodes + 1)]
    text = ["fpngraph: 1", "name: chain", "inputs: {n0: 3}", "nodes:", *lines, f"outputs: {{out: n{nodes}}}"]
    return fpngraph.loads("\n".join(text))


def test_edges_say_what_they_do_where_that_is_asked_for() -> None:
    drawn = diagram(fpngraph.load("fpg"), Look(labels="ops", expand=False))

    text = mermaid.write(drawn)

    ids = {name: f"n{number}" for number, name in enumerate(drawn.plan.spots)}
    words = {
        (source, target): text.partition("|")[2].rpartition("|")[0].strip('"')
        for source, text, target in re.findall(r"(n\d+) (-.*) (n\d+)", text)
    }
    assert words[ids["p0.N7"], ids["p1.N7"]] == "relu → conv → batch_norm"
    assert words[ids["first.L5"], ids["first.L6"]] == "strided_conv"
    assert words[ids["all.0.N3"], ids["last.O3"]] == "", "run 5, which the only drawn one stands for, passes its map on"


def test_nodes_say_what_they_do_where_that_is_asked_for() -> None:
    graph = fpngraph.loads(SMALL.replace("channels: 8", "channels: 8, fusion: sum, op: [{conv: {kernel: 3}}, norm]"))

    told, untold = (mermaid.write(diagram(graph, look)) for look in (Look(labels="ops"), Look(labels="names")))

    assert '(["P3<br/>sum → conv → batch_norm"])' in told
    assert '["C3"]' in told
    assert "<br/>" not in untold


def test_a_flowchart_has_a_group_per_cell_and_a_colour_for_every_text() -> None:
    text = mermaid.write(diagram(fpngraph.loads(SMALL)))

    assert (
        text
        == """\
---
title: "a \\"small\\" #1"
---
flowchart LR
  n0["C3"]:::input3
  n1["C4"]:::input4
  subgraph c0["end"]
    n2(["subgraph"]):::fusion4
    n3(["P3"]):::fusion3
  end
  o0["P3"]:::output
  n1 -->|"2x"| n2
  n0 --> n3
  n2 -.-> n3
  n3 --> o0
  linkStyle 0,1,3 stroke:#7b8794,stroke-width:2px
  linkStyle 2 stroke:#c8442f,stroke-width:2px
  classDef fusion3 fill:#dedbf4,stroke:#6457ad,stroke-width:2px,color:#1b2430
  classDef fusion4 fill:#c3e7e6,stroke:#147c7a,stroke-width:2px,color:#1b2430
  classDef input3 fill:#dedbf4,stroke:#6457ad,stroke-width:2px,color:#1b2430
  classDef input4 fill:#c3e7e6,stroke:#147c7a,stroke-width:2px,color:#1b2430
  classDef output fill:#ffffff,stroke:#ffffff,color:#1b2430
  classDef cell fill:#f5f7fa,stroke:#d5dbe3,color:#5d6875
  class c0 cell
"""
    )


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
@pytest.mark.parametrize("name", ["bifpn", "fpn", "panet", "pan_effdet", "retinanet_fpn"])
def test_no_text_is_left_to_the_colour_of_the_page(name: str, theme: Theme) -> None:
    text = mermaid.write(diagram(fpngraph.load(name), Look(theme=theme)))

    classes = re.findall(r"^ *classDef .*$", text, re.M)
    assert classes
    assert all(",color:#" in line for line in classes)
    assert "block" not in text


def test_a_chart_with_more_edges_than_mermaid_draws_is_refused() -> None:
    drawn = diagram(chain(500))

    with pytest.raises(mermaid.TooLargeToDraw) as caught:
        mermaid.write(drawn)

    assert str(caught.value) == (
        "graph 'chain' takes 501 edges, and Mermaid draws at most 500"
        "\n  hint: draw equal runs once (--collapse, expand=False), or write another format"
    )


def test_a_chart_with_more_characters_than_mermaid_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mermaid, "MOST_CHARACTERS", 100)

    with pytest.raises(
        mermaid.TooLargeToDraw, match=r"^graph 'chain' takes \d{3} characters, and Mermaid draws at most 100\n"
    ):
        mermaid.write(diagram(chain(3)))


@pytest.fixture
def parser(pytestconfig: pytest.Config) -> Path:
    """A folder with Mermaid and a page for it, fetched once; skips where that cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Mermaid itself is not asked: Node.js with npm is not installed")
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("mermaid") / f"{MERMAID}-{JSDOM}"
    if not (folder / "parse.cjs").is_file():
        folder.mkdir(exist_ok=True)
        quick = ["--prefix", ".", "--fetch-retries=0", "--fetch-timeout=20000"]
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", JSDOM]
        for command in (install, ["npm", "pack", "--silent", MERMAID]):
            try:
                # the prefix, since npm looks for a package.json further up otherwise
                subprocess.run([*command, *quick], cwd=folder, capture_output=True, check=True, timeout=90)
            except (OSError, subprocess.SubprocessError) as error:
                pytest.skip(f"Mermaid itself is not asked: npm cannot fetch it ({type(error).__name__})")
        with tarfile.open(next(folder.glob("mermaid-*.tgz"))) as packed:
            script = packed.extractfile("package/dist/mermaid.min.js")
            assert script is not None
            (folder / "mermaid.min.js").write_bytes(script.read())
        (folder / "parse.part").write_text(PARSE, encoding="utf-8")
        (folder / "parse.part").replace(folder / "parse.cjs")
    return folder


def test_mermaid_itself_reads_the_nodes_edges_and_cells(parser: Path, tmp_path: Path) -> None:
    diagrams = [diagram(fpngraph.load(name)) for name in ("bifpn", "fpn", "panet", "pan_effdet", "retinanet_fpn")]
    diagrams += [
        diagram(fpngraph.load("bifpn", repeats=7), Look(theme="dark", labels="none")),
        diagram(fpngraph.loads(SMALL)),
    ]
    paths = [tmp_path / f"{place}.mmd" for place in range(len(diagrams))]
    for path, drawn in zip(paths, diagrams, strict=True):
        path.write_text(mermaid.write(drawn), encoding="utf-8")
    (tmp_path / "broken.mmd").write_text("flowchart LR\n  a --> end\n", encoding="utf-8")

    done = subprocess.run(
        ["node", "parse.cjs", *map(str, paths), str(tmp_path / "broken.mmd")],
        cwd=parser,
        env={**os.environ, "NODE_OPTIONS": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    *found, broken = json.loads(done.stdout)
    assert broken.keys() == {"error"}
    for drawn, read in zip(diagrams, found, strict=True):
        links, outputs = drawn.plan.links, len(drawn.graph.outputs)
        assert read.get("error") is None
        dashed = [edge for edge in read["edges"] if edge[2] == "dotted"]
        assert read["type"] == "flowchart-v2"
        assert len(read["texts"]) == len(drawn.plan.spots) + outputs
        assert len(read["edges"]) == len(links) + outputs
        assert all(edge[3] for edge in read["edges"]), "every edge has its colour"
        assert len(dashed) == sum(link.direction == "up" for link in links)
        assert read["groups"] == [drawn.caption(cell) for cell in drawn.plan.cells[1:]]
