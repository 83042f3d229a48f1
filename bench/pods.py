"""An API server of so many pods, of which a few change each second: a process of its own, on loopback.

Run as ``python -m bench.pods FOLDER PODS CHANGES JOB...``: PODS pods of these Jobs in the namespace ``bench``, of which
CHANGES change each second. It writes a kubeconfig with the context ``bench`` into FOLDER and then says so on stdout.
A line ``JOB WORD`` on stdin is trouble of that Job's newest pod, told to whoever watches at once; it answers with the
moment (monotonic) at which it did. It ends with stdin.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

PADDING = "x" * 6_000
"""A pod of a CSC is about so long, most of it what nobody here looks at."""


class Pods:
    """The Jobs and pods of one namespace."""

    def __init__(self, pods: int, changes: float, jobs: list[str]) -> None:
        self._names = [(f"{jobs[number % len(jobs)]}-{number:05}", jobs[number % len(jobs)]) for number in range(pods)]
        self._jobs = jobs
        self._pause = 1.0 / changes
        self._version = count(1_000)
        self._troubled: dict[int, str] = {}
        self._watching: set[asyncio.Queue[int]] = set()

    def trouble(self, job: str, word: str) -> float:
        """Let the newest pod of a Job be in trouble from now on, and return when that was (monotonic)."""
        newest = max(number for number, (_, owner) in enumerate(self._names) if owner == job)
        self._troubled[newest] = word
        at = time.monotonic()
        for watching in self._watching:
            watching.put_nowait(newest)
        return at

    def _pod(self, number: int, version: int) -> dict[str, Any]:
        name, job = self._names[number]
        metadata = {
            "name": name,
            "uid": f"pod-{number}",
            "resourceVersion": str(version),
            "creationTimestamp": f"2026-11-{1 + number // 1_440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z",
            "ownerReferences": [{"kind": "Job", "name": job, "uid": f"job-{job}"}],
            "annotations": {"padding": PADDING},
        }
        return {"metadata": metadata, "status": _status(self._troubled.get(number), version)}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a list, a watch, or what version this is."""
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.36.1"})
        what = request.path.rpartition("/")[2]
        if "watch" in request.query:
            return await self._watch(request, changes=what == "pods")
        version = next(self._version)
        first = int(request.query.get("continue") or 0)
        page = range(first, min(len(self._names), first + int(request.query["limit"])))
        items = [self._pod(number, version) for number in page] if what == "pods" else []
        if what == "jobs":
            items = [{"metadata": {"name": job, "uid": f"job-{job}"}, "status": {"active": 1}} for job in self._jobs]
        metadata = {"resourceVersion": str(version)}
        if what == "pods" and page.stop < len(self._names):
            metadata["continue"] = str(page.stop)
        return web.json_response({"items": items, "metadata": metadata})

    async def _watch(self, request: web.Request, *, changes: bool) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        told: asyncio.Queue[int] = asyncio.Queue()
        if changes:
            self._watching.add(told)
        try:
            while True:
                version = next(self._version)
                number = await self._next(told, version % len(self._names), changes=changes)
                event = {"type": "MODIFIED", "object": self._pod(number, version)}
                await response.write(json.dumps(event).encode() + b"\n")
        except ConnectionResetError:  # whoever watched has left
            return response
        finally:
            self._watching.discard(told)

    async def _next(self, told: asyncio.Queue[int], number: int, *, changes: bool) -> int:
        """Return the pod that is told next: one in trouble at once, else this one when its turn has come."""
        try:
            async with asyncio.timeout(self._pause if changes else 3_600):
                return await told.get()
        except TimeoutError:
            return number


def _status(word: str | None, version: int) -> Mapping[str, Any]:
    """Return the status of a pod that runs, or of one in a trouble that operators call so."""
    at = f"2026-11-20T12:{version % 60:02}:00Z"
    if word is None:
        return {"phase": "Running", "containerStatuses": [{"state": {"running": {"startedAt": at}}}]}
    if word == "Evicted":
        return {"phase": "Failed", "reason": word, "message": "the node was low on memory", "startTime": at}
    if word == "OOMKilled":
        ended = {"terminated": {"exitCode": 137, "reason": word, "finishedAt": at}}
        return {"phase": "Failed", "containerStatuses": [{"state": ended}]}
    return {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": word, "message": "it fails"}}}]}


async def main(folder: Path, pods: int, changes: float, jobs: list[str]) -> None:
    """Serve until stdin ends."""
    app, cluster = web.Application(), Pods(pods, changes, jobs)
    app.router.add_route("*", "/{path:.*}", cluster.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1).start()
    host, port = runner.addresses[0][:2]
    document = {
        "clusters": [{"name": "bench", "cluster": {"server": f"http://{host}:{port}"}}],
        "users": [{"name": "bench", "user": {"token": "bench"}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "current-context": "",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))
    print("serving", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        job, word = line.split()
        print(cluster.trouble(job, word), flush=True)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
