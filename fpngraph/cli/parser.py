"""What can be typed: a command, its options, their help and an example."""

from __future__ import annotations

import argparse
from types import ModuleType

import fpngraph
from fpngraph.cli.commands import (
    bench,
    check,
    convert,
    detect,
    evaluate,
    expand,
    export,
    language_server,
    new,
    operators,
    render,
    schema,
    serve,
    show,
    train,
)
from fpngraph.cli.commands import list as list_

_COMMANDS = (
    list_,
    operators,
    check,
    show,
    render,
    train,
    evaluate,
    detect,
    export,
    bench,
    expand,
    convert,
    new,
    schema,
    serve,
    language_server,
)
_IMPORT = "a module to import first, for the operators that it registers (may be given more than once)"


def parser() -> argparse.ArgumentParser:
    """The parser of the command line: what it gives has the function to call as ``run``."""
    root = argparse.ArgumentParser(
        prog="fpngraph",
        description="Feature-pyramid necks as graph files.",
        epilog="'fpngraph COMMAND --help' has the options of a command and an example.",
    )
    root.add_argument("--version", action="version", version=f"fpngraph {fpngraph.__version__}")
    subparsers = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        _add(subparsers, command)
    return root


def _add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], command: ModuleType) -> None:
    """The parser of a command that is called as its module."""
    parser = subparsers.add_parser(
        command.__name__.rpartition(".")[2].replace("_", "-"),
        help=command.ABOUT,
        description=f"{command.ABOUT[0].upper()}{command.ABOUT[1:]}.",
        epilog=f"example:\n  {command.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=command.run)
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="MODULE", help=_IMPORT)
    command.options(parser)
