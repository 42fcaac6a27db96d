"""The language server: what an editor tells it and asks it, by the protocol that editors share."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path, uri_scheme
from pygls.workspace import PositionCodec

from fpngraph.editor.diagnostics import diagnostics
from fpngraph.editor.documents import Document, Documents

_LONGEST_WAIT_S = 1.0


class Server(LanguageServer):
    """The files of one editor."""

    def __init__(self, version: str, folder: str | None) -> None:
        super().__init__("fpngraph", version, types.TextDocumentSyncKind.Full)
        self.documents = Documents(PositionCodec(), folder)
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._took_s: dict[str, float] = {}

    def said(self, uri: str, language: str | None) -> Document:
        """What the editor says that a document is now."""
        self.documents.codec = self.workspace.position_codec
        path = to_fs_path(uri) if uri_scheme(uri) == "file" else None
        text = self.workspace.get_text_document(uri).source
        return self.documents.say(uri, Path(path) if path else None, text, is_graph=language == "fpngraph")

    def checked(self, uri: str) -> Document:
        """A document with what it says worked out."""
        document = self.documents.open[uri]
        if document.is_graph and document.stale:
            start = time.perf_counter()
            self.documents.check(document)
            self._took_s[uri] = time.perf_counter() - start
        return document

    def tell(self, document: Document) -> None:
        """Publish the problems of a document and of those that use it."""
        for each in (document, *self.documents.users(document.place)):
            if each is not document:
                each.stale = True
            self._publish(self.checked(each.uri))

    def _publish(self, document: Document) -> None:
        version = self.workspace.get_text_document(document.uri).version
        found = types.PublishDiagnosticsParams(document.uri, diagnostics(document), version)
        self.text_document_publish_diagnostics(found)

    def soon(self, document: Document) -> None:
        """Tell about a document when nobody has typed in it for as long as it takes to check it."""
        uri = document.uri
        if uri in self._waiting:
            self._waiting[uri].cancel()
        self._waiting[uri] = asyncio.get_running_loop().create_task(self._later(uri))

    async def _later(self, uri: str) -> None:
        await asyncio.sleep(min(self._took_s.get(uri, 0.0), _LONGEST_WAIT_S))
        del self._waiting[uri]
        if uri in self.documents.open:
            self.tell(self.documents.open[uri])


def server(version: str, *, folder: str | None = None) -> Server:
    """A server that answers for graph files. ``folder`` is where used graphs may lie besides a file's own folder."""
    made = Server(version, folder)
    _follow(made)
    return made


def _follow(made: Server) -> None:
    """What the editor tells of its documents."""

    @made.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        made.tell(made.said(params.text_document.uri, params.text_document.language_id))

    @made.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        made.soon(made.said(params.text_document.uri, None))

    @made.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        document = made.documents.open.get(uri)
        made.documents.close(uri)
        made.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        for user in made.documents.users(document.place) if document else ():
            user.stale = True
            made.tell(user)

    @made.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def saved(params: types.DidChangeWatchedFilesParams) -> None:
        paths = {Path(path).resolve() for change in params.changes if (path := to_fs_path(change.uri))}
        for document in list(made.documents.open.values()):
            if paths & document.reads:
                document.stale = True
                made.tell(document)

    @made.feature(types.INITIALIZED)
    async def watching(_: types.InitializedParams) -> None:
        able = made.client_capabilities.workspace
        watched = able.did_change_watched_files if able else None
        if watched and watched.dynamic_registration:
            patterns = [types.FileSystemWatcher("**/*.{yaml,yml}")]
            options = types.DidChangeWatchedFilesRegistrationOptions(patterns)
            registration = types.Registration("graphs", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await made.client_register_capability_async(types.RegistrationParams([registration]))
