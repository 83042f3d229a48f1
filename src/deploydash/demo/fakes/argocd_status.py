"""What the demo observatory's Argo CD says when it refuses, word for word as v3.5.1 does, and how it writes answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from deploydash.demo.fakes.cluster_kinds import Object

_STATUS = {3: 400, 5: 404, 7: 403, 9: 400, 16: 401}
_WORDS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
DENIED = "permission denied"


class Refusal(Exception):
    """An error by its gRPC code; ``plain`` is an HTTP status and a text instead."""

    def __init__(self, code: int, message: str, plain: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.plain = plain

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.plain or _STATUS[self.code]

    def response(self) -> web.Response:
        """The answer."""
        if self.plain == 500:
            return answer({"error": self.message}, 500)  # as gRPC's gateway says it, without a code
        if self.plain:
            return web.Response(status=self.plain, text=self.message)
        body = {"error": self.message, "code": self.code, "message": self.message}
        return answer(body, self.status, plain=True)

    @property
    def streamed(self) -> Object:
        """The error as a stream or the logs tell it."""
        about = {"grpc_code": self.code, "http_code": self.status, "message": self.message}
        return {"error": {**about, "http_status": _WORDS[self.status]}}


def answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, plain: bool = False
) -> web.Response:
    """An answer in JSON; ``plain`` is that of an error."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    made = web.Response(
        status=status,
        body=text.encode(),
        headers={
            "Content-Type": "application/json",
            **({} if plain else {"Grpc-Metadata-Content-Type": "application/grpc"}),
            "Vary": "Accept-Encoding",
            **(headers or {}),
        },
    )
    made.enable_compression()
    return made


def no_application(name: str) -> Refusal:
    """There is no application of this name in the project that was given."""
    return Refusal(5, f'applications.argoproj.io "{name}" not found')


def denied(resource: str, action: str, about: str, who: str, issued: str) -> Refusal:
    """An account has no right to this."""
    return Refusal(7, f"{DENIED}: {resource}, {action}, {about}, sub: {who}, iat: {issued}")


NO_PATH = Refusal(0, "Not Found\n", 404)
NO_ROOT = Refusal(0, "404 page not found\n", 404)
NO_METHOD = Refusal(0, "Method Not Allowed\n", 405)
NO_TYPE = Refusal(0, "Invalid content type\n", 415)
NO_SESSION = Refusal(16, "no session information")
