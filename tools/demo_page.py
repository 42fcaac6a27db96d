"""The page of the demo: one file of HTML with all that was made, to be read at a desk or on a phone."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--ground:#fff;--ink:#1f2328;--quiet:#59636e;--line:#d1d9e0;--soft:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--ink:#e6edf3;--quiet:#9198a1;--line:#3d444d;--soft:#151b23}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1160px;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{margin:0 0 .25rem;font-size:1.75rem;line-height:1.25}
h2{margin:2.75rem 0 .25rem;font-size:1.25rem}
p{margin:.25rem 0 1rem;max-width:46rem;color:var(--quiet)}
code,pre,td,th{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.8125rem}
pre{margin:0;padding:.75rem 1rem;background:var(--soft);border:1px solid var(--line);border-radius:6px}
pre,.wide{overflow-x:auto}
.picture svg{display:block;width:100%;min-width:44rem;height:auto}
.maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(45%,12rem),1fr));gap:1rem}
figure{margin:0}
figure img{display:block;width:100%;height:auto;border-radius:6px}
figcaption{margin-top:.25rem;font-size:.875rem;color:var(--quiet)}
figcaption b{color:var(--ink)}
table{border-collapse:collapse;white-space:nowrap}
th,td{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600}
td.number,th.number{text-align:right}
tfoot td{font-weight:600;border-bottom:0}
td.inputs{white-space:normal;min-width:15rem}
dt{margin-top:.75rem}
dd{margin:.25rem 0 0;color:var(--quiet)}
"""
_NUMBERS = ("level", "output", "parameters", "MACs")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the photograph, and what is said below it."""

    name: str
    about: str
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What the demo has made."""

    graph: str
    svg: str
    photographs: Sequence[Shown]
    report: Mapping[str, Any]
    """As ``fpngraph show --format json`` has it."""
    notes: Sequence[str]
    """Sentences on what was run, and on what."""
    commands: Mapping[str, str]
    """What to try next, and what it does."""

    def html(self) -> str:
        """The page; it needs no other file and no network."""
        title = f"{escape(self.graph)} on one photograph"
        return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
<main>
<h1>{title}</h1>
<p>{escape(" ".join(self.notes))}</p>
<h2>The graph</h2>
<p>Columns are steps and rows are levels: each has half the pixels of the one below it on each side.</p>
<div class="wide picture">{self.svg}</div>
<h2>Where each output responds most</h2>
<p>The photograph, and over it the tenth of each output's places whose values are largest over all channels.</p>
<div class="maps">{"".join(map(_figure, self.photographs))}</div>
<h2>Node by node</h2>
<p>What goes into each node and on which way, and what it costs for this photograph.</p>
<div class="wide">{_table(self.report)}</div>
<h2>Next</h2>
<dl>{"".join(_command(*it) for it in self.commands.items())}</dl>
</main>
</html>
"""


def _figure(shown: Shown) -> str:
    source = f"data:image/jpeg;base64,{base64.b64encode(shown.jpeg).decode()}"
    name, about = escape(shown.name), escape(shown.about)
    return (
        f'<figure><img src="{source}" alt="{name}: {about}"><figcaption><b>{name}</b> {about}</figcaption></figure>\n'
    )


def _command(command: str, about: str) -> str:
    return f"<dt><pre>{escape(command)}</pre></dt><dd>{escape(about)}</dd>\n"


def _table(report: Mapping[str, Any]) -> str:
    headings = ("node", "level", "inputs", "fusion", "layers", "output", "parameters", "MACs")
    rows = [_cells(row) for row in report["nodes"]]
    total = ("total", "", "", "", "", "", f"{report['parameters']:,}", f"{report['macs']:,}")
    body = "".join(_row("td", headings, row) for row in rows)
    return (
        f"<table><thead>{_row('th', headings, headings)}</thead><tbody>{body}</tbody>"
        f"<tfoot>{_row('td', headings, total)}</tfoot></table>"
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    inputs = ", ".join(
        name + (f" ({' + '.join(edge['layers'])})" if edge["layers"] else "")
        for name, edge in zip(row["inputs"], row["edges"], strict=True)
    )
    output = f"{row['channels']} x {row['height']} x {row['width']}"
    costs = (f"{row['parameters']:,}", f"{row['macs']:,}")
    return row["node"], str(row["level"]), inputs, row["fusion"], ", ".join(row["op"]) or "none", output, *costs


def _row(tag: str, headings: Iterable[str], cells: Iterable[str]) -> str:
    written = []
    for heading, cell in zip(headings, cells, strict=True):
        kind = "number" if heading in _NUMBERS else "inputs" if heading == "inputs" else ""
        written.append(f'<{tag} class="{kind}">{escape(cell)}</{tag}>' if kind else f"<{tag}>{escape(cell)}</{tag}>")
    return f"<tr>{''.join(written)}</tr>\n"
