"""``check`` goes by the table of systems: their sections, their steps in runbooks, and what each finds of itself."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploydash.cli import check, tables
from deploydash.cli.exits import Exit
from deploydash.config.load import Site, parse_site
from deploydash.core.procedure.names import SystemName
from deploydash.errors import UserError
from deploydash.systems.section import SiteSection
from deploydash.systems.table import Finding, Place, Reading, Table
from deploydash.wiring.tables import READING, Tables
from tests.support.runbooks import SITES

LAMPS = SystemName("lamps")
OK = Finding("ok", "lamps", "3 lamps answer")
WARNING = Finding("warning", "lamp 2", "it flickers")


class LampSection(SiteSection):
    host: str


async def good(place: Place) -> tuple[Finding, ...]:
    assert isinstance(place.settings, LampSection)
    assert (place.settings.host, place.roster.site) == ("hall", "summit")
    assert set(place.others) >= set(READING)
    return (OK, WARNING)


async def refused(place: Place) -> tuple[Finding, ...]:
    raise UserError(f"{place.settings} of {place.roster.site} is dark", hint="switch it on")


async def broken(place: Place) -> tuple[Finding, ...]:
    del place
    raise RuntimeError("a fuse")


def unawaitable(place: Place) -> Awaitable[tuple[Finding, ...]]:
    raise KeyError(f"host of {place.settings} at {place.roster.site}")


async def endless(place: Place) -> tuple[Finding, ...]:
    del place
    await asyncio.Event().wait()
    raise AssertionError


Check = Callable[[Place], Awaitable[tuple[Finding, ...]]]


def table(*checks: Check | None) -> Table:
    return {name: Reading(name, LampSection, check=each) for name, each in zip(_names(), checks, strict=False)}


def _names() -> Iterator[SystemName]:
    yield LAMPS
    yield from (SystemName(f"lamps{number}") for number in range(2, 9))


def text(known: Table) -> str:
    sections = "".join(f"  {name}: {{host: hall}}\n" for name in known)
    return (SITES / "summit.yaml").read_text("utf-8").replace("systems:\n", f"systems:\n{sections}", 1)


def site(known: Table) -> Site:
    return parse_site(text(known), SITES / "summit.yaml", {**READING, **known})


async def test_each_system_says_what_it_finds_of_itself() -> None:
    known = table(good, None, good)
    assert await check.checks(site(known), known) == [OK, WARNING, OK, WARNING]


async def test_a_system_of_which_the_site_says_nothing_is_not_asked() -> None:
    known = table(broken)
    assert await check.checks(dataclasses.replace(site(known), sections={}), known) == []


async def test_a_check_that_fails_is_a_red_line_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "LIMIT_S", 0.0)
    known = table(refused, broken, unawaitable, endless)
    assert await check.checks(site(known), known) == [
        Finding("red", "lamps", "host='hall' of summit is dark (switch it on)"),
        Finding("red", "lamps2", "its check failed: RuntimeError: a fuse"),
        Finding("red", "lamps3", "its check failed: KeyError: \"host of host='hall' at summit\""),
        Finding("red", "lamps4", "did not answer within 0 s"),
    ]


@pytest.fixture
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def nothing(_: object) -> list[Finding]:
        return []

    before = tables.tables()
    monkeypatch.setattr(check, "probes", nothing)
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"LSST_KAFKA_SECURITY_{name}", "somebody")
    yield
    tables.use(before)


@pytest.mark.usefixtures("nobody_is_asked")
@pytest.mark.parametrize(("asked", "code"), [(good, Exit.YES), (broken, Exit.NO)])
def test_the_command_goes_by_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: Check, code: Exit
) -> None:
    known = table(asked)
    unasked = {name: replace(reading, check=None) for name, reading in READING.items()}
    tables.use(Tables(reading={**unasked, **known}))
    (tmp_path / "summit.yaml").write_text(text(known), "utf-8")
    assert check.run(str(tmp_path / "summit.yaml"), as_json=True) is code
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"level": "ok", "subject": "runbooks"}.items() <= next(
        f for f in findings if f["subject"] == "runbooks"
    ).items()
    assert findings[-1]["level"] == ("warning" if asked is good else "red")


def test_the_runbooks_are_read_with_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "scripts").symlink_to(SITES / "scripts")
    (tmp_path / "runbooks" / "dark.yaml").write_text(
        "runbook: dark\ntitle: dark\nsites: [summit]\nphases:\n"
        "  - phase: all\n    title: all\n    wanted: none\n    steps:\n"
        "      - {id: off, title: t, kind: manual, system: lamps, tier: mild, ends: e, commands: [x], link: here}\n"
        "      - {id: close, title: t, kind: close, system: deploydash, tier: mild, ends: e, link: here}\n",
        "utf-8",
    )
    monkeypatch.setattr(check, "shipped_sites", lambda: tmp_path)
    known = table(good)
    [found] = check.runbooks(site(known), known)
    assert found.level == "ok"
    [found] = check.runbooks(site(known), {})
    assert (found.level, "'lamps' is not known here" in found.sentence) == ("red", True)
