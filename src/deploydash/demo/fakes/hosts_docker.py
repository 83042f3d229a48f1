"""Containers of a host, as docker and docker compose show and change them: progress on standard error, nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploydash.demo.fake import Values
from deploydash.demo.fakes.hosts_life import Life

REGISTRY = "ts-dockerhub.lsst.org"
_LAYERS = 4
_LAYER_S = 6.0
"""World seconds that a layer takes to come over the network of a small controller."""

Say = Callable[[str], None]
Take = Callable[[float], Awaitable[None]]
Fault = Callable[[str], Values | None]


@dataclass
class Container:
    """A container, of an image of a repository. ``there`` False: it was removed."""

    name: str
    repository: str
    tag: str
    life: Life
    there: bool = True

    @property
    def image(self) -> str:
        """The image with its tag."""
        return f"{REGISTRY}/{self.repository}:{self.tag}"

    @property
    def id(self) -> str:
        """Another one whenever it was created anew."""
        return hashlib.sha256(f"{self.name} {self.life.since:.0f} {self.tag}".encode()).hexdigest()

    def fields(self, now: float) -> dict[str, str]:
        """What ``docker ps`` knows of it."""
        since = self.life.since
        up = self.life.running
        return {
            "ID": self.id[:12],
            "Names": self.name,
            "Image": self.image,
            "Command": '"/home/saluser/.startu…"',
            "CreatedAt": datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
            "RunningFor": f"{_ago(now - since)} ago",
            "State": "running" if up else "exited",
            "Status": f"Up {_ago(now - since)}" if up else f"Exited (0) {_ago(now - since)} ago",
        }


def _ago(seconds: float) -> str:
    """A duration as docker writes it."""
    for limit, unit, name in ((60, 1, "seconds"), (3600, 60, "minutes"), (172_800, 3600, "hours")):
        if seconds < limit:
            return f"{max(1, int(seconds // unit))} {name}"
    return f"{int(seconds // 86_400)} days"


@dataclass
class Docker:
    """The docker of a host. ``projects``: its containers by what starts and stops them, such as ``gc``."""

    projects: dict[str, list[Container]] = field(default_factory=dict)

    def containers(self) -> list[Container]:
        """All that are there."""
        return [each for project in self.projects.values() for each in project if each.there]

    def ps(self, words: list[str], now: float, say: Say) -> int:
        """``docker ps`` with ``-a``, ``--no-trunc``, ``--filter name=…`` and ``--format``."""
        every, template, names = False, "", []
        rest = iter(words)
        for word in rest:
            key, _, value = word.partition("=")
            if word in {"-a", "--all"}:
                every = True
            elif key in {"--format", "--filter", "-f"}:
                value = value or next(rest, "")
                if key == "--format":
                    template = value
                elif value.startswith("name="):
                    names.append(value.removeprefix("name="))
        for each in self.containers():
            if (every or each.life.running) and all(re.search(name, each.name) for name in names):
                say(formatted(template or "{{.ID}}   {{.Image}}   {{.Status}}   {{.Names}}", each.fields(now)) + "\n")
        return 0

    async def down(self, project: str, take: Take, err: Say) -> None:
        """``docker compose down``: containers are stopped and removed."""
        for each in [container for container in self.projects[project] if container.there]:
            err(f" Container {each.name}  Stopping\n")
            await take(1.5)
            each.life.stop()
            err(f" Container {each.name}  Stopped\n Container {each.name}  Removing\n")
            each.there = False
            err(f" Container {each.name}  Removed\n")
        err(f" Network {project}_default  Removing\n Network {project}_default  Removed\n")

    async def pull(self, project: str, tag: str, take: Take, fault: Fault, err: Say) -> bool:
        """``docker compose pull``: each image once; False when it failed."""
        slow, fails, full = fault("slow-pull"), fault("pull-fails"), fault("disk-full")
        images = {each.repository: each.name for each in self.projects[project]}
        for each in self.projects[project]:
            err(f" {each.name} Pulling \n")
        for repository, name in images.items():
            if fails is not None:
                err(f" {name} Error manifest for {REGISTRY}/{repository}:{tag} not found\n")
                err("Error response from daemon: manifest unknown: manifest unknown\n")
                return False
            layers = [hashlib.sha256(f"{repository}{tag}{at}".encode()).hexdigest()[:12] for at in range(_LAYERS)]
            for layer in layers:
                err(f" {layer} Pulling fs layer \n")
            for layer in layers:
                await self._layer(layer, take, slow, err)
                if full is not None:
                    err(f"failed to register layer: write /opt/lsst/{layer}: no space left on device\n")
                    return False
        for each in self.projects[project]:
            err(f" {each.name} Pulled \n")
        return True

    async def _layer(self, name: str, take: Take, slow: Values | None, err: Say) -> None:
        """One layer, with what is there of it as it comes; ``slow``: so many real seconds for all of them."""
        began = time.monotonic()
        for part in range(1, 6):
            await take(_LAYER_S / 5)
            while slow is not None and time.monotonic() - began < float(slow["seconds"]) / _LAYERS * part / 5:
                await take(_LAYER_S / 20)
            err(f" {name} Downloading  {part * 11.4:.1f}MB/57.0MB\n")
        err(f" {name} Download complete \n {name} Extracting \n {name} Pull complete \n")

    async def up(self, project: str, tag: str, pulled: bool, take: Take, err: Say) -> None:
        """``docker compose up -d``; what was not pulled is started with the image that is there."""
        for each in self.projects[project]:
            kept = each.there and each.life.running and (each.tag == tag or not pulled)
            if kept:
                err(f" Container {each.name}  Running\n")
                continue
            if each.there:
                err(f" Container {each.name}  Recreate\n")
                each.life.stop()
            each.tag = tag if pulled else each.tag
            each.there = True
            err(f" Container {each.name}  Created\n Container {each.name}  Starting\n")
            await take(0.8)
            each.life.start()
            err(f" Container {each.name}  Started\n")


def formatted(template: str, fields: dict[str, str]) -> str:
    r"""A Go template of docker's, filled in: ``{{.Names}}``, ``{{json .}}``, ``\t``."""
    if template.strip() in {"json", "{{json .}}"}:
        return json.dumps(fields)
    text = template.replace("\\t", "\t").replace("\\n", "\n")
    text = re.sub(r"\{\{\s*json \.(\w+)\s*\}\}", lambda found: json.dumps(fields.get(found[1], "")), text)
    return re.sub(r"\{\{\s*\.(\w+)\s*\}\}", lambda found: fields.get(found[1], "<no value>"), text)
