"""A running ``fpngraph serve``, and plain questions to it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Served:
    """Where it answers."""

    address: str

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def token(self) -> str:
        return urlsplit(self.address).path.strip("/")

    def ask(
        self, path: str, method: str = "GET", said: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and text of an answer. A path that begins with ``/`` has no secret unless it says it."""
        status, _, content = self.answer(path, method, said, headers)
        return status, content.decode()

    def answer(
        self, path: str, method: str = "GET", said: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = None if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
        whole = path if path.startswith("/") else f"/{self.token}/{path}"
        try:
            connection.request(method, whole, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@contextmanager
def serving(folder: Path, *arguments: str, browser: str | None = None) -> Iterator[Served]:
    """A server for a folder, until the test is done; ``browser`` is the command that opens its page, if one does."""
    command = [sys.executable, "-m", "fpngraph", "serve", *arguments, *([] if browser else ["--no-browser"])]
    env = os.environ | {"BROWSER": browser or ""}
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), process.communicate(timeout=10)
            yield Served(address)
        finally:
            process.terminate()
            process.communicate(timeout=20)
