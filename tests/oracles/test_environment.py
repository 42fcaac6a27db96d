"""What compares with other libraries says what is missing: a library, or the environment that it goes into."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.oracles.reference import library
from tools.oracles import share


def test_a_library_that_is_not_installed_skips_what_asks_for_it_and_says_what_brings_it() -> None:
    with pytest.raises(pytest.skip.Exception) as raised, library("no-such-library", "no_such_library"):
        pytest.fail("nothing runs without it")

    assert str(raised.value) == "no-such-library is not installed: 'make test-oracles' runs this"


def test_a_library_that_is_broken_fails_what_asks_for_it(workshop: Path) -> None:
    workshop.joinpath("broken_library.py").write_text("import no_such_module\n", encoding="utf-8")

    with pytest.raises(ModuleNotFoundError, match="no_such_module"), library("broken_library"):
        __import__("broken_library")


def test_another_environment_is_read_only_where_there_is_one(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

    with pytest.raises(SystemExit) as raised:
        share(tmp_path)

    assert str(raised.value) == f"{packages} does not exist\n  hint: 'make {tmp_path}/installed-dev' makes it"
