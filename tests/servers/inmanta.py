"""A real Inmanta orchestrator on loopback, with PostgreSQL beside it and a small model of its own in a git repository.

Its one kind of resource writes a JSON file. ``delay`` (seconds) makes a deploy slow, ``broken`` lets it fail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from tests.servers.cache import install_once, run_tool, tool
from tests.servers.postgres import PostgresServer, postgres_programs
from tests.servers.process import ChildProcess, free_port
from tests.servers.waiting import patient, wait_until

CORE, STD = "14.0.0", "8.4.2"
BRANCH = "production"
AGENTS = ("internal", "tel1", "tel2")
"""The agents of every environment; all of them are started by the server."""

_CONFIG = """\
[config]
state_dir={folder}/state
log_dir={folder}/log
[database]
host=127.0.0.1
port={database}
name=inmanta
username=postgres
[server]
bind-address=127.0.0.1
bind-port={port}
server_address=127.0.0.1
auth=false
"""
_TRANSPORT = """\
[{name}_rest_transport]
host=127.0.0.1
port={port}
"""
_PROJECT = f"""\
name: lab
author: tests
author_email: tests@example.org
license: Apache-2.0
copyright: none
modulepath: libs
downloadpath: libs
install_mode: release
repo: []
requires:
  - std == {STD}
pip:
  use-system-config: true
"""
PINS = Path(__file__).with_name("inmanta-constraints.txt")
_MODULE = """\
name: lab
version: 1.0.0
license: Apache-2.0
"""
_MODEL = """\
import std
entity Item extends std::PurgeableResource:
    string agent
    string name
    string path
    string value
    number delay = 0.0
    bool broken = false
end
index Item(agent, name)
implement Item using std::none
implement Item using parents
"""
_PLUGIN = """\
import json
import os
import time

from inmanta.agent.handler import CRUDHandler, ResourcePurged, provider
from inmanta.resources import PurgeableResource, resource


@resource("lab::Item", agent="agent", id_attribute="name")
class Item(PurgeableResource):
    fields = ("name", "path", "value", "delay", "broken", "agent")


@provider("lab::Item", name="lab_item")
class Handler(CRUDHandler):
    def read_resource(self, ctx, resource):
        if not os.path.exists(resource.path):
            raise ResourcePurged()
        with open(resource.path) as file:
            resource.value = json.load(file)["value"]

    def _write(self, resource):
        time.sleep(resource.delay)
        if resource.broken:
            raise Exception("the device refused " + resource.value)
        with open(resource.path, "w") as file:
            json.dump({"value": resource.value}, file)

    def create_resource(self, ctx, resource):
        self._write(resource)
        ctx.set_created()

    def update_resource(self, ctx, changes, resource):
        self._write(resource)
        ctx.set_updated()

    def delete_resource(self, ctx, resource):
        os.remove(resource.path)
        ctx.set_purged()
"""


@dataclass(frozen=True, slots=True)
class LabItem:
    """One resource of the model. ``after``: the one that has to be deployed before it."""

    name: str
    agent: str = "internal"
    value: str = "1"
    delay: float = 0.0
    broken: bool = False
    after: str = ""


def inmanta_install() -> Path:
    """Return a virtual environment with the orchestrator; beside it ``wheels`` for its compiles without a network.

    Raises:
        UnavailableError: it, or PostgreSQL, cannot be had.
    """
    postgres_programs()
    tool("git")

    def build(folder: Path) -> None:
        run_tool([sys.executable, "-m", "venv", "--copies", "venv"], folder)
        # env: the constraints of deploydash, which make exports, contradict those of the orchestrator.
        pip = ["env", f"PIP_CONSTRAINT={PINS}", str(folder / "venv/bin/python"), "-m", "pip"]
        std = f"inmanta-module-std=={STD}"
        run_tool([*pip, "install", "-q", f"inmanta-core=={CORE}", "importlib_metadata", std], folder, attempts=2)
        run_tool([*pip, "download", "-q", "--no-deps", "-d", "wheels", std], folder, attempts=2)

    return install_once(f"inmanta-{CORE}", build)


class Orchestrator:
    """One orchestrator with its database; environments are made by ``environment``."""

    def __init__(self, home: Path, folder: Path) -> None:
        for name in ("state", "log"):
            (folder / name).mkdir(parents=True)
        self.home = home
        self.folder = folder
        self.port = free_port()
        self.database = PostgresServer(postgres_programs(), folder / "postgres.log")
        self._process = ChildProcess("the orchestrator", folder / "inmanta.log")
        self.config = folder / "inmanta.cfg"
        text = _CONFIG.format(folder=folder, database=self.database.port, port=self.port)
        names = ("agent", "compiler", "client", "cmdline")
        self.config.write_text(text + "".join(_TRANSPORT.format(name=name, port=self.port) for name in names))
        self._http = httpx2.Client(base_url=self.url, timeout=patient(30), trust_env=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def program(self, *words: str) -> list[str]:
        """Return the command line of its own program."""
        return [str(self.home / "venv/bin/python"), "-m", "inmanta.app", *words]

    def environ(self) -> dict[str, str]:
        """Return the environment in which it runs: it installs from its own folder alone."""
        wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.home / "wheels"), "LC_ALL": "C.UTF-8"}
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        return {**kept, **wheels}

    def start(self) -> None:
        """Start database and server; return when it answers."""
        self.database.start("inmanta")
        self._up()

    def _up(self) -> None:
        self._process.start(self.program("-c", str(self.config), "-vv", "server"), env=self.environ())
        self._process.wait_ready(self._answers, 60)

    def _answers(self) -> bool:
        try:
            return self._http.get("/api/v1/serverstatus").status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            return False

    def stop(self) -> None:
        """End the server with all its agents; the database stays."""
        self._process.stop(30)

    def restart(self) -> None:
        """Bring it back on the same port and data."""
        self.stop()
        self._up()

    def close(self) -> None:
        """End everything for good."""
        self._process.stop(30)
        self._http.close()
        self.database.close()

    def call(self, method: str, path: str, document: object = None, environment: str = "") -> Any:
        """Ask it something and return the answer's JSON, None of an empty one."""
        headers = {"X-Inmanta-tid": environment} if environment else {}
        answer = self._http.request(method, path, json=document, headers=headers)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def environment(self, name: str, items: Iterable[LabItem]) -> LabEnvironment:
        """Make an environment with a repository of its own."""
        project = self.call("PUT", "/api/v2/project", {"name": f"project-{name}"})["data"]["id"]
        made = make_project(self.folder / name, "", items)
        fields = {"project_id": project, "name": name, "repository": str(made.bare), "branch": BRANCH}
        identity = self.call("PUT", "/api/v2/environment", fields)["data"]["id"]
        environment = replace(made, known_to=self, id=identity)
        environment.set("autostart_agent_map", dict.fromkeys(AGENTS, "local:"))
        return environment


@dataclass(frozen=True)
class LabEnvironment:
    """One environment: its repository, what its devices hold, and calls of its own. ``known_to``: its server."""

    known_to: Orchestrator | None
    id: str
    folder: Path
    bare: Path
    work: Path

    @property
    def server(self) -> Orchestrator:
        assert self.known_to is not None
        return self.known_to

    @property
    def devices(self) -> Path:
        return self.folder / "devices"

    def begin(self, items: Iterable[LabItem]) -> None:
        """Put the first model into the repository."""
        self.devices.mkdir()
        lab = self.work / "libs/lab"
        for folder in ("model", "plugins"):
            (lab / folder).mkdir(parents=True)
        (self.work / "project.yml").write_text(_PROJECT)
        (lab / "module.yml").write_text(_MODULE)
        (lab / "model/_init.cf").write_text(_MODEL)
        (lab / "plugins/__init__.py").write_text(_PLUGIN)
        _git(self.work, "remote", "add", "origin", str(self.bare))
        self.commit(items, "the first model")

    def commit(self, items: Iterable[LabItem], message: str, *, more: str = "") -> None:
        """Put another model on the branch; ``more`` is added as it stands."""
        lines = ["import lab", "import std"]
        for item in items:
            told = {**asdict(item), "path": str(self.devices / f"{item.name}.json")}
            after = told.pop("after")
            told["broken"] = "true" if item.broken else "false"
            words = [
                f"{key}={value if key in {'delay', 'broken'} else json.dumps(value)}" for key, value in told.items()
            ]
            words += [f"requires=[{after}]"] if after else []
            lines.append(f"{item.name} = lab::Item({', '.join(words)})")
        (self.work / "main.cf").write_text("\n".join([*lines, more, ""]))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", BRANCH)

    def git(self, *words: str) -> str:
        """Run git in the checkout and return what it said."""
        return _git(self.work, *words)

    def call(self, method: str, path: str, document: object = None) -> Any:
        """Ask the server something about this environment."""
        return self.server.call(method, path, document, self.id)

    def set(self, name: str, value: object) -> None:
        """Set one of its settings."""
        self.call("POST", f"/api/v2/environment_settings/{name}", {"value": value})

    def settings(self) -> Mapping[str, Any]:
        """Return its settings as far as they are set."""
        found: Mapping[str, Any] = self.call("GET", "/api/v2/environment_settings")["data"]["settings"]
        return found

    def value_of(self, name: str) -> str | None:
        """Return what a device holds, None where it was never deployed."""
        path = self.devices / f"{name}.json"
        return json.loads(path.read_text())["value"] if path.exists() else None

    def versions(self) -> dict[int, str]:
        """Return the status of each version."""
        return {each["version"]: each["status"] for each in self.call("GET", "/api/v2/desiredstate")["data"]}

    def compile(self, *, update: bool = True) -> int:
        """Have the model compiled and return its version."""
        before = set(self.versions())
        self.call("POST", f"/api/v1/notify/{self.id}", {"update": update})
        wait_until(lambda: set(self.versions()) - before, 60, "a new version")
        return max(set(self.versions()) - before)

    def deployed(self, version: int) -> None:
        """Deploy a version and wait for its end."""
        if self.versions()[version] == "candidate":
            self.call("POST", f"/api/v2/desiredstate/{version}/promote")
        wait_until(lambda: self.result(version) == "success", 60, f"version {version} is deployed")

    def result(self, version: int) -> str:
        """Return how the deploy of a version stands."""
        return str(self.call("GET", f"/api/v1/version/{version}")["model"]["result"])


def make_project(folder: Path, identity: str, items: Iterable[LabItem]) -> LabEnvironment:
    """Make a repository with a first model, and a checkout of it; no server knows it yet."""
    folder.mkdir(exist_ok=True)
    bare, work = folder / "model.git", folder / "work"
    _git(folder, "init", "-q", "--bare", "-b", BRANCH, str(bare))
    _git(folder, "init", "-q", "-b", BRANCH, str(work))
    for name, value in (("user.name", "tests"), ("user.email", "tests@example.org"), ("commit.gpgsign", "false")):
        _git(work, "config", name, value)
    made = LabEnvironment(None, identity, folder, bare, work)
    made.begin(items)
    return made


def changed(items: Iterable[LabItem], name: str, **fields: Any) -> list[LabItem]:
    """Return the same items with one of them changed."""
    return [replace(item, **fields) if item.name == name else item for item in items]


def _git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        [shutil.which("git") or "git", *who, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout
