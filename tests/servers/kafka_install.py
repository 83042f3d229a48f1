"""Apache Kafka's jars in the cache, and the java commands that run them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.servers.cache import install_once, locked, run_tool, tool
from tests.servers.process import ChildProcess, free_port, listens

KAFKA_VERSIONS = ("3.9.1", "4.1.0")
"""What the sites run: Summit and Base 3.9.1, Tucson 4.1.0 (phalanx, applications/sasquatch)."""

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""


@dataclass(frozen=True, slots=True)
class KafkaInstall:
    """The jars of one version and, once made, the archive of loaded classes that halves a start."""

    version: str
    home: Path

    @property
    def archive(self) -> Path:
        return self.home / "classes.jsa"

    def java(self, main: str, *arguments: str, heap_mb: int = 384, options: tuple[str, ...] = ()) -> list[str]:
        """Return the command that runs one of Kafka's main classes, logging warnings to stderr."""
        jars = ":".join(str(jar) for jar in sorted((self.home / "libs").glob("*.jar")))
        sharing = (f"-XX:SharedArchiveFile={self.archive}",) if self.archive.exists() else ()
        return [
            tool("java"),
            "-Xms64m",
            f"-Xmx{heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            *sharing,
            *options,
            "-cp",
            jars,
            main,
            *arguments,
        ]


def _copy_jars(version: str, folder: Path) -> None:
    tool("java")
    (folder / "pom.xml").write_text(_POM.format(version=version))
    command = [
        tool("mvn"),
        "-q",
        "-B",
        "-DincludeScope=runtime",
        "-DoutputDirectory=libs",
        "dependency:copy-dependencies",
    ]
    run_tool(command, folder, attempts=2)


def _record_classes(install: KafkaInstall) -> None:
    """Run the broker once so that the JVM writes down the classes it loads (CDS), then move the archive in place."""
    scratch = install.home / f"recording.{os.getpid()}"
    scratch.mkdir()
    port, controller = free_port(), free_port()
    config = scratch / "server.properties"
    config.write_text(
        "process.roles=broker,controller\nnode.id=1\n"
        f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
        f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n"
        "controller.listener.names=CONTROLLER\n"
        f"log.dirs={scratch / 'data'}\n"
    )
    archive = scratch / "classes.jsa"
    storage = install.java("kafka.tools.StorageTool", "format", "-t", "dGVzdGNsdXN0ZXJpZDAwMQ", "-c", str(config))
    run_tool(storage, scratch)
    broker = ChildProcess(f"Kafka {install.version}", scratch / "broker.log")
    broker.start(install.java("kafka.Kafka", str(config), options=(f"-XX:ArchiveClassesAtExit={archive}",)))
    try:
        broker.wait_ready(lambda: listens(port), 60)
    finally:
        broker.stop(60)
    if archive.exists():
        archive.rename(install.archive)
    shutil.rmtree(scratch)


def kafka_install(version: str) -> KafkaInstall:
    """Return a Kafka that can be started, fetching it on first use.

    Raises:
        UnavailableError: java or Maven is missing, or the jars cannot be had.
    """
    tool("java")
    name = f"kafka-{version}"
    install = KafkaInstall(version, install_once(name, lambda folder: _copy_jars(version, folder)))
    if not install.archive.exists():
        with locked(f"{name}-archive"):
            if not install.archive.exists():
                _record_classes(install)
    return install
