"""The language server: what an editor tells it and asks it, by the protocol that editors share."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path, uri_scheme
from pygls.workspace import PositionCodec

from fpngraph.editor.completion import TRIGGERS, completions
from fpngraph.editor.diagnostics import diagnostics
from fpngraph.editor.documents import Document, Documents
from fpngraph.editor.figures import Assumed
from fpngraph.editor.fixes import KINDS, actions
from fpngraph.editor.hover import hover
from fpngraph.editor.navigation import definitions, references
from fpngraph.editor.renaming import rename, renamed_at
from fpngraph.editor.symbols import symbols
from fpngraph.errors import Refusal

_LONGEST_WAIT_S = 1.0


class Server(LanguageServer):
    """The files of one editor."""

    def __init__(self, version: str, assumed: Assumed, folder: str | None) -> None:
        super().__init__("fpngraph", version, types.TextDocumentSyncKind.Full)
        self.documents = Documents(PositionCodec(), folder)
        self.assumed = assumed
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._took_s: dict[str, float] = {}

    def said(self, uri: str, language: str | None) -> Document:
        """What the editor says that a document is now."""
        self.documents.codec = self.workspace.position_codec
        path = to_fs_path(uri) if uri_scheme(uri) == "file" else None
        text = self.workspace.get_text_document(uri).source
        return self.documents.say(uri, Path(path) if path else None, text, is_graph=language == "fpngraph")

    def folders(self) -> list[Path]:
        """The folders that the editor works in."""
        paths = (to_fs_path(uri) for uri in self.workspace.folders)
        return [Path(path).resolve() for path in paths if path]

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


def server(version: str, assumed: Assumed, *, folder: str | None = None) -> Server:
    """A server that answers for graph files.

    ``assumed`` is what shapes and costs are told for, ``folder`` where used graphs may lie besides a file's own.
    """
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_news)
    made = Server(version, assumed, folder)
    _follow(made)
    _answer(made)
    _change(made)
    return made


def _is_news(record: logging.LogRecord) -> bool:
    """All but that an editor cancels what is answered already, as VS Code does all the time."""
    return not str(record.msg).startswith("Cancel notification for unknown message")


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


def _answer(made: Server) -> None:
    """What the editor asks about a place."""

    @made.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(TRIGGERS))
    def complete(params: types.CompletionParams) -> list[types.CompletionItem]:
        document = made.documents.open[params.text_document.uri]
        return completions(made.documents, document, params.position)

    @made.feature(types.TEXT_DOCUMENT_HOVER)
    def tell(params: types.HoverParams) -> types.Hover | None:
        document = made.checked(params.text_document.uri)
        return hover(made.documents, document, params.position, made.assumed)

    @made.feature(types.TEXT_DOCUMENT_DEFINITION)
    def define(params: types.DefinitionParams) -> list[types.Location]:
        document = made.checked(params.text_document.uri)
        return definitions(made.documents, document, params.position)

    @made.feature(types.TEXT_DOCUMENT_REFERENCES)
    def refer(params: types.ReferenceParams) -> list[types.Location]:
        document = made.documents.open[params.text_document.uri]
        return references(document, params.position, declarations=params.context.include_declaration)

    @made.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        document = made.documents.open[params.text_document.uri]
        found = references(document, params.position, declarations=True)
        return [types.DocumentHighlight(each.range) for each in found]

    @made.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        return symbols(made.documents.open[params.text_document.uri])


def _change(made: Server) -> None:
    """What the editor has changed for it."""

    @made.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        return renamed_at(made.documents.open[params.text_document.uri], params.position)

    @made.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def give_name(params: types.RenameParams) -> types.WorkspaceEdit:
        document = made.checked(params.text_document.uri)
        try:
            return rename(made.documents, document, params.position, params.new_name, folders=made.folders())
        except Refusal as reason:
            raise JsonRpcException(str(reason), types.LSPErrorCodes.RequestFailed) from None

    @made.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(KINDS))
    def mend(params: types.CodeActionParams) -> list[types.CodeAction]:
        return actions(made.checked(params.text_document.uri), params)
