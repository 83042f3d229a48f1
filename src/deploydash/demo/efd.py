"""The EFD: the query side of InfluxDB 1.x, with no authentication, holding what CSCs wrote as events.

Answers as InfluxDB 1.x gives them; Telegraf's flush delay is kept, so the EFD lags behind Kafka as the real one does.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from deploydash.demo.influxql import Point, QueryError, parse, run
from deploydash.demo.wire import TAI_MINUS_UTC, Emit

LAG_S = 10.0
"""Telegraf writes to the EFD every 10 s (phalanx applications/sasquatch/charts/telegraf)."""
_KEPT = 500
_VERSION = {"X-Influxdb-Version": "1.8.10"}


class Efd:
    """Points by measurement. ``available`` False answers 503 to everything; ``prefix`` is ``lsst.sal.``."""

    def __init__(self, database: str, prefix: str, pace: float) -> None:
        self._database = database
        self._prefix = prefix
        self._lag = LAG_S / pace
        self._points: dict[str, dict[int | None, deque[Point]]] = {}
        self.available = True

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

    def application(self) -> web.Application:
        """The HTTP server's routes."""
        app = web.Application()
        app.router.add_route("*", "/ping", self._ping)
        app.router.add_get("/health", self._health)
        app.router.add_get("/query", self._query)
        app.router.add_post("/query", self._query)
        return app

    async def _ping(self, _: web.Request) -> web.Response:
        return web.Response(status=204 if self.available else 503, headers=_VERSION)

    async def _health(self, _: web.Request) -> web.Response:
        status = {"name": "influxdb", "message": "ready for queries and writes", "status": "pass", "version": "1.8.10"}
        return web.json_response(status) if self.available else web.Response(status=503)

    async def _query(self, request: web.Request) -> web.Response:
        if not self.available:
            return web.Response(status=503, text="upstream connect error")
        asked: dict[str, str] = {k: str(v) for k, v in request.query.items()}
        if request.method == "POST":
            asked |= {k: str(v) for k, v in (await request.post()).items()}
        return self.answer(asked)

    def answer(self, asked: dict[str, str]) -> web.Response:
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
    def _error(text: str) -> web.Response:
        return web.json_response({"error": text}, status=400, headers={**_VERSION, "X-Influxdb-Error": text})
