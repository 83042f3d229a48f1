"""The machines and their server: real HTTP on loopback; it counts what was asked of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeMachine:
    """One machine. ``ways``: how each next start goes: ``runs``, ``fails``, ``hangs`` or ``asks``; then it runs."""

    ways: list[str] = field(default_factory=list)
    state: str = "stopped"
    done: int = 0
    of: int = 5
    level: str = "low"
    key: str = ""
    way: str = ""

    def look(self) -> dict[str, Any]:
        """Go one stage further and say how it stands."""
        if self.state == "starting" and self.way != "hangs":
            self.done += 1
            if self.way == "fails" and self.done == 2:
                self.state = "failed"
            elif self.way == "asks" and self.done == 2:
                self.state = "asks"
            elif self.done >= self.of:
                self.state, self.level = "running", "high"
        return {"state": self.state, "done": self.done, "of": self.of, "level": self.level, "key": self.key}

    def order(self, order: str, body: dict[str, str]) -> str:
        """Do what is ordered; return why not."""
        if order == "start":
            if self.state in {"starting", "asks"}:
                return "it is starting already"
            self.way = self.ways.pop(0) if self.ways else "runs"
            self.state, self.done, self.key = "starting", 0, body["key"]
        elif order == "force":
            self.state = "running"
        elif order == "stop":
            self.state = "stopped"
        elif order == "answer":
            self.state, self.way = ("starting", "runs") if body["answer"] == "go on" else ("stopped", "")
        return ""


@dataclass
class FakeMachines:
    """All machines, the fact about them, and what was asked. ``counts``: requests by method and path."""

    machines: dict[str, FakeMachine]
    url: str = ""
    ok: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer one request."""
        with self.lock:
            self.counts[f"{method} {path}"] += 1
            if path == "/health":
                sentence = "the machines may be started" if self.ok else "the cooling is off"
                return 200, {"ok": self.ok, "sentence": sentence}
            _, _, name, *order = path.split("/")
            machine = self.machines[name]
            if not order:
                return 200, machine.look()
            why = machine.order(order[0], body)
            return (409, {"why": why}) if why else (202, {})


@contextmanager
def serving_machines(**ways: list[str]) -> Iterator[FakeMachines]:
    """Serve machines by these names, each with how its next starts go, until the block ends."""
    fake = FakeMachines({name: FakeMachine(list(each)) for name, each in ways.items()})

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            status, told = fake.answer(self.command, self.path, body)
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _do  # noqa: N815 - the library's own names

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
