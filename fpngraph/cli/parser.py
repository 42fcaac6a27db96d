"""What can be typed: a command, its options, their help and an example."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

import fpngraph
from fpngraph.cli.messages import complain
from fpngraph.errors import nearest

_COMMANDS = tuple(
    import_module(f"fpngraph.cli.commands.{name}")
    for name in (
        *("list", "operators", "check", "diff", "show", "render", "train", "sweep", "evaluate", "detect", "export"),
        *("bench", "expand", "convert", "new", "schema", "serve", "language_server", "completion", "help"),
    )
)
"""In the order of the help."""
_IMPORT = "a module to import first, for the operators that it registers (may be given more than once)"


class Parser(argparse.ArgumentParser):
    """Tells of what is wrong as every command does, behind the usage of the command that it is about."""

    def format_help(self) -> str:
        """The help, its description in lines that fit; what is below the options stays as it is written."""
        width = shutil.get_terminal_size().columns - 2
        self.description = "\n".join(textwrap.wrap(self.description or "", width))
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.print_usage(sys.stderr)
        complain(message, self.prog.partition(" ")[2])
        self.exit(2)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As that of argparse, with what may have been meant."""
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            self.error(f"there is no command {value!r}\n  hint: {nearest(str(value), known)}")
        raise argparse.ArgumentError(action, f"there is no {value!r}\n  hint: {nearest(str(value), known)}")


class _Root(Parser):
    """The parser of commands: what a command does not know, that command tells."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # argparse has two
        """Ends the process with status 2 and a message where something was typed that nobody knows."""
        found, unknown = self.parse_known_args(args, namespace)
        if not unknown:
            return found
        parser = self.commands().get(found.command, self)
        options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        if not options:
            return parser.error(f"{unknown[0]!r} is one argument too many")
        known = [option for option in parser._option_string_actions if option.startswith("--")]
        return parser.error(f"there is no option {options[0]!r}\n  hint: {nearest(options[0], known)}")

    def commands(self) -> dict[str, argparse.ArgumentParser]:
        """The parsers of the commands, by name."""
        (action,) = (action for action in self._actions if isinstance(action, argparse._SubParsersAction))
        return dict(action.choices)


def parser() -> _Root:
    """The parser of the command line: what it gives has the function to call as ``run``."""
    root = _Root(
        prog="fpngraph",
        description="Feature-pyramid necks as graph files.",
        epilog="'fpngraph help COMMAND' has the options of a command and an example.",
    )
    root.add_argument("-V", "--version", action="version", version=f"fpngraph {fpngraph.__version__}")
    subparsers = root.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in _COMMANDS:
        _add(subparsers, command)
    return root


def called(command: ModuleType) -> str:
    """What is typed for a command: the name of its module, with hyphens."""
    return command.__name__.rpartition(".")[2].replace("_", "-")


def _add(subparsers: argparse._SubParsersAction[Parser], command: ModuleType) -> None:
    """The parser of a command that is called as its module."""
    parser = subparsers.add_parser(
        called(command),
        help=command.ABOUT,
        description=f"{command.ABOUT[0].upper()}{command.ABOUT[1:]}.",
        epilog=f"example:\n  {command.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=command.run)
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="MODULE", help=_IMPORT)
    command.options(parser)
