"""The program that feeds damaged files to ``loads``: the same texts again, and a fault is seen."""

from __future__ import annotations

from random import Random
from typing import Any, NoReturn

import pytest

from fpngraph.library import shipped
from tools import fuzz_loads

TEXTS = [path.read_text(encoding="utf-8") for path in shipped().values()]


def test_a_text_is_made_from_its_seed_and_number_alone() -> None:
    texts = [fuzz_loads.text_of(1, number, TEXTS) for number in range(50)]

    assert texts == [fuzz_loads.text_of(1, number, TEXTS) for number in range(50)]
    assert texts != [fuzz_loads.text_of(2, number, TEXTS) for number in range(50)]
    assert len(set(texts)) > 45


@pytest.mark.parametrize("edit", [edit for edit, _ in fuzz_loads.EDITS], ids=lambda edit: edit.__name__)
def test_each_edit_changes_most_texts_and_takes_an_empty_one(edit: fuzz_loads.Edit) -> None:
    changed = [edit(Random(number), text, TEXTS) != text for number in range(20) for text in TEXTS]

    assert sum(changed) > len(changed) / 2
    assert all(isinstance(edit(Random(number), "", TEXTS), str) for number in range(20))


def test_texts_load_or_are_refused() -> None:
    *_, tally = fuzz_loads.run(0, range(200))

    assert tally.faults == 0
    assert tally.counts.total() == 200
    assert set(tally.counts) == {"graph", "GraphError"}


def test_another_exception_is_a_fault_that_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(text: Any) -> NoReturn:
        raise KeyError("x")

    monkeypatch.setattr(fuzz_loads, "loads", broken)

    *_, tally = fuzz_loads.run(3, range(5, 7))

    assert (tally.faults, dict(tally.counts)) == (2, {"KeyError": 2})
    assert f"seed 3, number 5: KeyError\n{fuzz_loads.text_of(3, 5, TEXTS)!r}\n" in capsys.readouterr().out
