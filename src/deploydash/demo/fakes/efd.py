"""The EFD: the query side of InfluxDB 1.x, which asks for no password, holding what CSCs wrote as events.

Answers as InfluxDB 1.x gives them; Telegraf's flush delay is kept, so the EFD lags behind Kafka as the real one does.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from deploydash.demo.fake import Fault, Kind, Section
from deploydash.demo.http_fake import HttpFake, kinds
from deploydash.demo.influxql import Point, QueryError, parse, run
from deploydash.demo.wire import TAI_MINUS_UTC, Emit, Raw
from deploydash.demo.world import World

LAG_S = 10.0
"""Telegraf writes to the EFD every 10 s (phalanx applications/sasquatch/charts/telegraf)."""
_KEPT = 500
_VERSION = {"X-Influxdb-Version": "1.8.10"}
_ROUTES = (
    ("*", "/ping", "ping"),
    ("GET", "/health", "health"),
    ("GET", "/query", "query"),
    ("POST", "/query", "query"),
)
FAULTS: Mapping[str, Fault] = {
    "down": Fault("503 for everything, from the ingress before it"),
    "stalled": Fault("every answer takes so many seconds longer", {"seconds": 7.0}),
    "unauthorized": Fault("401 for every query, whatever user and password"),
}


class Efd(HttpFake):
    """Points by measurement, of every event that the world writes."""

    def __init__(self, world: World) -> None:
        super().__init__(_ROUTES, FAULTS)
        self._database = world.site.database
        self._prefix = world.codec.prefix
        self._lag = LAG_S / world.pace
        self._points: dict[str, dict[int | None, deque[Point]]] = {}
        world.on_records.append(self._take)
        world.on_forgotten.append(self.add)

    async def start(self) -> Section:
        """Open the port; the section ``efd``."""
        return {"efd": {"url": await self.listen(), "database": self._database}}

    def _take(self, records: list[Emit | Raw]) -> None:
        self.add(each for each in records if isinstance(each, Emit) and each.sal_name.startswith("logevent_"))

    def add(self, emits: Iterable[Emit]) -> None:
        """Take up event records; of beats only the last one of each CSC is kept."""
        for emit in emits:
            measurement = f"{self._prefix}{emit.writer.component}.{emit.sal_name}"
            kept = 1 if emit.sal_name == "logevent_heartbeat" else _KEPT
            series = self._points.setdefault(measurement, {})
            points = series.setdefault(emit.writer.index, deque(maxlen=kept))
            points.append(self._point(emit))

    @staticmethod
    def _point(emit: Emit) -> Point:
        fields: dict[str, Any] = dict(emit.fields)
        if emit.writer.index is not None:
            fields["salIndex"] = emit.writer.index
        fields |= {
            "private_sndStamp": emit.at + TAI_MINUS_UTC,
            "private_efdStamp": emit.at,
            "private_seqNum": emit.seq,
            "private_identity": emit.writer.identity,
            "private_origin": emit.writer.origin,
        }
        return Point(int(emit.at * 1e6) * 1000, fields)

    def points(self, measurement: str) -> list[Point]:
        """The points of a measurement that Telegraf has flushed, in order of time."""
        flushed = int((time.time() - self._lag) * 1e9)
        series = self._points.get(measurement, {})
        return sorted((p for points in series.values() for p in points if p.time <= flushed), key=lambda p: p.time)

    async def failing(self, kind: str) -> web.StreamResponse | None:
        """The answer of a fault that is on, or None."""
        failed = await super().failing(kind)
        if failed is None and kind == "query" and self.faults["unauthorized"] is not None:
            return self._error("authorization failed", 401, **{"WWW-Authenticate": 'Basic realm="InfluxDB"'})
        return failed

    async def on_ping(self, _: web.Request) -> web.Response:
        """That it is there, and its version."""
        return web.Response(status=204, headers=_VERSION)

    async def on_health(self, _: web.Request) -> web.Response:
        """That it is well."""
        status = {"name": "influxdb", "message": "ready for queries and writes", "status": "pass", "version": "1.8.10"}
        return web.json_response(status)

    async def on_query(self, request: web.Request) -> web.Response:
        """The answer to a query by GET or POST."""
        asked: dict[str, str] = {k: str(v) for k, v in request.query.items()}
        if request.method == "POST":
            asked |= {k: str(v) for k, v in (await request.post()).items()}
        return self.result(asked)

    def result(self, asked: dict[str, str]) -> web.Response:
        """The answer to the parameters of a query: ``q``, ``db``, ``epoch``."""
        if not asked.get("q"):
            return self._error('missing required parameter "q"')
        try:
            statements = parse(asked["q"])
        except QueryError as error:
            return self._error(f"error parsing query: {error}")
        results: list[dict[str, Any]] = []
        for number, statement in enumerate(statements):
            database = statement.database or asked.get("db", "")
            failed = any("error" in result for result in results)
            results.append({"statement_id": number})
            if failed:
                results[-1]["error"] = "not executed"
            elif statement.kind == "select" and database != self._database:
                results[-1]["error"] = f"database not found: {database}" if database else "database name required"
            else:
                series = run(statement, self._database, sorted(self._points), self.points, asked.get("epoch"))
                if series:
                    results[-1]["series"] = series
        return web.Response(
            text=json.dumps({"results": results}) + "\n",
            content_type="application/json",
            headers=_VERSION,
        )

    @staticmethod
    def _error(text: str, status: int = 400, **headers: str) -> web.Response:
        return web.json_response(
            {"error": text}, status=status, headers={**_VERSION, **headers, "X-Influxdb-Error": text}
        )


KIND = Kind("efd", FAULTS, kinds(_ROUTES), Efd)
