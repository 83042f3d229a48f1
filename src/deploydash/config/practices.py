"""``sites/practices.yaml`` to practices: how a service is blessed, announced and when it may be deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationError, WithJsonSchema

from deploydash.config.find import PRACTICES
from deploydash.config.load import read_text
from deploydash.config.shape import empty_values, shape_problems
from deploydash.config.site import Section, iana_zone
from deploydash.config.yaml_lines import Document, key_text, read_yaml
from deploydash.errors import ConfigurationError, Problem
from deploydash.systems.practices.windows import WEEKDAYS, Rule
from deploydash.systems.section import Text, Texts

Environment = Literal["Bleed", "Dev", "Int", "Prod"]
AUTOMATIC = ("Bleed", "Dev")
"""Where an application may sync by itself."""

_UNITS = {"m": 60, "h": 3600, "d": 86400}


def _span(value: Any) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,4})(m|h|d)", value) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"{value!r} is not a time", "write for example 30m, 24h or 2d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def _notice(value: Any) -> timedelta | None:
    """Return how long before it is posted; None for no notice at all."""
    if value == "none":
        return None
    return timedelta(0) if value == "posted" else _span(value)


def _day(value: Any) -> tuple[int, bool]:
    first, _, name = str(value).rpartition(" ")
    if name not in WEEKDAYS or first not in {"", "first"}:
        raise ValueError(f"{value!r} is not a day", "write Thursday, or first Wednesday")
    return WEEKDAYS.index(name), first == "first"


def _hour(value: Any) -> time:
    try:
        return time.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a time of the day", 'write for example "14:00"') from None


def _zone(value: Any) -> str:
    return iana_zone(str(value))


_STRING = {"type": "string"}
Span = Annotated[timedelta, PlainValidator(_span), WithJsonSchema({**_STRING, "pattern": "^[0-9]+[mhd]$"})]
Notice = Annotated[timedelta | None, PlainValidator(_notice), WithJsonSchema(_STRING)]
Day = Annotated[tuple[int, bool], PlainValidator(_day), WithJsonSchema(_STRING)]
Hour = Annotated[time, PlainValidator(_hour), WithJsonSchema(_STRING)]
Zone = Annotated[str, PlainValidator(_zone), WithJsonSchema(_STRING)]


class WindowEntry(Section):
    """A maintenance window. ``said``: as its source has it."""

    said: Text
    day: Day
    about: Hour
    zone: Zone
    tolerance: Span
    lasts: Span
    confirmed_by: str = ""

    @property
    def rule(self) -> Rule:
        """When it is."""
        weekday, first = self.day
        return Rule(weekday, first, self.about, self.zone, self.tolerance, self.lasts)


class Practice(Section):
    """How a service is deployed in one environment.

    ``blessing``: who has to okay it. ``notice``: how long before it has to be posted, 0 for any time before, None for
    none. ``window``: the name of its maintenance window. ``if_disrupting``: all of this only where a disruption is
    expected. ``automatic``: an application may sync by itself.
    """

    said: Text
    blessing: str = ""
    channels: Texts = ()
    notice: Notice = None
    window: str = ""
    if_disrupting: bool = False
    automatic: bool = False


class ServiceEntry(Section):
    """A row of the chart. An environment that is left out is not applicable there."""

    service: Text
    row: Text
    Bleed: Practice | None = None
    Dev: Practice | None = None
    Int: Practice | None = None
    Prod: Practice | None = None

    def at(self, environment: str) -> Practice | None:
        """Return how it is done in an environment, None where it has no such one."""
        found: Practice | None = getattr(self, environment)
        return found


class PracticesFile(Section):
    """All practices."""

    windows: dict[Text, WindowEntry]
    services: Annotated[tuple[ServiceEntry, ...], Field(min_length=1, strict=False)]

    def of(self, service: str) -> ServiceEntry | None:
        """Return the row of a service."""
        return next((each for each in self.services if each.service == service), None)


def find_practices(beside: Path) -> Path:
    """Return the file of practices beside a site file, else the one that comes with the package."""
    own = beside.parent / PRACTICES
    if own.is_file():
        return own
    package = Path(__file__).resolve().parents[1]
    inside = package / "sites" / PRACTICES
    return inside if inside.is_file() else package.parents[1] / "sites" / PRACTICES


def load_practices(path: Path) -> PracticesFile:
    """Read a file of practices.

    Raises:
        ConfigurationError: it cannot be read or used; all its problems are named.
    """
    return parse_practices(read_text(path), str(path))


def parse_practices(text: str, file: str) -> PracticesFile:
    """Return what a text says.

    Raises:
        ConfigurationError: it cannot be used; all its problems are named.
    """
    document = read_yaml(text, file)
    problems = [*document.problems, *empty_values(document, file)]
    try:
        found = PracticesFile.model_validate(document.data if isinstance(document.data, dict) else {})
    except ValidationError as error:
        problems += shape_problems(PracticesFile, error, document, file)
        raise ConfigurationError(tuple(problems)) from None
    problems += _wrong(found, document, file)
    if problems:
        raise ConfigurationError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return found


def _wrong(found: PracticesFile, document: Document, file: str) -> Iterator[Problem]:
    names = [each.service for each in found.services]
    for at, service in enumerate(found.services):
        if service.service in names[:at]:
            path: tuple[str | int, ...] = ("services", at, "service")
            yield Problem(file, document.line(path), key_text(path), f"{service.service} stands twice", "keep one")
        for environment in ("Bleed", "Dev", "Int", "Prod"):
            practice = service.at(environment)
            if practice is None:
                continue
            path = ("services", at, environment)
            if practice.window and practice.window not in found.windows:
                known = ", ".join(found.windows)
                message = f"no window is called {practice.window!r}"
                yield Problem(file, document.line(path), key_text(path), message, f"known are {known}")
            if practice.automatic and environment not in AUTOMATIC:
                message = f"nothing syncs by itself in {environment}"
                yield Problem(file, document.line(path), key_text(path), message, "leave automatic away")
            if practice.notice is not None and not practice.channels:
                message = "a notice goes to a channel"
                yield Problem(file, document.line(path), key_text(path), message, "add channels")


def practices_schema() -> str:
    """Return the schema as the text of ``sites/practices.schema.json``."""
    schema: Mapping[str, Any] = PracticesFile.model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"
