"""docs/language.md: its tables say what the code says, and its pictures are what the code draws.

After a change of an operator's settings write those tables anew: ``python -m tests.test_language_doc_tables``
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fpngraph.language import limits
from fpngraph.language.keys.manual import takes
from fpngraph.language.keys.models import GraphSpec, NodeSpec, Project, Resample, StageSpec
from fpngraph.language.settings import BASE
from fpngraph.language.yaml.source import read
from fpngraph.ops import KINDS, Block, Operator, operators, reading
from fpngraph.reserved import RESERVED
from tools import gallery

PATH = Path(__file__).parents[1] / "docs" / "language.md"
PAGE = PATH.read_text(encoding="utf-8")


def rows(header: str) -> list[tuple[str, ...]]:
    """The rows of the page's table under this header."""
    _, _, rest = PAGE.partition(f"\n{header}\n")
    assert rest, f"the page has no table {header}"
    table = rest.partition("\n\n")[0].splitlines()[1:]
    return [tuple(cell.strip() for cell in row.strip("|").replace("\\|", "\0").split("|")) for row in table]


def said(model: BaseModel, key: str) -> str | None:
    """What ``key`` is by default, as the page writes it; None where the page has words for it."""
    value = getattr(model, key, None)
    if isinstance(value, tuple):
        (value,) = value or ("none",)
    if value is None or isinstance(value, Resample | Project):
        return None
    word = value.name if isinstance(value, Operator) else value
    return f"`{str(word).lower()}`"


TABLES = [
    ("a graph", GraphSpec, None),
    ("a stage", StageSpec, None),
    ("a node", NodeSpec, BASE),
    ("`resample`", Resample, BASE.resample),
    ("`project`", Project, BASE.resample.project if BASE.resample else None),
]


@pytest.mark.parametrize(("of", "model", "base"), TABLES, ids=[of for of, _, _ in TABLES])
def test_the_table_of_a_mapping_has_its_keys_and_their_defaults(
    of: str, model: type[BaseModel], base: BaseModel | None
) -> None:
    table = {row[0].strip("`"): row[2] for row in rows(f"| Key of {of} | Meaning | Default |")}
    # the keys of a stage that is another graph have a table of their own
    of_use = re.findall(
        r"`(\w+)`", " ".join(row[0] for row in rows("| Key of a stage that is a graph | Meaning | Default |"))
    )

    assert {*table, *(of_use if model is StageSpec else ())} == model.model_fields.keys()
    for key, word in table.items():
        required = model.model_fields[key].is_required()
        assert (word == "required") == required
        if base is not None and (default := said(base, key)):
            assert word == default


def takes_in_code(schema: dict[str, Any]) -> str:
    """The values that a setting takes, in words, with those that a file says as code."""
    return re.sub(r"'(\w+)'|\b(true|false)\b", r"`\1\2`", takes(schema))


SECTIONS = {
    "layer": "Layers",
    "block": "Blocks",
    "norm": "Norms",
    "act": "Activations",
    "down": "Down-samplers",
    "up": "Up-samplers",
    "fusion": "Fusions",
    "init": "Recipes of initial weights",
}


def section_of(op: type[Operator]) -> str:
    """The section that an operator is in: blocks have one of their own."""
    return "block" if issubclass(op, Block) else op.kind


def default_of(entry: FieldInfo) -> str:
    """The default of a setting, as a file has it."""
    if entry.is_required():
        return "required"
    value = entry.default
    return "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def operator_tables(kind: str) -> str:
    """A section of operators: what each does, and their settings."""
    chosen = [op for op in operators() if section_of(op) == kind and op.__module__.startswith("fpngraph.")]
    lines = ["| Operator | What it is |", "|---|---|"]
    lines += [f"| `{op.name}` | {str(op.__doc__).splitlines()[0]} |" for op in chosen]
    settings = [(op, entry.alias or name, entry) for op in chosen for name, entry in op.model_fields.items()]
    if settings:
        lines += ["", "| Operator | Setting | Takes | Default | Meaning |", "|---|---|---|---|---|"]
    for op, name, entry in settings:
        words = takes_in_code(op.model_json_schema()["properties"][name])
        lines.append(f"| `{op.name}` | `{name}` | {words} | {default_of(entry)} | {entry.description} |")
    return "\n".join(lines)


def section(page: str, kind: str) -> tuple[str, str]:
    """The words at the start of a section of operators, and its tables."""
    text, table, rest = page.partition(f"\n### {SECTIONS[kind]}\n")[2].partition("\n#")[0].partition("\n\n| Operator |")
    return text, (table + rest).strip()


@pytest.mark.parametrize("kind", SECTIONS)
def test_every_operator_is_there_with_its_settings_and_their_defaults(kind: str) -> None:
    text, tables = section(PAGE, kind)

    assert text
    assert tables == operator_tables(kind)


def test_the_limits_are_those_of_the_code() -> None:
    numbers = [int(limit) for _, limit in rows("| What | At most |")]

    assert numbers == [
        limits.MAX_BYTES,
        limits.MAX_DEPTH,
        limits.MAX_VALUES,
        limits.MAX_DIGITS,
        limits.MAX_INTEGER,
        limits.MAX_NESTING,
        limits.MAX_LEVEL,
        limits.MAX_NODES,
        limits.MAX_NODES,
        limits.MAX_EDGES,
        limits.MAX_RUNS,
        limits.MAX_INPUTS,
        reading.MAX_LAYERS,
        reading.MAX_DEPTH,
        limits.MAX_USES,
        limits.MAX_USED_DEPTH,
        limits.MAX_BYTES,
        limits.MAX_VALUES,
        limits.MAX_NODES_READ,
        limits.MAX_LENGTH,
        limits.MAX_STEPS,
        limits.MAX_CHARACTERS,
        limits.MAX_PROBLEMS,
    ]


def meaning(text: str) -> str:
    """What a scalar is read as, as the page says it."""
    value = read(f"value: {text}", "scalar").plain()["value"]
    return {str: "text", bool: str(value).lower(), type(None): "empty"}.get(type(value), repr(value))


@pytest.mark.parametrize(("written", "means"), rows("| Written | Read as |"))
def test_a_scalar_is_read_as_the_table_says(written: str, means: str) -> None:
    read_as = [meaning(text.strip("`")) for text in written.split(", ")]

    assert read_as == (means.split(", ") if "," in means else [means] * len(read_as))


def test_the_reserved_names_are_listed() -> None:
    assert ", ".join(f"`{name}`" for name in sorted(RESERVED)) in " ".join(PAGE.split())


def test_pictures_are_what_the_code_draws_and_the_page_shows_them() -> None:
    drawn = dict(gallery.of_the_language())

    marked = re.findall(r"; picture: (\w+\.svg) -->", PAGE)
    assert {path.name for path in drawn} == set(marked) == set(re.findall(r"\]\(language/(\w+\.svg)\)", PAGE))
    stale = [path.name for path, text in drawn.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run 'make gallery' and look at the pictures"
    assert {*gallery.LANGUAGE.with_suffix("").iterdir()} == set(drawn)


def test_every_kind_of_operators_has_a_section() -> None:
    assert SECTIONS.keys() == {*KINDS, "block"}


def with_operators(page: str) -> str:
    """The page with the tables that the code gives."""
    for kind in SECTIONS:
        page = page.replace(section(page, kind)[1], operator_tables(kind))
    return page


if __name__ == "__main__":
    PATH.write_text(with_operators(PAGE), encoding="utf-8")
