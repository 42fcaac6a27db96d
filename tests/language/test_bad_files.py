"""Bad graph files, one mistake each, and what is said about them.

The texts stand in bad_files.txt. After a change of a message write them anew, and read what changed:
``python -m tests.language.test_bad_files && git diff tests/language/bad_files.txt``
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fpngraph.errors import GraphError
from fpngraph.library import loads
from tests.language.bad_files import BAD

TEXTS = Path(__file__).with_name("bad_files.txt")


def expected() -> dict[str, str]:
    """The texts by the names of the files."""
    parts = TEXTS.read_text(encoding="utf-8").split("\n\n# ")
    return dict(part.strip("\n").removeprefix("# ").split("\n", 1) for part in parts)


def refused(text: str) -> str:
    """What is said about a file."""
    with pytest.raises(GraphError) as caught:
        loads(text)
    return str(caught.value)


@pytest.mark.parametrize(("name", "text"), BAD, ids=[name for name, _ in BAD])
def test_a_bad_file_is_refused_with_this_text(name: str, text: str) -> None:
    assert refused(text) == expected()[name]


def test_there_are_many_and_each_has_its_text() -> None:
    names = [name for name, _ in BAD]

    assert len(set(names)) == len(names) > 60
    assert set(names) == set(expected())


@pytest.mark.parametrize(("name", "text"), BAD, ids=[name for name, _ in BAD])
def test_a_bad_file_is_refused_at_once(name: str, text: str) -> None:
    start = time.process_time()

    refused(text)

    assert time.process_time() - start < 1


if __name__ == "__main__":
    TEXTS.write_text("\n\n".join(f"# {name}\n{refused(text)}" for name, text in BAD) + "\n", encoding="utf-8")
