"""A Kafka and a schema registry that somebody else runs on this machine, in place of the demo observatory's own.

For tests on real servers. The world writes events of CSCs and would be a catastrophe at a site, so that every address
is a literal loopback one, every broker that the cluster names is, too (a forwarded port leads elsewhere), and topics of
the subname that exist already are nobody's to write to.
"""

from __future__ import annotations

import ipaddress
import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import confluent_kafka.admin

from deploydash.demo.bus import QUIET
from deploydash.demo.fake import Faults, Kind, Section
from deploydash.demo.fakes import broker, registry
from deploydash.demo.wire import TopicSchema, learn_id
from deploydash.demo.world import World

_api: Any = confluent_kafka.admin  # its types are incomplete
_LIMIT_S = 30.0


def instead(kinds: Iterable[Kind], kafka: str, schema_registry: str) -> tuple[Kind, ...]:
    """The same fakes, but for those of which somebody else runs the real thing at these addresses; empty for none."""
    ours = {kind.name: kind for kind in kinds}
    if kafka:
        ours["broker"] = replace(
            ours["broker"],
            make=lambda world: broker.Broker(world, OutsideCluster(kafka, world.codec.prefix)),
        )
    if schema_registry:
        ours["registry"] = replace(ours["registry"], make=lambda world: OutsideRegistry(world, schema_registry))
    return tuple(ours.values())


def _left_out(system: str, fault: str) -> None:
    sys.stderr.write(f"demo: the {system} is not ours: its fault {fault} is left out\n")


class OutsideError(Exception):
    """These servers are none for a demo observatory; the text says why."""


def _refuse_elsewhere(host: str | None, what: str) -> None:
    try:
        here = ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        here = False
    if not here:
        raise OutsideError(f"{what} is not on this machine: the demo observatory writes to loopback addresses only")


class OutsideCluster:
    """A Kafka on loopback that has no topic of ``prefix`` yet.

    Raises:
        OutsideError: an address leads elsewhere, nobody answers, or there are such topics.
    """

    def __init__(self, bootstrap: str, prefix: str) -> None:
        for address in bootstrap.split(","):
            _refuse_elsewhere(address.rpartition(":")[0].strip("[]"), address)
        self.bootstrap = bootstrap
        self._admin = _api.AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}, logger=QUIET)
        try:
            found = self._admin.list_topics(timeout=_LIMIT_S)
        except confluent_kafka.KafkaException as error:
            raise OutsideError(f"{bootstrap} does not answer: {error}") from error
        for each in found.brokers.values():
            _refuse_elsewhere(each.host, f"{each.host}:{each.port}, a broker of {bootstrap},")
        self._copies = min(3, len(found.brokers))
        taken = sorted(name for name in found.topics if name.startswith(prefix))
        if taken:
            raise OutsideError(f"{bootstrap} has topics of {prefix}* already, such as {taken[0]}: they are not ours")

    def create_topics(self, topics: Iterable[str]) -> None:
        """Make topics as at a site: one partition, on three brokers if there are, events compacted.

        Raises:
            OutsideError: one of them is refused.
        """
        wanted = [
            _api.NewTopic(
                name,
                num_partitions=1,
                replication_factor=self._copies,
                config={"cleanup.policy": "compact"} if ".logevent_" in name else {},
            )
            for name in topics
        ]
        for name, made in self._admin.create_topics(wanted, operation_timeout=_LIMIT_S).items() if wanted else ():
            try:
                made.result(2 * _LIMIT_S)
            except confluent_kafka.KafkaException as error:
                raise OutsideError(f"{name} was refused: {error}") from error

    def set_up(self, up: bool) -> None:
        """Say that a broker of somebody else is not ours to stop or start."""
        del up
        _left_out("broker", "down")

    def set_delay(self, seconds: float) -> None:
        """Say that a broker of somebody else is not ours to slow down."""
        del seconds
        _left_out("broker", "stalled")

    def close(self) -> None:
        """Leave it as it is."""


class OutsideRegistry:
    """A Confluent-compatible schema registry on loopback, of which only what we register is counted.

    Raises:
        OutsideError: its address leads elsewhere.
    """

    def __init__(self, world: World, url: str) -> None:
        _refuse_elsewhere(urlsplit(url).hostname, url)
        self._url = url.rstrip("/")
        self.faults = Faults(registry.FAULTS, lambda fault: _left_out("registry", fault))
        self.asked: Counter[str] = Counter()
        world.on_topics.append(self._register)

    async def start(self) -> Section:
        """The section ``schema_registry``."""
        return {"schema_registry": {"url": self._url}}

    async def stop(self) -> None:
        """Leave it as it is."""

    def _register(self, topics: Mapping[str, TopicSchema]) -> None:
        """Register the schemas of topics; the ids that it gives go into what is written from now on."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each: self._add(f"{each[0]}-value", each[1].text), topics.items()))
        self.asked["register"] += len(topics)

    def _add(self, subject: str, text: str) -> None:
        request = urllib.request.Request(
            f"{self._url}/subjects/{subject}/versions",
            data=json.dumps({"schema": text}).encode(),
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:
                learn_id(text, int(json.load(answer)["id"]))
        except (OSError, ValueError, KeyError) as error:
            raise OutsideError(f"{self._url} did not register {subject}: {error}") from error
