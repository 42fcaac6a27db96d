"""A command reads every option that it has and no other: a misspelt one is seen before a user sees it."""

from __future__ import annotations

import argparse
import ast
import inspect
from types import ModuleType

import pytest

from fpngraph.cli.parser import _COMMANDS

_COMMANDS_OF = "fpngraph.cli.commands."


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda command: command.__name__.rpartition(".")[2])
def test_a_command_reads_the_options_that_it_has(command: ModuleType) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    command.options(parser)
    shared = [it for it in vars(command).values() if inspect.isfunction(it) and it.__module__.startswith(_COMMANDS_OF)]
    reads = {
        node.attr
        for part in (command, *shared)
        for node in ast.walk(ast.parse(inspect.getsource(part)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "args"
    }

    assert reads - {"imports"} == {action.dest for action in parser._actions}  # which the parser gives every command
