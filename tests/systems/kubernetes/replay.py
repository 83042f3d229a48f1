"""An API server that answers as a real one was recorded (tests/data/captures/kubernetes/README.md)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from deploydash.systems.kubernetes.client import Cluster, connected
from deploydash.systems.kubernetes.settings import KubernetesSettings
from tests.servers.http_server import Answer, HttpServer, Request

CAPTURES = Path(__file__).parents[2] / "data" / "captures" / "kubernetes"
CONTEXT = "operator"
TOKEN = "s3cret-token"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with what a real server answered. ``lines``: of a watch."""

    name: str
    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    headers: dict[str, str]
    answer: Any
    lines: tuple[str, ...] | None
    cut: bool

    def served(self) -> tuple[int, dict[str, str], bytes]:
        """Return it as a server sends it."""
        kept = {k: v for k, v in self.headers.items() if k not in {"content-length", "transfer-encoding"}}
        if self.lines is not None:
            data = "".join(f"{line}\n" for line in self.lines).encode()
        else:
            data = self.answer.encode() if isinstance(self.answer, str) else json.dumps(self.answer).encode()
        more = {"content-length": str(len(data) + 100)} if self.cut else {}
        return self.status, {**kept, **more}, data


def exchanges(*files: str) -> Iterator[Exchange]:
    """Yield what was recorded, of these files or of all."""
    for path in sorted(CAPTURES.glob("*.json")):
        if files and path.stem not in files:
            continue
        for at, raw in enumerate(json.loads(path.read_text("utf-8")).get("exchanges", [])):
            request, response = raw["request"], raw["response"]
            parts = urlsplit(request["path"])
            lines = response.get("lines")
            told = tuple(line.get("text") or json.dumps(line["json"]) for line in lines) if lines is not None else None
            yield Exchange(
                f"{path.stem}-{at}",
                request["method"],
                parts.path,
                dict(parse_qsl(parts.query)),
                request.get("body"),
                response["status"],
                response.get("headers", {}),
                response.get("body"),
                told,
                "Error" in str(response.get("end", "")),
            )


def replaying(exchange: Exchange) -> Answer:
    """Return what answers this one request, and nothing else."""

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(request.path)
        assert (request.method, parts.path) == (exchange.method, exchange.path)
        assert exchange.query.items() <= dict(parse_qsl(parts.query)).items()
        if exchange.body is not None:
            assert json.loads(request.body) == exchange.body
        return exchange.served()

    return answer


def kubeconfig(folder: Path, server: str, **user: Any) -> Path:
    """Write a kubeconfig whose current context is another one; return it."""
    users = {CONTEXT: user or {"token": TOKEN}, "other": {"token": "other"}}
    clusters = {"good": {"server": server}, "elsewhere": {"server": "https://elsewhere.example.org"}}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "other",
        "clusters": [{"name": name, "cluster": cluster} for name, cluster in clusters.items()],
        "users": [{"name": name, "user": one} for name, one in users.items()],
        "contexts": [
            {"name": CONTEXT, "context": {"cluster": "good", "user": CONTEXT}},
            {"name": "other", "context": {"cluster": "elsewhere", "user": "other"}},
        ],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def settings(kubeconfig: Path, *, context: str = CONTEXT, **more: Any) -> KubernetesSettings:
    """Return the section of a site with three namespaces."""
    spaces = [
        {"namespace": "envsys", "selector": "csc", "jobs": {"m2-ess106": "ESS:106", "ess201": "ESS:201"}},
        {"namespace": "obssys", "selector": "csc", "jobs": {"watcher": "Watcher", "mtqueue": "ScriptQueue:1"}},
        {"namespace": "love", "selector": "csc=love-commander"},
    ]
    document = {"context": context, "kubeconfig": str(kubeconfig), "namespaces": spaces, **more}
    return KubernetesSettings.model_validate(document)


@asynccontextmanager
async def asking(folder: Path, answer: Answer) -> AsyncIterator[tuple[Cluster, HttpServer]]:
    """Open a client on a server that answers so."""
    with HttpServer(answer) as server:
        async with connected(settings(kubeconfig(folder, server.url)), rehearsal=True) as cluster:
            yield cluster, server
