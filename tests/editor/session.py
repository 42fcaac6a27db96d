"""An editor that talks to the language server by the protocol, one sentence after the other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

T = TypeVar("T")
CURSOR = "¦"
_LONGEST_S = 60


class Editor:
    """A client with one server; texts mark with ``¦`` where the cursor is."""

    def __init__(self, *options: str, folder: Path, encodings: list[Any] | None = None, watches: bool = False) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = LanguageClient("editor", "1")
        self._found: dict[str, asyncio.Queue[types.PublishDiagnosticsParams]] = {}
        self._versions: dict[str, int] = {}
        self.registered: list[str] = []
        self.shown: list[str] = []
        self._listen()
        self.run(self._client.start_io(sys.executable, "-m", "fpngraph", "language-server", *options, cwd=folder))
        capabilities = types.ClientCapabilities(
            general=types.GeneralClientCapabilities(position_encodings=encodings),
            workspace=types.WorkspaceClientCapabilities(
                did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=watches)
            ),
        )
        folders = [types.WorkspaceFolder(folder.as_uri(), folder.name)]
        asked = types.InitializeParams(capabilities, root_uri=folder.as_uri(), workspace_folders=folders)
        self.able = self.run(self._client.initialize_async(asked)).capabilities
        self._client.initialized(types.InitializedParams())

    def _listen(self) -> None:
        @self._client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: types.PublishDiagnosticsParams) -> None:
            self._of(params.uri).put_nowait(params)

        @self._client.feature(types.WINDOW_SHOW_MESSAGE)
        def _(params: types.ShowMessageParams) -> None:
            self.shown.append(params.message)

        @self._client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def _(params: types.RegistrationParams) -> None:
            self.registered += [each.method for each in params.registrations]

    def _of(self, uri: str) -> asyncio.Queue[types.PublishDiagnosticsParams]:
        return self._found.setdefault(uri, asyncio.Queue())

    def run(self, awaited: Awaitable[T]) -> T:
        """What comes of a question; an error that the server has is raised."""
        return self._loop.run_until_complete(asyncio.wait_for(awaited, _LONGEST_S))

    def open(self, uri: str, text: str, language: str = "yaml") -> list[types.Diagnostic]:
        """Open a document; its problems."""
        self._versions[uri] = 1
        item = types.TextDocumentItem(uri, language, 1, text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return self.found(uri)

    def type(self, uri: str, text: str) -> list[types.Diagnostic]:
        """Have a document say something else; its problems then."""
        self.change(uri, text)
        return self.found(uri)

    def change(self, uri: str, text: str) -> None:
        """Have a document say something else."""
        self._versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(self._versions[uri], uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self._client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def found(self, uri: str) -> list[types.Diagnostic]:
        """The problems that the server tells next of the newest version of a document."""
        while True:
            params = self.run(self._of(uri).get())
            if params.version in (None, self._versions.get(uri)):
                return list(params.diagnostics)

    def close(self, uri: str) -> None:
        """Close a document."""
        self._client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        assert self.found(uri) == []

    def saved(self, *paths: Path) -> None:
        """Tell that files have changed on the disk."""
        changes = [types.FileEvent(path.as_uri(), types.FileChangeType.Changed) for path in paths]
        self._client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes))

    def at(self, uri: str, marked: str) -> dict[str, Any]:
        """The arguments of a question about the cursor in a text."""
        before = marked.partition(CURSOR)[0]
        line = before.rpartition("\n")[2]
        position = types.Position(before.count("\n"), len(line.encode("utf-16-le")) // 2)
        return {"text_document": types.TextDocumentIdentifier(uri), "position": position}

    def ask(self, method: str, params: Any) -> Any:
        """What the server answers."""

        async def asked() -> Any:  # its future belongs to the loop that runs when it is made
            return await self._client.protocol.send_request_async(method, params)

        return self.run(asked())

    def show(self, marked: str, uri: str = "untitled:Untitled-1") -> dict[str, Any]:
        """Have a document say a text; the arguments of a question about its cursor."""
        text = marked.replace(CURSOR, "")
        self.type(uri, text) if uri in self._versions else self.open(uri, text, "fpngraph")
        return self.at(uri, marked)

    def complete(self, marked: str, uri: str = "untitled:Untitled-1") -> list[types.CompletionItem]:
        """What can be written at the cursor, in the order of the list that people see."""
        items = self.ask("textDocument/completion", types.CompletionParams(**self.show(marked, uri)))
        return sorted(items or (), key=lambda item: item.sort_text)

    def hover(self, marked: str, uri: str = "untitled:Untitled-1") -> str | None:
        """What is told of what is at the cursor."""
        found = self.ask("textDocument/hover", types.HoverParams(**self.show(marked, uri)))
        return found.contents.value if found else None

    def define(self, marked: str, uri: str = "untitled:Untitled-1") -> list[types.Location]:
        """Where the name at the cursor is declared."""
        return list(self.ask("textDocument/definition", types.DefinitionParams(**self.show(marked, uri))) or ())

    def rename(self, marked: str, name: str, uri: str = "untitled:Untitled-1") -> str:
        """The text with another name for what is at the cursor. Raises JsonRpcException where it is refused."""
        asked = types.RenameParams(new_name=name, **self.show(marked, uri))
        changes = self.ask("textDocument/rename", asked).changes
        assert list(changes) == [uri]
        return written(marked.replace(CURSOR, ""), changes[uri])

    def actions(self, marked: str, *only: str, uri: str = "untitled:Untitled-1") -> list[types.CodeAction]:
        """The changes that are offered where the cursor is."""
        asked = self.show(marked, uri)
        place = types.Range(asked["position"], asked["position"])
        context = types.CodeActionContext([], only=list(only) or None)
        return list(self.ask("textDocument/codeAction", types.CodeActionParams(asked["text_document"], place, context)))

    def end(self) -> None:
        """Close the server. Raises where it does not end well."""
        self.run(self._client.shutdown_async(None))
        self._client.exit(None)
        self.run(self._client.stop())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
        assert self.shown == []


def written(text: str, edits: list[types.TextEdit]) -> str:
    """A text with edits, none of which may touch another one."""
    lines = text.split("\n")
    places = [(edit.range.start, edit.range.end, edit.new_text) for edit in edits]
    for start, end, new in sorted(places, key=lambda it: (it[0].line, it[0].character), reverse=True):
        assert start.line == end.line
        line = lines[start.line].encode("utf-16-le")
        parts = (line[: 2 * start.character], new.encode("utf-16-le"), line[2 * end.character :])
        lines[start.line] = b"".join(parts).decode("utf-16-le")
    return "\n".join(lines)
