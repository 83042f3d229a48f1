"""The shape of a site file. What its parts have to do with each other is checked in ``checks.py``.

A model costs milliseconds to build, and a start builds it anew: each is built when first used, and none reads its own
text for the descriptions that editors show (``schema.py`` does).
"""

from __future__ import annotations

import re
import zoneinfo
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    WithJsonSchema,
)

from deploydash.core.fleet.override import bad_override
from deploydash.core.model import NEVER_EXPECTED, CscId, Target
from deploydash.systems.address import bootstrap_hosts, host_name, url_host

TARGETS = ("OFFLINE", "OFFLINE/AVAILABLE", "OFFLINE/PUBLISH_ONLY", "STANDBY", "DISABLED", "ENABLED")
"""What may be wanted of a CSC. FAULT may not: nobody commands it."""

MAX_INDEX = 2**31 - 1
"""``salIndex`` is a signed integer of 32 bits (ts_xml)."""

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


def _override(text: str) -> str:
    if wrong := bad_override(text):
        raise ValueError(f"{text!r} cannot be sent", wrong)
    return text


def _site_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError(f"{text!r} is not a site's name", "use small letters, digits and - as in tucson-teststand")
    return text


def iana_zone(text: str) -> str:
    """Return the name of a time zone unchanged.

    Raises:
        ValueError: there is none; its arguments are a sentence and a hint.
    """
    try:
        zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        near = get_close_matches(text, zoneinfo.available_timezones(), 1)
        hint = f"did you mean {near[0]}?" if near else "use an IANA name such as America/Santiago"
        raise ValueError(f"{text!r} is not a time zone", hint) from None
    return text


def _bootstrap(text: str) -> str:
    bootstrap_hosts(text)
    return text


def _url(text: str) -> str:
    url_host(text)
    return text.rstrip("/")


def sal_subname(text: str) -> str:
    """Return the second part of SAL's topic names unchanged.

    Raises:
        ValueError: Kafka allows no such name; its arguments are a sentence and a hint.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(f"{text!r} is not a topic subname", "use letters, digits, - and _ as in sal")
    return text


def _csc(value: Any) -> CscId:
    if not isinstance(value, str):
        raise ValueError(f'must be a CSC such as Watcher or "ESS:104", not {value!r}')  # noqa: TRY004 pydantic's way
    csc = CscId.parse(value)
    if csc.name in NEVER_EXPECTED:
        raise ValueError(f"{csc.name} has no summary state and comes and goes", "leave it away")
    if csc.index > MAX_INDEX:
        raise ValueError(f"{csc.name} has an index beyond {MAX_INDEX}", "salIndex has 32 bits")
    return csc


def _target(value: Any) -> Target:
    if value not in TARGETS:
        near = get_close_matches(str(value).upper(), TARGETS, 1)
        hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(TARGETS)}"
        raise ValueError(f"{value!r} is not a target", hint)
    return Target.parse(value)


def _published(value: str) -> str:
    CscId.parse(value.removesuffix(":*") if value.endswith(":*") else value)
    return value


_CSC_PATTERN = r"^[A-Za-z][A-Za-z0-9]*(:[0-9]+)?$"
_TARGET_SCHEMA: dict[str, Any] = {"type": "string", "enum": list(TARGETS)}

Text = Annotated[str, Field(min_length=1)]
Csc = Annotated[CscId, PlainValidator(_csc), WithJsonSchema({"type": "string", "pattern": _CSC_PATTERN})]
Wanted = Annotated[Target, PlainValidator(_target), WithJsonSchema(_TARGET_SCHEMA)]
Url = Annotated[Text, AfterValidator(_url), Field(json_schema_extra={"format": "uri", "pattern": "^https?://"})]
Override = Annotated[str, AfterValidator(_override)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A mapping of a file of sites: no other keys, nothing converted, built when first used."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class KafkaSection(Section):
    """How the site's Kafka is reached. User and password come from the environment only."""

    bootstrap: Annotated[Text, AfterValidator(_bootstrap)]
    """host:port, or several with commas between."""
    hosts: Annotated[tuple[Annotated[Text, AfterValidator(host_name)], ...], Strict(strict=False)] = ()
    """Names that bootstrap and brokers of this site go by, without ports; any other address is marked as foreign."""
    security_protocol: SecurityProtocol | None = None
    """Left out: SASL_PLAINTEXT where the environment holds user and password, else PLAINTEXT, as salobj has it."""
    mechanism: Mechanism | None = None
    """Left out: SCRAM-SHA-512, as salobj has it."""
    topic_subname: Annotated[Text, AfterValidator(sal_subname)] = "sal"
    """The second part of every topic name."""
    ca_file: Text | None = None
    """PEM file of the authorities to trust, relative to the site file. Left out: the system's."""


class RegistrySection(Section):
    """Where the schema registry is."""

    url: Url


class EfdSection(Section):
    """Where the EFD's InfluxDB is. User and password come from the environment only."""

    url: Url
    database: Text = "efd"
    alias: str = ""
    """The EFD's name at the credential service."""
    credential_service: Url | None = None
    """Asked for address, user and password where the environment holds no EFD_USERNAME, as the EFD's client does."""


class LimitsSection(Section):
    """Seconds without a heartbeat, on our monotonic clock; what is left out is inherited."""

    late: Seconds | None = None
    silent: Seconds | None = None


class DemoSection(Section):
    """What the demo observatory says of itself in the site file it writes."""

    speed: Seconds = 1.0
    """How many times faster than life the world's delays pass."""
    scenario: Text = "calm"
    seed: int = 0


class StartUp(Section):
    """The start-up target of a CSC that was kept running, and of one that was stopped."""

    kept: Wanted
    stopped: Wanted


def _one_for_both(value: Any) -> Any:
    return value if isinstance(value, dict | StartUp) else {"kept": value, "stopped": value}


_START_UP_SCHEMA: dict[str, Any] = {
    "anyOf": [
        _TARGET_SCHEMA,
        {
            "type": "object",
            "properties": {"kept": _TARGET_SCHEMA, "stopped": _TARGET_SCHEMA},
            "required": ["kept", "stopped"],
            "additionalProperties": False,
        },
    ],
    "default": "STANDBY",
}
StartUpTarget = Annotated[StartUp, BeforeValidator(_one_for_both), WithJsonSchema(_START_UP_SCHEMA)]


def _standby() -> StartUp:
    return StartUp.model_validate({"kept": "STANDBY", "stopped": "STANDBY"})


class CscEntry(Section):
    """One line of the roster."""

    csc: Csc
    """Name, or Name:index in quotes."""
    group: Text
    """One of the site's groups."""
    startup: Annotated[StartUpTarget, Field(default_factory=_standby)]
    """What it comes up in. A protected CSC may have two: kept running, and stopped."""
    end: Wanted | None = None
    """What it is in when the work is over. Left out: as startup."""
    shutdown: Wanted | None = None
    """What a shutdown brings it to. Left out: OFFLINE; only a protected CSC may stay up."""
    protected: bool = False
    """Kept as shutdown says while all others go OFFLINE."""
    camera: bool = False
    """Beats while OFFLINE and has sub-states."""
    override: Override = ""
    """The configuration override that start gets in a step of a runbook. Left out: the CSC's own for the site."""
    limits: Annotated[LimitsSection, Field(default_factory=LimitsSection)]


WITH_CSCS = ("kafka", "schema_registry", "groups", "cscs")
"""What a site with CSCs has all of, and one without none of."""


class SiteFile(Section):
    """What is true at a site."""

    model_config = ConfigDict(title="deploydash site file")

    site: Annotated[Text, AfterValidator(_site_name)]
    """Its name; the file is called the same."""
    rehearsal: bool = False
    """Reaches this machine only and reads no LSST_* or EFD_* variable."""
    time_zone: Annotated[Text, AfterValidator(iana_zone)] = "UTC"
    """IANA name of the zone that its people live in."""
    cluster: str = ""
    """Its Kubernetes cluster."""
    kafka: KafkaSection | None
    """Left out, with the registry and the roster, by a site that has no CSCs, such as an orchestrator's."""
    schema_registry: RegistrySection | None
    efd: EfdSection | None = None
    limits: Annotated[LimitsSection, Field(default_factory=LimitsSection)]
    """For every CSC that has none of its own. Left out: late 5, silent 10."""
    groups: Annotated[tuple[Text, ...], Strict(strict=False), Field(min_length=1)] | None
    """Display groups in order."""
    published_end: Annotated[tuple[Annotated[Text, AfterValidator(_published)], ...], Strict(strict=False)] = ()
    """What the upgrade procedure lists as ENABLED at the end; differences from the roster are warnings."""
    cscs: Annotated[tuple[CscEntry, ...], Strict(strict=False), Field(min_length=1)] | None
    """The roster: every CSC that the site expects."""
    systems: Any = None
    """What runbooks touch beside Kafka."""
    demo: DemoSection | None = None
