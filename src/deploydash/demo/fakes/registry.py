"""The schema registry: the part of Confluent's REST interface that readers and writers of SAL topics use.

Paths, answers and error codes as Confluent's registry and Karapace give them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import fastavro
from aiohttp import web

from deploydash.demo.fake import Fault, Kind, Section
from deploydash.demo.http_fake import HttpFake, kinds
from deploydash.demo.wire import TopicSchema, schema_id
from deploydash.demo.world import World

_TYPE = "application/vnd.schemaregistry.v1+json"
_LEVELS = ("NONE", "BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE")

_ROUTES = (
    ("GET", "/", "root"),
    ("GET", "/subjects", "subjects"),
    ("GET", "/schemas/types", "types"),
    ("GET", "/schemas/ids/{id}", "schema"),
    ("GET", "/schemas/ids/{id}/versions", "versions_of_schema"),
    ("POST", "/subjects/{subject}", "lookup"),
    ("GET", "/subjects/{subject}/versions", "versions"),
    ("POST", "/subjects/{subject}/versions", "register"),
    ("GET", "/subjects/{subject}/versions/{version}", "version"),
    ("GET", "/config", "config"),
    ("GET", "/config/{subject}", "config"),
    ("PUT", "/config", "set_config"),
    ("PUT", "/config/{subject}", "set_config"),
    ("DELETE", "/config", "unset_config"),
    ("DELETE", "/config/{subject}", "unset_config"),
    ("GET", "/mode", "mode"),
)
_AT_FIRST = "FULL_TRANSITIVE"
"""What is set at first: no page says so, so that what is put back was read."""
_DEFAULT = "BACKWARD"

FAULTS: Mapping[str, Fault] = {
    "down": Fault("503 for everything, from the ingress before it"),
    "stalled": Fault("every answer takes so many seconds longer", {"seconds": 7.0}),
    "failing": Fault("500 for everything: its store cannot be reached"),
    "empty": Fault("no subject and no schema, as one that was set up anew"),
    "unknown-ids": Fault("subjects are there, no schema is found by its id"),
    "unset": Fault("nobody has set a compatibility level: it is told as code 40408 until one is set"),
    "read-only": Fault("its mode is READONLY, and no level is taken"),
    "silent": Fault("it takes a compatibility level and answers so many seconds later", {"seconds": 7.0}),
}


class _Refusal(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = _answer({"error_code": code, "message": message}, status)


def _answer(body: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type=_TYPE)


def _no_subject(subject: str) -> _Refusal:
    return _Refusal(404, 40401, f"Subject '{subject}' not found.")


class Registry(HttpFake):
    """Schemas by id and by subject; knows those of the world's topics from the start."""

    def __init__(self, world: World) -> None:
        super().__init__(_ROUTES, FAULTS)
        self._all_texts: dict[int, str] = {}
        self._all_subjects: dict[str, list[int]] = {}
        self._level: str | None = _AT_FIRST
        self._levels: dict[str, str] = {}
        self.noted_in(world.deeds, "registry", lambda: {"level": self._level, "of subjects": {**self._levels}})
        world.on_topics.append(self._take)

    async def start(self) -> Section:
        """Open the port; the section ``schema_registry``."""
        return {"schema_registry": {"url": await self.listen()}}

    def switched(self, fault: str) -> None:
        """Begin with no level where nobody has set one."""
        if fault == "unset":
            self._level = None if self.faults["unset"] is not None else _AT_FIRST

    async def about(self, kind: str, request: web.Request) -> str | None:
        """The level that is to be set, and of what."""
        if kind not in {"set_config", "unset_config"}:
            return None
        return f"{request.path} {(await request.read()).decode(errors='replace')}".strip()

    def add(self, subject: str, text: str) -> int:
        """Register a schema text under a subject; the id it has."""
        number = schema_id(text)
        self._all_texts[number] = text
        versions = self._all_subjects.setdefault(subject, [])
        if number not in versions:
            versions.append(number)
        return number

    def _take(self, topics: Mapping[str, TopicSchema]) -> None:
        for topic, schema in topics.items():
            self.add(f"{topic}-value", schema.text)

    @property
    def _subjects(self) -> dict[str, list[int]]:
        return self._all_subjects if self.faults["empty"] is None else {}

    @property
    def _texts(self) -> dict[int, str]:
        return self._all_texts if self.faults["empty"] is None else {}

    async def failing(self, kind: str) -> web.StreamResponse | None:
        """The answer of a fault that is on, or None."""
        failed = await super().failing(kind)
        if failed is None and self.faults["failing"] is not None:
            return _answer({"error_code": 50001, "message": "Error in the backend data store"}, 500)
        return failed

    async def answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """The answer of a route, or its refusal in Confluent's form."""
        try:
            return await super().answer(request, handler)
        except _Refusal as refusal:
            return refusal.answer

    async def on_root(self, _: web.Request) -> web.Response:
        """Confluent answers an empty object."""
        return _answer({})

    async def on_types(self, _: web.Request) -> web.Response:
        """The kinds of schemas."""
        return _answer(["AVRO"])

    async def on_mode(self, _: web.Request) -> web.Response:
        """Whether it may be written to."""
        return _answer({"mode": "READWRITE" if self.faults["read-only"] is None else "READONLY"})

    async def on_subjects(self, _: web.Request) -> web.Response:
        """Every subject."""
        return _answer(sorted(self._subjects))

    def _id(self, request: web.Request) -> int:
        text = request.match_info["id"]
        if not text.isdigit():
            raise _Refusal(404, 404, "HTTP 404 Not Found")
        if int(text) not in self._texts or self.faults["unknown-ids"] is not None:
            raise _Refusal(404, 40403, "Schema not found")
        return int(text)

    async def on_schema(self, request: web.Request) -> web.Response:
        """A schema by its id."""
        return _answer({"schema": self._texts[self._id(request)]})

    async def on_versions_of_schema(self, request: web.Request) -> web.Response:
        """Where a schema is used."""
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

    async def on_versions(self, request: web.Request) -> web.Response:
        """The versions of a subject."""
        return _answer(list(range(1, len(self._subject(request)[1]) + 1)))

    async def on_version(self, request: web.Request) -> web.Response:
        """One version of a subject, or its latest."""
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

    async def on_lookup(self, request: web.Request) -> web.Response:
        """Whether a subject has a schema."""
        subject, versions = self._subject(request)
        number = schema_id(await self._posted(request))
        if number not in versions:
            raise _Refusal(404, 40403, "Schema not found")
        return _answer(self._described(subject, versions.index(number) + 1))

    async def on_register(self, request: web.Request) -> web.Response:
        """A schema that somebody posts."""
        return _answer({"id": self.add(request.match_info["subject"], await self._posted(request))})

    async def on_config(self, request: web.Request) -> web.Response:
        """The compatibility level."""
        subject = request.match_info.get("subject")
        if subject is None:
            return _answer({"compatibilityLevel": self._set_level()})
        if subject not in self._subjects:
            raise _no_subject(subject)
        if subject in self._levels:
            return _answer({"compatibilityLevel": self._levels[subject]})
        if request.query.get("defaultToGlobal") == "true":
            return _answer({"compatibilityLevel": self._set_level()})
        raise _Refusal(404, 40408, f"Subject '{subject}' does not have subject-level compatibility configured")

    async def on_set_config(self, request: web.Request) -> web.Response:
        """Another compatibility level."""
        try:
            level = str((await request.json())["compatibility"])
        except (ValueError, TypeError, KeyError) as error:
            raise _Refusal(422, 422, "a body with `compatibility` is wanted") from error
        if level not in _LEVELS:
            raise _Refusal(422, 42203, f"Invalid compatibility level. Valid values are {', '.join(_LEVELS).lower()}")
        await self._take_level(request.match_info.get("subject"), level)
        return _answer({"compatibility": level})

    async def on_unset_config(self, request: web.Request) -> web.Response:
        """The compatibility level taken away; the one that holds then is answered."""
        await self._take_level(request.match_info.get("subject"), None)
        return _answer({"compatibility": self._level or _DEFAULT})

    def _set_level(self) -> str:
        if self._level is None:
            raise _Refusal(404, 40408, "Compatibility level is not configured")
        return self._level

    async def _take_level(self, subject: str | None, level: str | None) -> None:
        """Take a level, or none; where the fake is silent, long before it answers."""
        if self.faults["read-only"] is not None:
            raise _Refusal(422, 42205, "The schema registry is in read-only mode")
        if subject is None:
            self._level = level
        elif level is None:
            self._levels.pop(subject, None)
        else:
            self._levels[subject] = level
        silent = self.faults["silent"]
        if silent is not None:
            await asyncio.sleep(float(silent["seconds"]))


KIND = Kind("registry", FAULTS, kinds(_ROUTES), Registry)
