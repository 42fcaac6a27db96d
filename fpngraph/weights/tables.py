"""What other libraries call the tensors of a neck: tables of names, which are data."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fpngraph.errors import GraphError, Problem
from fpngraph.language.grammar.arithmetic import Expression, parse_arithmetic
from fpngraph.language.grammar.tokens import Reason
from fpngraph.language.keys.findings import validate
from fpngraph.language.yaml.source import read_file
from fpngraph.library import folder_of_graphs

_CAPTURE = re.compile(r"\{([a-z]\w*)\}")
_WORD = "source"
_EXPRESSION = re.compile(r"\{([^{}]+)\}")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Names(_Data):
    """What a tensor, or a module with all in it, is called on both sides."""

    ours: str = Field(
        description="Our name; {l} in it stands for any number, wherever it stands for the same; {source} for a name."
    )
    theirs: str | Annotated[list[str], Field(min_length=1)] = Field(
        description="Theirs, with expressions of these numbers, {l-3}; several are joined along the first axis."
    )
    as_: str | None = Field(None, alias="as", description="The block of the table that says what is in the module.")


class MadeOf(_Data):
    """Which setting of theirs says what the first level beyond the backbone is made of."""

    key: str = Field(description="The setting.")
    families: dict[str, str] = Field(description="Its values, and the family of our names that each means.")
    default: str = Field(description="What it means where it is not said, or true.")


class Before(_Data):
    """Which setting of theirs says that an activation stands before the convolutions of later levels."""

    key: str = Field(description="The setting.")
    default: bool = Field(description="What holds where it is not said.")


class Extra(_Data):
    """Levels beyond the backbone's that are convolved, of which tensors do not tell all."""

    edges: str = Field(description="Our names of the edges that lead there.")
    made_of: MadeOf = Field(description="What the first of them is made of.")
    act: Before = Field(description="Whether an activation stands before the convolutions of the others.")


class Table(_Data):
    """The names of one source."""

    source: str = Field(description="The class of their neck, or the library whose models have its layers.")
    graph: str | None = Field(None, description="The name of the graph that it is for; any by default.")
    whole: bool = Field(True, description="Whether their module is the neck; else what begins as a name here does.")
    rows: bool = Field(False, description="Whether numbers of theirs are rows of a whole model, the neck's among them.")
    names: list[Names] = Field(description="The names, of which each tensor of ours is found by one.")
    blocks: dict[str, list[Names]] = Field(default={}, description="Names of what is in modules, for 'as'.")
    within: list[str] = Field(default=[], description="Where a whole configuration has the settings of the neck.")
    fixed: dict[str, Any] = Field(default={}, description="Settings that tensors do not tell, as the graph has them.")
    extra: Extra | None = Field(None, description="Settings that their tensors do not tell, for 'config'.")

    def rules(self) -> list[Rule]:
        """Every pair of names, with what is in blocks written out."""
        return [Rule(ours, theirs) for names in self.names for ours, theirs in self._written_out(names, ())]

    def roots(self) -> list[str]:
        """What their names of the neck begin with."""
        theirs = (names.theirs for names in self.names)
        return [root for them in theirs for root in ([them] if isinstance(them, str) else them)]

    def _written_out(self, names: Names, around: tuple[str, ...]) -> Iterator[tuple[str, Sequence[str]]]:
        theirs = [names.theirs] if isinstance(names.theirs, str) else names.theirs
        if names.as_ is None:
            yield names.ours, theirs
            return
        if names.as_ in around or names.as_ not in self.blocks:
            wrong = "holds itself" if names.as_ in around else "is not in 'blocks'"
            raise ValueError(f"block {names.as_!r} {wrong}")
        if len(theirs) > 1:
            raise ValueError(f"{names.ours!r} is block {names.as_!r}, but has {len(theirs)} names of theirs")
        for inner in self.blocks[names.as_]:
            for ours, their in self._written_out(inner, (*around, names.as_)):
                yield _joined(names.ours, ours), [_joined(theirs[0], one) for one in their]


def _joined(outer: str, inner: str) -> str:
    return ".".join(part for part in (outer, inner) if part)


class Rule:
    """Our name of a module or tensor as a pattern, and theirs as templates. Raises ValueError for a wrong one."""

    def __init__(self, ours: str, theirs: Sequence[str]) -> None:
        parts = _CAPTURE.split(ours)  # every second one is a name
        pattern = "".join(_group(it, parts[1:at:2]) if at % 2 else re.escape(it) for at, it in enumerate(parts))
        self._pattern = re.compile(rf"{pattern}(?P<_rest>(?:\..+)?)")
        self._theirs = [_template(text, {*parts[1::2], "min", "max"} - {_WORD}) for text in theirs]

    def theirs(self, name: str, variables: Mapping[str, int]) -> list[str] | None:
        """What they call our tensor; None if it is none of these. Raises Reason where an expression has no value."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return None
        captured = {key: int(value) for key, value in found.groupdict().items() if key not in ("_rest", _WORD)}
        numbers = {**variables, **captured}
        return [
            "".join(it if isinstance(it, str) else str(it.evaluate(numbers)) for it in parts) + found["_rest"]
            for parts in self._theirs
        ]


def _group(name: str, before: Sequence[str]) -> str:
    """What a name in braces matches: where it was ``before`` too, the same again."""
    return f"(?P={name})" if name in before else f"(?P<{name}>{'[^.]+' if name == _WORD else '[0-9]+'})"


def _template(text: str, known: Collection[str]) -> list[str | Expression]:
    """A name of theirs in parts; its expressions are of ``known`` numbers."""
    return [_expression(it, text, known) if at % 2 else it for at, it in enumerate(_EXPRESSION.split(text))]


def _expression(inside: str, text: str, known: Collection[str]) -> Expression:
    try:
        expression = parse_arithmetic(inside)
    except Reason as reason:
        raise ValueError(f"{text!r}: {reason}") from None
    read = (step for step in expression.steps if step.sign in ("name", "table"))
    unknown = next((step.operand for step in read if step.sign == "table" or step.operand not in known), None)
    if unknown is not None:
        raise ValueError(f"{text!r}: {unknown!r} is no number of the name that it stands for")
    return expression


def read_table(path: str | os.PathLike[str], *, shared: bool = False) -> Table:
    """The table in a file, whose blocks may be in another one where they are ``shared``.

    Raises GraphError with the places of all that is wrong in it.
    """
    value = read_file(Path(path))
    problems: list[Problem] = []
    table = validate(Table, value, problems, value.plain())
    if table is None:
        raise GraphError(problems)
    try:
        if not shared:
            table.rules()
    except ValueError as error:
        message = f"table of {table.source!r}: {error}"
        raise GraphError([Problem("names-table", message, value.span)]) from None
    return table


def shipped_tables() -> list[Table]:
    """The tables that come with the package; those of one source share their blocks."""
    tables = [read_table(path, shared=True) for path in sorted((folder_of_graphs() / "weights").glob("*.yaml"))]
    blocks: dict[str, dict[str, list[Names]]] = {}
    for table in tables:
        blocks.setdefault(table.source, {}).update(table.blocks)
    return [table.model_copy(update={"blocks": blocks[table.source]}) for table in tables if table.names]
