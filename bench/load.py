"""A fleet that lives: a process of its own that beats every CSC at 1 Hz and changes states on request.

Started by ``bench.world``; takes orders as JSON lines on stdin, answers as JSON lines on stdout, ends with stdin.
"""

from __future__ import annotations

import io
import json
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Producer

from bench.fleet import BenchCsc, roster, subname
from bench.history import phase
from bench.wire import BeatBytes
from deploydash.core.model import CscId, SummaryState
from deploydash.systems.registry.framing import frame
from deploydash.systems.sal.wire.keys import message_key
from tests.servers.fleet import private_fields, schema_text
from tests.servers.kafka_topics import KafkaTopics

_SLOT_S = 0.01
_STORM = (SummaryState.DISABLED, SummaryState.ENABLED, SummaryState.STANDBY)
_QUEUE = {"queue.buffering.max.messages": 1_000_000, "acks": 1}


class Load:
    """Beats on time, and tells states as ordered.

    Beats of up to 1,000 CSCs leave one by one, as ts_salobj sends them; more are gathered for 5 ms, for one
    broker of one test machine takes no 10,000 batches a second.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._began: float = settings["began_utc"]
        self._ids: dict[str, dict[str, int]] = settings["ids"]
        self._subname = subname(settings["size"])
        self._fleet = roster(settings["size"])
        linger = 0 if len(self._fleet) <= 1_000 else 5
        address = {"bootstrap.servers": settings["bootstrap"], **_QUEUE}
        self._beats = Producer({**address, "linger.ms": linger}, logger=KafkaTopics.silent)
        self._swift = Producer({**address, "linger.ms": 0}, logger=KafkaTopics.silent)
        self._by_phase = sorted(
            (phase(one.origin), BeatBytes.of(one, self._topic(one, "heartbeat"), self._ids[one.csc.name]["heartbeat"]))
            for one in self._fleet
            if not one.dead
        )
        self._living = [one for one in self._fleet if not one.dead]
        self._told = 0
        self._orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._storm: tuple[float, float] | None = None
        self._stormed = 0

    def run(self) -> None:
        """Beat until stdin ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        print(json.dumps({"ready": True}), flush=True)
        beaten = time.time() - self._began
        while True:
            now = time.time()
            self._beat(beaten, now - self._began)
            beaten = now - self._began
            while not self._orders.empty():
                order = self._orders.get()
                if order is None:
                    self._swift.flush(5)
                    return
                self._obey(order)
            self._rage(now)
            self._beats.poll(0)
            self._swift.poll(0)
            self._wait(now + _SLOT_S)

    def _wait(self, until: float) -> None:
        """Wait for the next slot, but obey an order as it comes."""
        while (left := until - time.time()) > 0:
            try:
                order = self._orders.get(timeout=left)
            except queue.Empty:
                return
            if order is None:
                self._orders.put(None)
                return
            self._obey(order)
            self._swift.poll(0.005)

    def _listen(self) -> None:
        for line in sys.stdin:
            self._orders.put(json.loads(line))
        self._orders.put(None)

    def _beat(self, since: float, until: float) -> None:
        """Send the beats due between two moments, both in seconds since the history began."""
        for second in range(int(since), int(until) + 1):
            for within, beat in self._by_phase:
                due = second + within
                if since <= due < until:
                    self._beats.produce(beat.topic, key=beat.key, value=beat.value(second + 1, self._began + due))

    def _topic(self, one: BenchCsc, event: str) -> str:
        return f"lsst.{self._subname}.{one.csc.name}.logevent_{event}"

    def _obey(self, order: dict[str, Any]) -> None:
        if order["do"] == "change":
            csc = CscId.parse(order["csc"])
            one = next(each for each in self._living if each.csc == csc)
            self._tell(one, SummaryState[order["state"]], report=True)
        elif order["do"] == "storm":
            self._storm = (order["hz"] * len(self._living), time.time())
            self._stormed = 0
        elif order["do"] == "calm":
            self._storm = None
            for one in self._living:
                self._tell(one, one.state)
            self._swift.flush(30)
            print(json.dumps({"calm": True}), flush=True)

    def _rage(self, now: float) -> None:
        if self._storm is None:
            return
        rate, began = self._storm
        while self._stormed < (now - began) * rate:
            one = self._living[self._stormed % len(self._living)]
            turn = self._stormed // len(self._living) + self._stormed
            self._tell(one, _STORM[turn % len(_STORM)])
            self._stormed += 1

    def _tell(self, one: BenchCsc, state: SummaryState, *, report: bool = False) -> None:
        self._told += 1
        utc = time.time()
        indexed = one.indexed
        text = schema_text(one.csc.name, "summaryState", indexed=indexed)
        body = io.BytesIO()
        private = private_fields(one.csc, indexed=indexed, origin=one.origin, seq=1_000 + self._told, at_utc=utc)
        fastavro.schemaless_writer(body, _parsed(text), {**private, "summaryState": int(state)})
        value = frame(self._ids[one.csc.name]["summaryState"], body.getvalue())
        key = message_key(one.csc.name, "logevent_summaryState", one.csc.index if indexed else None)

        def delivered(error: object, message: Any) -> None:
            stamp = message.timestamp()[1] / 1000
            told = {"csc": str(one.csc), "state": state.name, "sent": utc, "appended": stamp, "error": str(error or "")}
            print(json.dumps(told), flush=True)

        topic = self._topic(one, "summaryState")
        if report:
            self._swift.produce(topic, key=key, value=value, on_delivery=delivered)
        else:
            self._swift.produce(topic, key=key, value=value)


_schemas: dict[str, Any] = {}


def _parsed(text: str) -> Any:
    if text not in _schemas:
        _schemas[text] = fastavro.parse_schema(json.loads(text))
    return _schemas[text]


if __name__ == "__main__":
    Load(json.loads(Path(sys.argv[1]).read_text())).run()
