"""What mkdocstrings asks about every docstring; see ``mkdocs.yml``. Needs griffe, which comes with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.append(str(Path(__file__).parents[1]))  # mkdocs imports this file by its path

from tools.docs_site import shown


class Shown(griffe.Extension):
    """Docstrings as Markdown that shows their examples."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called once for each."""
        if obj.docstring:
            obj.docstring.value = shown(obj.docstring.value)
