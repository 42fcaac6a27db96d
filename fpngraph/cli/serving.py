"""The command that serves the page: what it is about, where it answers, until somebody ends it."""

from __future__ import annotations

import gc
import os
import secrets
import socket
import webbrowser
from pathlib import Path
from threading import Thread

import uvicorn

from fpngraph.cli import values
from fpngraph.cli.values import UsageError
from fpngraph.editor.live.app import Live, app
from fpngraph.editor.live.folder import ENDINGS, Folder
from fpngraph.files import did_you_mean

_HERE = "127.0.0.1"


def serve(graph: str, in_channels: tuple[int, ...] | None, *, port: int, opens: bool) -> int:
    """Answer at an address with a secret until Ctrl-C."""
    folder, first = _place(graph)
    token = secrets.token_urlsafe(24)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((_HERE, port))
            listening.listen()  # whoever has the address may ask at once
        except OSError as error:
            hint = "leave --port out for a free one"
            raise UsageError(f"port {port} cannot be used: {values.reason(error)}\n  hint: {hint}") from error
        port = listening.getsockname()[1]
        address = f"http://{_HERE}:{port}/{token}/"
        print(f"{address}\n(for this machine alone; end it with Ctrl-C)", flush=True)
        if opens:
            Thread(target=webbrowser.open, args=[address], daemon=True).start()  # some return when they are closed
        gc.enable()  # see __main__: this command does not end
        served = app(Live(folder, first, in_channels), token, port)
        config = uvicorn.Config(served, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _place(graph: str) -> tuple[Folder, str]:
    """The folder that is served, and the file in it that is shown first, if one is named."""
    path = Path(os.path.realpath(graph))
    if path.is_dir():
        return Folder(path), ""
    if not path.parent.is_dir():
        hint = did_you_mean(path.parent)
        raise UsageError(f"there is no folder {str(path.parent)!r}" + (f"\n  hint: {hint}" if hint else ""))
    if path.suffix not in ENDINGS:
        hint = "'fpngraph new NAME -o my.yaml' makes a file of a graph that has a name"
        raise UsageError(f"{graph!r} is no graph file: its name ends in {' or '.join(ENDINGS)}\n  hint: {hint}")
    return Folder(path.parent), path.name
