"""``fpngraph completion``: what a shell reads to complete commands, options, graphs and presets."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli.values import UsageError

ABOUT = "print what a shell needs to complete commands, options, graphs and presets"
EXAMPLE = """eval "$(fpngraph completion bash)"        # in ~/.bashrc
  eval "$(fpngraph completion zsh)"         # in ~/.zshrc, below compinit
  fpngraph completion fish | source         # in ~/.config/fish/config.fish"""


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="which one")


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError as error:
        package = "completion is done by the package 'argcomplete', which is not installed"
        raise UsageError(f"{package}\n  hint: pip install 'fpngraph[completion]'") from error
    print(shellcode(["fpngraph"], shell=args.shell))
    return 0
