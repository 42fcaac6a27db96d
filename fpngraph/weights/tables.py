"""What other libraries call the tensors of a neck: tables of names, which are data."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fpngraph.errors import GraphError, Problem
from fpngraph.language.grammar.arithmetic import parse_arithmetic
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
    theirs: str | list[str] = Field(
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
            raise ValueError(f"table of {self.source!r}: block {names.as_!r} {wrong}")
        for inner in self.blocks[names.as_]:
            for ours, their in self._written_out(inner, (*around, names.as_)):
                yield _joined(names.ours, ours), [_joined(theirs[0], one) for one in their]


def _joined(outer: str, inner: str) -> str:
    return ".".join(part for part in (outer, inner) if part)


class Rule:
    """Our name of a module or tensor as a pattern, and theirs as templates."""

    def __init__(self, ours: str, theirs: Sequence[str]) -> None:
        seen: set[str] = set()

        def group(found: re.Match[str]) -> str:
            name = found[1]
            again = name in seen
            seen.add(name)
            return f"(?P={name})" if again else f"(?P<{name}>{'[^.]+' if name == _WORD else '[0-9]+'})"

        parts = _CAPTURE.split(ours)
        literal = "".join(re.escape(part) if index % 2 == 0 else f"{{{part}}}" for index, part in enumerate(parts))
        self._pattern = re.compile(_CAPTURE.sub(group, literal) + r"(?P<rest>(?:\..+)?)")
        self._theirs = theirs

    def theirs(self, name: str, variables: Mapping[str, int]) -> list[str] | None:
        """What they call our tensor; None if it is none of these."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return None
        captured = {key: int(value) for key, value in found.groupdict().items() if key not in ("rest", _WORD)}
        return [filled(template, {**variables, **captured}) + found["rest"] for template in self._theirs]


def filled(template: str, variables: Mapping[str, int]) -> str:
    """A name of theirs with its expressions worked out."""
    return _EXPRESSION.sub(lambda found: str(parse_arithmetic(found[1]).evaluate(variables)), template)


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
        if table.names and not shared:
            table.rules()
        for name in (one for names in table.names for one in (names.ours, *names.theirs)):
            for expression in _EXPRESSION.findall(name):
                parse_arithmetic(expression)
    except (ValueError, Reason) as error:
        raise GraphError([Problem("names-table", str(error), value.span)]) from None
    return table


def shipped_tables() -> list[Table]:
    """The tables that come with the package; those of one source share their blocks."""
    tables = [read_table(path, shared=True) for path in sorted((folder_of_graphs() / "weights").glob("*.yaml"))]
    blocks: dict[str, dict[str, list[Names]]] = {}
    for table in tables:
        blocks.setdefault(table.source, {}).update(table.blocks)
    return [table.model_copy(update={"blocks": blocks[table.source]}) for table in tables if table.names]
