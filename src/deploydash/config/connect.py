"""Site file and environment to the settings of the feeds: salobj's variables win, visibly; a rehearsal ignores them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, get_args

from deploydash.config.load import Site
from deploydash.config.secrets import CLIENT_FILE, client_file, control_characters, environment_problem, secret, trimmed
from deploydash.config.site import KafkaSection, Mechanism, SecurityProtocol, sal_subname
from deploydash.errors import ConfigurationError, Problem
from deploydash.stored import open_file
from deploydash.systems.address import bootstrap_hosts, same_host, url_host
from deploydash.systems.settings import (
    NO_KAFKA,
    NO_REGISTRY,
    Connections,
    EfdSettings,
    KafkaSettings,
    RegistrySettings,
)

T = TypeVar("T")

SITE_FILE = "site file"
BROKER = "LSST_KAFKA_BROKER_ADDR"
REGISTRY = "LSST_SCHEMA_REGISTRY_URL"
SUBNAME = "LSST_TOPIC_SUBNAME"
USERNAME = "LSST_KAFKA_SECURITY_USERNAME"
PASSWORD = "LSST_KAFKA_SECURITY_PASSWORD"  # noqa: S105 the name of a variable
PROTOCOL = "LSST_KAFKA_SECURITY_PROTOCOL"
MECHANISM = "LSST_KAFKA_SECURITY_MECHANISM"
EFD_USERNAME = "EFD_USERNAME"
EFD_PASSWORD = "EFD_PASSWORD"  # noqa: S105 the name of a variable

_READ = (
    *(BROKER, REGISTRY, SUBNAME, USERNAME, PASSWORD, f"{PASSWORD}_FILE", PROTOCOL, MECHANISM, CLIENT_FILE),
    *(EFD_USERNAME, EFD_PASSWORD, f"{EFD_PASSWORD}_FILE"),
)
"""Every variable that is read here."""


def connections(site: Site, environ: Mapping[str, str]) -> Connections:
    """Return how to reach every system of a site.

    A rehearsal sees no variable at all (CLI.md). An empty variable counts as unset. Blanks and line ends around a value
    do not count, as files and shells leave them; inside of it a control character is refused.

    Raises:
        ConfigurationError: the environment holds what cannot be used, or lacks the credentials the site asks for.
    """
    ours = {} if site.rehearsal else trimmed(environ, _READ)
    if steering := control_characters(ours):
        raise ConfigurationError(tuple(steering))
    chosen = _Chosen(site, ours)
    settings = Connections(chosen.kafka(), chosen.registry(), chosen.efd())
    if chosen.problems:
        raise ConfigurationError(tuple(chosen.problems))
    return settings


class _Chosen:
    """Chooses between the site file and one environment, and collects what is wrong with the latter."""

    def __init__(self, site: Site, environ: Mapping[str, str]) -> None:
        self._site = site
        self._environ = environ
        self.problems: list[Problem] = []
        self._client: dict[str, str] = {}
        try:
            self._client = client_file(environ)
        except ConfigurationError as error:
            self.problems += error.problems

    def kafka(self) -> KafkaSettings:
        """Return the settings of Kafka."""
        section = self._site.kafka
        if section is None:
            return NO_KAFKA
        bootstrap, source = self._first(("bootstrap.servers", BROKER), section.bootstrap)
        hosts = self._checked(source, bootstrap, bootstrap_hosts)
        own = (*section.hosts, *bootstrap_hosts(section.bootstrap))
        username, _ = self._first(("sasl.username", USERNAME), "")
        password = self._client.get("sasl.password") or self._secret(PASSWORD)
        protocol = self._protocol(section, signed=bool(username and password))
        mechanism, from_where = self._first(("sasl.mechanisms", "sasl.mechanism", MECHANISM), section.mechanism or "")
        if mechanism and mechanism not in get_args(Mechanism):
            self._refuse(from_where, f"{mechanism!r} is not supported", get_args(Mechanism))
        subname, from_where = self._first((SUBNAME,), section.topic_subname)
        self._checked(from_where, subname, sal_subname)
        sasl = protocol.startswith("SASL")
        if sasl and not (username and password):
            self._ask_for_credentials(protocol, username)
        return KafkaSettings(
            bootstrap=bootstrap,
            security_protocol=protocol,
            mechanism=mechanism or "SCRAM-SHA-512",
            topic_subname=subname,
            source=source,
            foreign=not all(any(same_host(host, ours) for ours in own) for host in hosts or ()),
            username=username if sasl else "",
            password=password if sasl else "",
            ca_file=self._ca_file(section),
            rehearsal=self._site.rehearsal,
        )

    def registry(self) -> RegistrySettings:
        """Return the settings of the schema registry."""
        if self._site.schema_registry is None:
            return NO_REGISTRY
        ours = self._site.schema_registry.url
        url, source = self._first((REGISTRY,), ours)
        host = self._checked(source, url, url_host)
        return RegistrySettings(url.rstrip("/"), source, foreign=not same_host(host or "", url_host(ours)))

    def efd(self) -> EfdSettings:
        """Return the settings of the EFD; no variable moves its address, and a rehearsal asks no credential service."""
        section = self._site.efd
        if section is None:
            return EfdSettings("", "", SITE_FILE)
        username = self._environ.get(EFD_USERNAME, "")
        password = self._secret(EFD_PASSWORD)
        service = "" if self._site.rehearsal else section.credential_service or ""
        return EfdSettings(
            url=section.url,
            database=section.database,
            source=SITE_FILE,
            username=username,
            password=password if username else "",
            alias=section.alias if service else "",
            credential_service=service,
        )

    def _first(self, names: tuple[str, ...], otherwise: str) -> tuple[str, str]:
        """Return the first value given, from the client file or a variable, and where it was; else the site file's."""
        for name in names:
            if value := self._client.get(name):
                return value, CLIENT_FILE
            if value := self._environ.get(name, ""):
                return value, name
        return otherwise, SITE_FILE

    def _protocol(self, section: KafkaSection, *, signed: bool) -> str:
        """Return the security protocol; without a word about it salobj's: SASL_PLAINTEXT with both credentials."""
        default = section.security_protocol or ("SASL_PLAINTEXT" if signed else "PLAINTEXT")
        protocol, source = self._first(("security.protocol", PROTOCOL), default)
        protocol = protocol.upper()
        if protocol not in get_args(SecurityProtocol):
            self._refuse(source, f"{protocol!r} is not a security protocol", get_args(SecurityProtocol))
        return protocol

    def _ca_file(self, section: KafkaSection) -> Path | None:
        """Return the file of the authorities to trust, from the site file relative to it; None for the system's."""
        named = self._client.get("ssl.ca.location")
        if named:
            path, file, key = Path(named).expanduser(), CLIENT_FILE, "ssl.ca.location"
        elif section.ca_file:
            path = self._site.path.parent / Path(section.ca_file).expanduser()
            file, key = str(self._site.path), "kafka.ca_file"
        else:
            return None
        try:
            open_file(path).close()
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
            self.problems.append(Problem(file, 0, key, reason, "name a PEM file of certificate authorities"))
        return path

    def _secret(self, variable: str) -> str:
        try:
            return secret(self._environ, variable)
        except ConfigurationError as error:
            self.problems += error.problems
            return ""

    def _ask_for_credentials(self, protocol: str, username: str) -> None:
        lacking = PASSWORD if username else USERNAME
        message = f"not set, but Kafka at {self._site.roster.site} is reached with {protocol}"
        hint = f"export {USERNAME} and {PASSWORD} (or {PASSWORD}_FILE)"
        self.problems.append(environment_problem(lacking, message, hint))

    def _refuse(self, where: str, message: str, known: tuple[str, ...]) -> None:
        self.problems.append(environment_problem(where, message, f"use {', '.join(known)}"))

    def _checked(self, where: str, text: str, check: Callable[[str], T]) -> T | None:
        """Return what a check makes of a text; None after a problem."""
        try:
            return check(text)
        except ValueError as error:
            self.problems.append(environment_problem(where, *error.args))
            return None
