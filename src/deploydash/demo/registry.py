"""The schema registry: the part of Confluent's REST interface that readers and writers of SAL topics use.

Paths, answers and error codes as Confluent's registry and Karapace give them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import fastavro
from aiohttp import web

from deploydash.demo.wire import schema_id

_TYPE = "application/vnd.schemaregistry.v1+json"
_LEVELS = ("NONE", "BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE")


class _Refusal(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = _answer({"error_code": code, "message": message}, status)


def _answer(body: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type=_TYPE)


def _no_subject(subject: str) -> _Refusal:
    return _Refusal(404, 40401, f"Subject '{subject}' not found.")


class Registry:
    """Schemas by id and by subject. ``available`` False answers 503 to everything."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._subjects: dict[str, list[int]] = {}
        self._level = "NONE"
        self._levels: dict[str, str] = {}
        self.available = True

    def add(self, subject: str, text: str) -> int:
        """Register a schema text under a subject; the id it has."""
        number = schema_id(text)
        self._texts[number] = text
        versions = self._subjects.setdefault(subject, [])
        if number not in versions:
            versions.append(number)
        return number

    def add_all(self, schemas: Iterable[tuple[str, str]]) -> None:
        """Register (subject, text) pairs."""
        for subject, text in schemas:
            self.add(subject, text)

    def application(self) -> web.Application:
        """The HTTP server's routes."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._root)
        app.router.add_get("/subjects", self._list_subjects)
        app.router.add_get("/schemas/types", self._types)
        app.router.add_get("/schemas/ids/{id}", self._by_id)
        app.router.add_get("/schemas/ids/{id}/versions", self._versions_of_id)
        app.router.add_post("/subjects/{subject}", self._lookup)
        app.router.add_get("/subjects/{subject}/versions", self._versions)
        app.router.add_post("/subjects/{subject}/versions", self._register)
        app.router.add_get("/subjects/{subject}/versions/{version}", self._version)
        app.router.add_get("/config", self._config)
        app.router.add_put("/config", self._set_config)
        app.router.add_get("/config/{subject}", self._config)
        app.router.add_put("/config/{subject}", self._set_config)
        app.router.add_get("/mode", self._mode)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not self.available:
            return web.Response(status=503, text="upstream connect error")
        try:
            response: web.StreamResponse = await handler(request)
        except _Refusal as refusal:
            return refusal.answer
        return response

    async def _root(self, _: web.Request) -> web.Response:
        return _answer({})

    async def _types(self, _: web.Request) -> web.Response:
        return _answer(["AVRO"])

    async def _mode(self, _: web.Request) -> web.Response:
        return _answer({"mode": "READWRITE"})

    async def _list_subjects(self, _: web.Request) -> web.Response:
        return _answer(sorted(self._subjects))

    def _id(self, request: web.Request) -> int:
        text = request.match_info["id"]
        if not text.isdigit():
            raise _Refusal(404, 404, "HTTP 404 Not Found")
        if int(text) not in self._texts:
            raise _Refusal(404, 40403, "Schema not found")
        return int(text)

    async def _by_id(self, request: web.Request) -> web.Response:
        return _answer({"schema": self._texts[self._id(request)]})

    async def _versions_of_id(self, request: web.Request) -> web.Response:
        number = self._id(request)
        return _answer(
            [
                {"subject": subject, "version": versions.index(number) + 1}
                for subject, versions in self._subjects.items()
                if number in versions
            ],
        )

    def _subject(self, request: web.Request) -> tuple[str, list[int]]:
        subject = request.match_info["subject"]
        if subject not in self._subjects:
            raise _no_subject(subject)
        return subject, self._subjects[subject]

    async def _versions(self, request: web.Request) -> web.Response:
        return _answer(list(range(1, len(self._subject(request)[1]) + 1)))

    async def _version(self, request: web.Request) -> web.Response:
        subject, versions = self._subject(request)
        wanted = request.match_info["version"]
        if wanted in {"latest", "-1"}:
            number = len(versions)
        elif not wanted.isdigit() or not int(wanted):
            raise _Refusal(
                422,
                42202,
                f"The specified version '{wanted}' is not a valid version id. "
                'Allowed values are between [1, 2^31-1] and the string "latest"',
            )
        else:
            number = int(wanted)
        if number > len(versions):
            raise _Refusal(404, 40402, f"Version {number} not found.")
        return _answer(self._described(subject, number))

    def _described(self, subject: str, version: int) -> dict[str, Any]:
        number = self._subjects[subject][version - 1]
        return {"subject": subject, "version": version, "id": number, "schema": self._texts[number]}

    async def _posted(self, request: web.Request) -> str:
        """The posted schema text: the text of the equal one if it is known, whatever its white space."""
        try:
            body = await request.json()
            text = body["schema"]
            parsed = json.loads(text)
            fastavro.parse_schema(parsed)
        except (ValueError, TypeError, KeyError, fastavro.schema.SchemaParseException) as error:
            raise _Refusal(422, 42201, f"Invalid AVRO schema. Error: {error}") from error
        return json.dumps(parsed)

    async def _lookup(self, request: web.Request) -> web.Response:
        subject, versions = self._subject(request)
        number = schema_id(await self._posted(request))
        if number not in versions:
            raise _Refusal(404, 40403, "Schema not found")
        return _answer(self._described(subject, versions.index(number) + 1))

    async def _register(self, request: web.Request) -> web.Response:
        return _answer({"id": self.add(request.match_info["subject"], await self._posted(request))})

    async def _config(self, request: web.Request) -> web.Response:
        subject = request.match_info.get("subject")
        if subject is None:
            return _answer({"compatibilityLevel": self._level})
        if subject not in self._subjects:
            raise _no_subject(subject)
        if subject in self._levels:
            return _answer({"compatibilityLevel": self._levels[subject]})
        if request.query.get("defaultToGlobal") == "true":
            return _answer({"compatibilityLevel": self._level})
        raise _Refusal(404, 40408, f"Subject '{subject}' does not have subject-level compatibility configured")

    async def _set_config(self, request: web.Request) -> web.Response:
        try:
            level = str((await request.json())["compatibility"])
        except (ValueError, TypeError, KeyError) as error:
            raise _Refusal(422, 422, "a body with `compatibility` is wanted") from error
        if level not in _LEVELS:
            raise _Refusal(422, 42203, f"Invalid compatibility level. Valid values are {', '.join(_LEVELS).lower()}")
        subject = request.match_info.get("subject")
        if subject is None:
            self._level = level
        else:
            self._levels[subject] = level
        return _answer({"compatibility": level})
