"""What the page asks, read: each of these raises Refused for what is no such question."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request

from fpngraph.editor.live.folder import Refused
from fpngraph.language.limits import MAX_BYTES


async def asked(request: Request) -> dict[str, Any]:
    """What a request says, in JSON. Raises Refused for what is too long, and for all else."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > 4 * MAX_BYTES:
            raise Refused(413, "that is too long for a graph file")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "that is no JSON object")
    return found


def text(said: dict[str, Any], key: str) -> str:
    """A text of a question; empty where nothing is said."""
    value = said.get(key, "")
    if not isinstance(value, str):
        raise Refused(400, f"{key!r} is no text")
    return value


def index(said: dict[str, Any], key: str) -> int:
    """A number that counts from 0."""
    value = said.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_BYTES:
        raise Refused(400, f"{key!r} is no number from 0")
    return value


def numbers(typed: str) -> tuple[int, ...] | None:
    """The channels of inputs; None where nothing is typed."""
    parts = typed.replace(" ", "").split(",")
    if not typed.strip():
        return None
    if not all(part.isascii() and part.isdigit() and 0 < len(part) < 8 for part in parts):
        raise Refused(422, f"channels are numbers such as 40,112,320, not {typed!r}")
    return tuple(map(int, parts))


def size(typed: str) -> tuple[int, int] | None:
    """Height and width of images; None where nothing is typed."""
    sides = typed.lower().strip().split("x")
    if not typed.strip():
        return None
    if len(sides) > 2 or not all(re.fullmatch("[1-9][0-9]{0,5}", side) for side in sides):
        raise Refused(422, f"an image is 512 or 512x640 pixels, not {typed!r}")
    return int(sides[0]), int(sides[-1])
