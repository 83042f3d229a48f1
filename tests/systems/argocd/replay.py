"""Argo CD as it was recorded: its answers of ``tests/data/captures/argocd`` over HTTP, and syncs that go their ways.

What a real server answered is answered byte for byte but for headers; what it did between two answers is played: a sync
is requested, not begun, runs, and ends as the recorded application shows, with the infos that were really sent.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploydash.systems.argocd.login import Endpoint
from tests.servers.http_server import HttpServer, Request

DATA = Path(__file__).resolve().parents[2] / "data" / "captures" / "argocd"
ROOT = "/argo-cd"
TOKEN = "the-token-of-a-test"

Reply = tuple[int, dict[str, str], bytes]


@cache
def recorded(file: str) -> dict[str, Any]:
    """Return one file of recorded answers."""
    found: dict[str, Any] = json.loads((DATA / f"{file}.json").read_text("utf-8"))
    return found


def exchange(file: str, number: int) -> dict[str, Any]:
    """Return one exchange of a file."""
    found: dict[str, Any] = recorded(file)["exchanges"][number]
    return found


def body(file: str, number: int) -> Any:
    """Return what was answered in one exchange of a file."""
    return copy.deepcopy(exchange(file, number)["response"]["body"])


def reply(told: Any, status: int = 200) -> Reply:
    """Return an answer in JSON."""
    return status, {"content-type": "application/json"}, json.dumps(told).encode()


def replied(file: str, number: int) -> Reply:
    """Return one recorded answer."""
    answer = exchange(file, number)["response"]
    told, kind = answer["body"], answer["headers"].get("content-type", "application/json")
    data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
    return answer["status"], {"content-type": kind}, data


@dataclass
class Argo:
    """An Argo CD that answers by what was recorded.

    ``apps``: what the next questions for an application are answered, the last of them for ever. ``fixed``: answers by
    method and path below the root, without a query. ``ways``: the states that follow on a sync of an application.
    ``breaks``: what is answered first, whatever is asked; None closes the connection without an answer.
    """

    apps: dict[str, list[Any]] = field(default_factory=dict)
    fixed: dict[str, Reply] = field(default_factory=dict)
    ways: dict[str, list[Any]] = field(default_factory=dict)
    breaks: dict[str, list[Reply | None]] = field(default_factory=dict)
    synced: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        path = urlsplit(request.path).path
        what = f"{request.method} {path.removeprefix(ROOT)}"
        self.asked.append(f"{request.method} {request.path.removeprefix(ROOT)}")
        self.tokens.append(request.headers.get("authorization", ""))
        if self.breaks.get(what):
            broken = self.breaks[what].pop(0)
            if broken is None:
                self._take(what, request)
                raise ConnectionResetError
            return broken
        return self._take(what, request)

    def _take(self, what: str, request: Request) -> Reply:
        if what in self.fixed:
            return self.fixed[what]
        name = what.split("/")[4] if what.count("/") > 3 else ""
        if what == f"POST /api/v1/applications/{name}/sync":
            return self._sync(name, json.loads(request.body))
        if what == f"DELETE /api/v1/applications/{name}/operation":
            last = copy.deepcopy(self.apps[name][0])
            self.apps[name] = [_terminated(last)]
            return reply({})
        if what == f"GET /api/v1/applications/{name}" and name in self.apps:
            states = self.apps[name]
            return reply(states.pop(0) if len(states) > 1 else states[0])
        if what.startswith("GET /api/v1/account/can-i/"):
            return reply({"value": "yes"})
        return reply({"error": "nothing was recorded for this", "code": 12, "message": what}, 501)

    def _sync(self, name: str, asked: dict[str, Any]) -> Reply:
        self.synced.append(asked)
        now = copy.deepcopy(self.apps[name][-1])
        operation = {
            "sync": {key: asked[key] for key in ("revision", "prune", "resources") if asked.get(key)},
            "initiatedBy": {"username": "operator"},
            "info": asked["infos"],
        }
        requested = {**now, "operation": operation, "status": {**now["status"], "operationState": None}}
        self.apps[name] = [requested, *(_of(operation, state) for state in self.ways[name])]
        return reply(requested)


def _of(operation: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded state as one of the operation that was really requested."""
    state = copy.deepcopy(state)
    told = state["status"].get("operationState")
    if told:
        told["operation"] = {
            **told.get("operation", {}),
            "info": operation["info"],
            "initiatedBy": {"username": "operator"},
        }
    if told is None or told.get("phase") in {"Running", "Terminating"}:
        state["operation"] = operation
    return state


def _terminated(state: dict[str, Any]) -> dict[str, Any]:
    told = {**state["status"]["operationState"], "phase": "Failed", "message": "Operation terminated"}
    return {**state, "operation": None, "status": {**state["status"], "operationState": told}}


def running(base: dict[str, Any], phase: str = "Running", message: str = "", results: Any = None) -> dict[str, Any]:
    """Return a state of an application in which an operation goes on."""
    told: dict[str, Any] = {"phase": phase, "message": message, "startedAt": "2026-11-20T18:55:52Z"}
    if results is not None:
        told["syncResult"] = {"resources": results}
    return {**base, "status": {**base["status"], "operationState": told}}


@contextmanager
def serving(argo: Argo) -> Iterator[Endpoint]:
    """Serve until the block ends; the place is one of a rehearsal, with its own token."""
    with HttpServer(argo.answer) as server:
        yield Endpoint(server.url.removeprefix("http://"), ROOT, plain=True, token=TOKEN, rehearsal=True)
