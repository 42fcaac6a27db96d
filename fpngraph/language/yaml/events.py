"""The events of a YAML text, with a word of ours on nesting where the parser stops at what it had read ahead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from fpngraph.errors import GraphError, Problem
from fpngraph.language.limits import MAX_DEPTH
from fpngraph.language.yaml.composer import TOO_DEEP, Source

_BREAKS = "\r\n\x85\u2028\u2029"
_BETWEEN = re.compile(rf"(?:[ \t{_BREAKS}]|[-:?,](?=[ \t{_BREAKS}])|[&!][^][{{}},\s]*|#[^{_BREAKS}]*)*+")
"""Blanks, comments, indicators, anchors and tags: what may stand between the end of an event and the next value."""
_AHEAD = 2048  # a '[' may start a key, so parsers look 1,024 characters further before they give its event


def events(parser: Any, text: str, source: Source) -> Iterator[yaml.Event]:
    """What ``parser`` of ``text`` gives. Raises YAMLError, or GraphError where the nesting is too deep before that.

    The limit is the composer's, which counts events. But libyaml has a limit of its own, and any parser may meet a
    mistake before it gives the events of what it has read.
    """
    depth = 0
    event: Any = None
    try:
        while parser.check_event():
            event = parser.get_event()
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            yield event
    except yaml.MarkedYAMLError as error:
        if event is not None and error.problem_mark is not None:
            _check_ahead(text, event.end_mark.index, error.problem_mark.index, depth, source)
        raise


def _check_ahead(text: str, start: int, stop: int, depth: int, source: Source) -> None:
    """Raises GraphError where brackets between the last event and a mistake, both as indices, nest too deep.

    ``depth`` counts what is open at that event.
    """
    between = _BETWEEN.match(text, start, stop)
    start = between.end() if between else start
    scanner: Any = yaml.SafeLoader(text[start : min(stop + 1, start + _AHEAD)])
    try:
        while not scanner.done and depth + scanner.flow_level <= MAX_DEPTH:
            scanner.fetch_more_tokens()
    except yaml.YAMLError:  # the mistake itself
        return
    if depth + scanner.flow_level > MAX_DEPTH:
        before = Source(text[: start + scanner.tokens[-1].start_mark.index], source.file).lines
        line, column = len(before), len(before[-1]) + 1
        span = source.place(line, column, column + 1, source.lines[line - 1])
        raise GraphError([Problem("limit-exceeded", TOO_DEEP, span)])
