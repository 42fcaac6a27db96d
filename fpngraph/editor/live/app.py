"""The server of the page: one folder, one secret in the address, and answers to nobody but the page itself."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fpngraph.drawing.files import WRITERS
from fpngraph.editor.live import questions
from fpngraph.editor.live.folder import Folder, Refused
from fpngraph.editor.live.offering import offered
from fpngraph.editor.live.picture import Asked, choices, exported, row
from fpngraph.errors import GraphError

PAUSE_S = 0.3
"""Between two looks at a file."""
_KEPT = 4  # pictures that the page may still ask for
_ASSETS = frozenset(
    {"live.js", "live.css", "codemirror.js", "codemirror.css", "show-hint.js", "show-hint.css", "yaml.js"}
)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".mmd": "text/plain",
    ".dot": "text/plain",
}


class Guard:
    """Lets through what the page asks for: by the secret, of this server by its own name, from no other page."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        if scope["type"] == "http" and (reason := self._against(Request(scope))):
            await PlainTextResponse(reason, 403)(scope, receive, said)
        else:
            await self._app(scope, receive, said)

    def _against(self, request: Request) -> str:
        """Why a request is refused; empty if it is not."""
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if host not in self._hosts:  # a name of somebody else's that leads here
            return "this server answers to its own address alone"
        token = request.url.path.split("/")[1]
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return "the address lacks the secret that 'fpngraph serve' prints"
        is_own = request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        return "" if is_own and origin in (None, f"http://{host}") else "another page may not ask this server"


class Live:
    """What the page can ask."""

    def __init__(self, folder: Folder, first: str, in_channels: tuple[int, ...] | None) -> None:
        self.folder, self.first, self.in_channels = folder, first, in_channels
        self._pictures: OrderedDict[str, bytes] = OrderedDict()

    def routes(self) -> list[Route]:
        return [
            Route("/{token}/", self.page),
            Route("/{token}/asset/{name}", self.asset),
            Route("/{token}/picture/{number}", self.picture),
            Route("/{token}/files", self.files),
            Route("/{token}/file", self.file, methods=["GET"]),
            Route("/{token}/file", self.save, methods=["PUT"]),
            Route("/{token}/saves", self.saves),
            Route("/{token}/drawn", self.drawn, methods=["POST"]),
            Route("/{token}/offered", self.offered, methods=["POST"]),
            Route("/{token}/exported", self.exported, methods=["POST"]),
        ]

    async def page(self, _: Request) -> Response:
        return HTMLResponse(_part("live.html"), headers={"Content-Security-Policy": _POLICY})

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise Refused(404, f"there is no {name!r}")
        folder = () if name.startswith("live") else ("codemirror",)
        return Response(_part(*folder, name), media_type="text/javascript" if name.endswith(".js") else "text/css")

    async def picture(self, request: Request) -> Response:
        found = self._pictures.get(request.path_params["number"])
        if found is None:
            raise Refused(404, "there is no such picture any more")
        return HTMLResponse(found, headers={"Content-Security-Policy": "sandbox allow-scripts"})

    async def files(self, _: Request) -> Response:
        names = self.folder.names()
        first = self.first or (names[0] if names else "new.yaml")
        listed = names if first in names else [first, *names]
        channels = ",".join(map(str, self.in_channels or ()))
        return JSONResponse({"names": listed, "first": first, "in_channels": channels, "formats": list(WRITERS)})

    async def file(self, request: Request) -> Response:
        text, stamp = self.folder.read(request.query_params.get("name", ""))
        return JSONResponse({"text": text, "stamp": stamp})

    async def save(self, request: Request) -> Response:
        asked = await questions.asked(request)
        stamp = self.folder.write(
            questions.text(asked, "name"), questions.text(asked, "text"), questions.text(asked, "seen")
        )
        return JSONResponse({"stamp": stamp})

    async def saves(self, request: Request) -> Response:
        name = request.query_params.get("name", "")
        self.folder.path(name)

        async def stamps() -> AsyncIterator[str]:
            before = None
            while not await request.is_disconnected():
                now = self.folder.stamp(name)
                if now != before:
                    before = now
                    yield f"data: {json.dumps(now)}\n\n"
                await asyncio.sleep(PAUSE_S)

        return StreamingResponse(stamps(), media_type="text/event-stream")

    async def drawn(self, request: Request) -> Response:
        asked = await questions.asked(request)
        return JSONResponse(await run_in_threadpool(self._drawn, asked))

    def _drawn(self, said: dict[str, Any]) -> dict[str, Any]:
        """The number of the picture of a text, or None; its problems; what can be chosen."""
        answer: dict[str, Any] = {"picture": None, "name": "", **choices(questions.text(said, "text"))}
        try:
            drawn, warnings = self._of(said).diagram()
            picture = WRITERS[".html"](drawn, 2.0)
        except GraphError as error:
            return answer | {"problems": [row(it) for it in error.problems]}
        number = secrets.token_urlsafe(8)
        self._pictures[number] = picture
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        return answer | {"picture": number, "problems": [row(it) for it in warnings]}

    async def offered(self, request: Request) -> Response:
        said = await questions.asked(request)
        path, text = self.folder.path(questions.text(said, "name")), questions.text(said, "text")
        line, column = questions.index(said, "line"), questions.index(said, "column")
        return JSONResponse(await run_in_threadpool(offered, path, text, line, column))

    async def exported(self, request: Request) -> Response:
        said = await questions.asked(request)
        ending = questions.text(said, "ending")
        if ending not in WRITERS:
            raise Refused(404, f"there is no format {ending!r}")
        try:
            content = await run_in_threadpool(exported, self._of(said), ending)
        except (GraphError, ValueError) as error:
            raise Refused(422, str(error)) from None
        return Response(content, media_type=_TYPES[ending])

    def _of(self, said: dict[str, Any]) -> Asked:
        """What the page asks to be drawn. Raises Refused for what is no such question."""
        params = said.get("params") or {}
        if not isinstance(params, dict) or not all(isinstance(value, str) for value in params.values()):
            raise Refused(400, "'params' is no mapping of texts")
        return Asked(
            questions.text(said, "text"),
            self.folder.path(questions.text(said, "name")).parent,
            questions.text(said, "preset"),
            params,
            questions.numbers(questions.text(said, "in_channels")),
            questions.size(questions.text(said, "image_size")),
        )


def _part(*name: str) -> str:
    return files("fpngraph.editor.live").joinpath("page", *name).read_text(encoding="utf-8")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return PlainTextResponse(error.reason, error.status)


def app(live: Live, token: str, port: int) -> ASGIApp:
    """The server of a page at ``http://127.0.0.1:<port>/<token>/``."""
    inner = Starlette(routes=live.routes(), exception_handlers={Refused: _refused})
    return Guard(inner, token, port)
