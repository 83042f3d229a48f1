"""A small real HTTP server that answers what a test tells it to, for what a real product cannot be made to say."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; header names in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request], tuple[int, dict[str, str], bytes | Iterable[bytes]]]
"""From a request to status, headers and body; one in pieces is sent piece by piece, and ends with the connection.

A ``ConnectionResetError`` closes the connection without an answer.
"""


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone; whatever else went wrong is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class HttpServer:
    """Answers by ``answer`` on a free loopback port, and remembers every request; a context manager.

    With a ``keystore`` (key and certificate in PEM) it speaks TLS.
    """

    def __init__(self, answer: Answer, *, keystore: Path | None = None) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self._scheme = "http"
        if keystore is not None:
            self._scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(keystore)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): text for name, text in self.headers.items()}
                request = Request(self.command, self.path, headers, self.rfile.read(length))
                outer.requests.append(request)
                try:
                    status, extra, body = outer.answer(request)
                except ConnectionResetError:
                    self.close_connection = True
                    return
                whole = isinstance(body, bytes)
                length_of = {"content-length": str(len(body))} if isinstance(body, bytes) else {"connection": "close"}
                self.send_response(status)
                for name, text in {**length_of, **extra}.items():
                    self.send_header(name, text)
                self.end_headers()
                for piece in (body,) if isinstance(body, bytes) else body:
                    self.wfile.write(piece)
                    self.wfile.flush()
                self.close_connection = self.close_connection or not whole

            do_POST = do_DELETE = do_GET  # noqa: N815 the names that http.server looks for

            def log_message(self, *_: Any) -> None:
                """Keep the test's output quiet."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
