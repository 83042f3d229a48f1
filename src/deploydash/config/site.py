"""The shape of a site file. What its parts have to do with each other is checked in ``checks.py``."""

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

from deploydash.config.address import bootstrap_hosts, host_name, url_host
from deploydash.core.model import NEVER_EXPECTED, CscId, Target

TARGETS = ("OFFLINE", "OFFLINE/AVAILABLE", "OFFLINE/PUBLISH_ONLY", "STANDBY", "DISABLED", "ENABLED")
"""What may be wanted of a CSC. FAULT may not: nobody commands it."""

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


def _site_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError(f"{text!r} is not a site's name", "use small letters, digits and - as in tucson-teststand")
    return text


def _time_zone(text: str) -> str:
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
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class KafkaSection(_Section):
    """How the site's Kafka is reached. ``hosts`` are the names its brokers go by, without ports."""

    bootstrap: Annotated[Text, AfterValidator(_bootstrap)]
    hosts: Annotated[tuple[Annotated[Text, AfterValidator(host_name)], ...], Strict(strict=False)] = ()
    security_protocol: SecurityProtocol | None = None
    mechanism: Mechanism | None = None
    topic_subname: Annotated[Text, AfterValidator(sal_subname)] = "sal"
    ca_file: Text | None = None


class RegistrySection(_Section):
    """Where the schema registry is."""

    url: Url


class EfdSection(_Section):
    """Where the EFD's InfluxDB is; ``alias`` is its name at the credential service."""

    url: Url
    database: Text = "efd"
    alias: str = ""


class LimitsSection(_Section):
    """Seconds without a heartbeat, on our monotonic clock; what is left out is inherited."""

    late: Seconds | None = None
    silent: Seconds | None = None


class DemoSection(_Section):
    """What the demo observatory says of itself in the site file it writes."""

    speed: Seconds = 1.0
    scenario: Text = "calm"
    seed: int = 0


class StartUp(_Section):
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


class CscEntry(_Section):
    """One line of the roster. ``end`` left out is ``startup``; ``shutdown`` left out is OFFLINE."""

    csc: Csc
    group: Text
    startup: StartUpTarget = StartUp.model_validate({"kept": "STANDBY", "stopped": "STANDBY"})
    end: Wanted | None = None
    shutdown: Wanted | None = None
    protected: bool = False
    camera: bool = False
    limits: LimitsSection = LimitsSection()


class SiteFile(_Section):
    """A whole site file."""

    model_config = ConfigDict(title="deploydash site file")

    site: Annotated[Text, AfterValidator(_site_name)]
    rehearsal: bool = False
    time_zone: Annotated[Text, AfterValidator(_time_zone)] = "UTC"
    cluster: str = ""
    kafka: KafkaSection
    schema_registry: RegistrySection
    efd: EfdSection | None = None
    limits: LimitsSection = LimitsSection()
    groups: Annotated[tuple[Text, ...], Strict(strict=False), Field(min_length=1)]
    published_end: Annotated[tuple[Annotated[Text, AfterValidator(_published)], ...], Strict(strict=False)] = ()
    cscs: Annotated[tuple[CscEntry, ...], Strict(strict=False), Field(min_length=1)]
    demo: DemoSection | None = None
