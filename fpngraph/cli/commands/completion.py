"""``fpngraph completion``: what a shell reads to complete commands, options, graphs and presets."""

from __future__ import annotations

import argparse
from typing import Any

from fpngraph.cli.extras import extra

ABOUT = "print what a shell needs to complete commands, options, graphs and presets"
EXAMPLE = """eval "$(fpngraph completion bash)"        # in ~/.bashrc
  eval "$(fpngraph completion zsh)"         # in ~/.zshrc, below compinit
  fpngraph completion fish | source         # in ~/.config/fish/config.fish"""


def options(parser: Any) -> None:
    """Its options."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="which one")


def run(args: argparse.Namespace) -> int:
    """The exit status."""
    with extra("completion"):
        from argcomplete.shell_integration import shellcode
    print(shellcode(["fpngraph"], shell=args.shell))
    return 0
