"""A real Confluent-compatible schema registry on loopback: Apicurio Registry in memory."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import httpx2

from tests.servers.cache import install_once, run_tool, tool
from tests.servers.process import ChildProcess, free_port
from tests.servers.waiting import patient

APICURIO = "2.6.13.Final"


def registry_install() -> Path:
    """Return the registry's runner jar, fetching it on first use.

    Raises:
        UnavailableError: java or Maven is missing, or the archive cannot be had.
    """

    def unpack(folder: Path) -> None:
        artifact = f"io.apicurio:apicurio-registry-app:{APICURIO}:tar.gz:all"
        command = [tool("mvn"), "-q", "-B", f"-Dartifact={artifact}", "-DoutputDirectory=app", "dependency:unpack"]
        run_tool(command, folder, attempts=2)
        shutil.rmtree(folder / "${project.basedir}", ignore_errors=True)  # markers of a build without a project

    tool("java")
    return install_once("apicurio", unpack) / "app" / f"apicurio-registry-app-{APICURIO}-runner.jar"


class SchemaRegistry:
    """Its schemas live in memory: after ``restart()`` it is empty and gives ids anew."""

    def __init__(self, jar: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._jar = jar
        self._port = free_port()
        self._process = ChildProcess("schema registry", folder / "registry.log")
        self._client = httpx2.Client(timeout=patient(20))
        self._ids: dict[tuple[str, str], int] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/apis/ccompat/v7"

    def start(self) -> None:
        """Start it; return when it answers."""
        self._ids.clear()
        self._process.start(
            [
                tool("java"),
                "-Xmx400m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dquarkus.http.host=127.0.0.1",
                f"-Dquarkus.http.port={self._port}",
                "-Dregistry.ccompat.use-canonical-hash=true",
                "-jar",
                str(self._jar),
            ]
        )
        self._process.wait_ready(self._answers, 90)

    def _answers(self) -> bool:
        try:
            return self._client.get(f"{self.url}/subjects").status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            return False

    def set_compatibility(self, level: str) -> None:
        """Set the global level; unset means NONE, as the sites have it (phalanx, sasquatch schema-registry)."""
        self._client.put(f"{self.url}/config", json={"compatibility": level}).raise_for_status()

    def register(self, subject: str, text: str) -> int:
        """Register a schema under a subject and return its id; the same text is asked for once only."""
        known = self._ids.get((subject, text))
        if known is not None:
            return known
        answer = self._client.post(f"{self.url}/subjects/{subject}/versions", json={"schema": text}).raise_for_status()
        found = int(answer.json()["id"])
        self._ids[subject, text] = found
        return found

    def subjects(self) -> set[str]:
        """Return every subject."""
        return set(self._client.get(f"{self.url}/subjects").raise_for_status().json())

    def stop(self) -> None:
        """End it; connections to it are then refused."""
        self._process.stop()

    def restart(self) -> None:
        """Bring it back, empty, on the same port."""
        self._process.kill()
        self.start()

    def freeze(self) -> None:
        """Let it accept connections and answer nothing (SIGSTOP)."""
        self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo ``freeze()``."""
        self._process.send(signal.SIGCONT)

    def close(self) -> None:
        """End it for good."""
        self._client.close()
        self._process.kill()
