"""Notebooks as files of JSON: their cells are run here, so that neither a test nor the site needs Jupyter.

Run: ``python -m tools.notebook docs/first_neck.ipynb`` takes what cells have printed out of the file, as git has it.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fpngraph.files import replace_file


class Cell(NamedTuple):
    """A cell; of one with code what it printed, and the picture (SVG) of its last line, each empty if there is none."""

    code: bool
    text: str
    printed: str = ""
    picture: str = ""


def executed(path: Path) -> Iterator[Cell]:
    """The cells, run one after the other in one namespace, as a notebook does it."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        text = "".join(cell["source"])
        if cell["cell_type"] != "code":
            yield Cell(False, text)
            continue
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            picture = _shown(text, f"{path.name}[{number}]", namespace)
        yield Cell(True, text, output.getvalue(), picture)


def _shown(code: str, name: str, namespace: dict[str, Any]) -> str:
    """Run a cell; if its last line is a value, that is shown: a picture is given back, and all else printed."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    if last is None:
        return ""
    value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
    if hasattr(value, "_repr_svg_"):
        return str(value._repr_svg_())
    if value is not None:
        print(repr(value))
    return ""


def stripped(text: str) -> str:
    """A notebook without outputs, without counts, and without what an editor says of itself."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    notebook["metadata"] = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        replace_file(Path(name), stripped(Path(name).read_text(encoding="utf-8")).encode())
