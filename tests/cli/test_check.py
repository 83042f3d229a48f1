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
from deploydash.cli.check_words import check_lines
from deploydash.cli.exits import Exit
from deploydash.config.load import Site, load_site, parse_site
from deploydash.config.runbook import load_runbook
from deploydash.core.model import CscId
from deploydash.core.procedure.names import SystemName
from deploydash.errors import UserError
from deploydash.systems.sal.check import of_scripts, wanted_of
from deploydash.systems.section import SiteSection
from deploydash.systems.table import Finding, Place, Reading, Table
from deploydash.wiring.probing import Probe, Probed, ask_all, system_probes
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
    assert set(place.others) >= {"ssh", "kubernetes", "argocd", "github", "slack"}
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


async def asked(known: Table, limit_s: float = 5.0) -> list[Finding]:
    answers = await ask_all(system_probes(site(known), known), limit_s)
    return [finding for each in answers for finding in each.findings]


def site(known: Table) -> Site:
    return parse_site(text(known), SITES / "summit.yaml", {**READING, **known})


async def test_each_system_says_what_it_finds_of_itself() -> None:
    known = table(good, None, good)
    assert await asked(known) == [OK, WARNING, OK, WARNING]


async def test_a_system_of_which_the_site_says_nothing_is_not_asked() -> None:
    known = table(broken)
    assert system_probes(dataclasses.replace(site(known), sections={}), known) == ()


async def test_with_a_runbook_only_what_it_touches_is_asked() -> None:
    known = table(good, good)
    [probe] = system_probes(site(known), known, frozenset({"lamps2", "sal"}))
    assert probe.system == "lamps2"


async def test_a_check_that_fails_is_a_red_line_beside_the_others_and_says_what_to_do() -> None:
    known = table(refused, broken, unawaitable, endless)
    found = await asked(known, limit_s=0.05)
    assert [(each.subject, each.sentence) for each in found] == [
        ("lamps", "host='hall' of summit is dark"),
        ("lamps2", "its check failed: RuntimeError: a fuse"),
        ("lamps3", "its check failed: KeyError: \"host of host='hall' at summit\""),
        ("lamps4", "did not answer within 0 s"),
    ]
    assert {each.level for each in found} == {"red"}
    assert found[0].do == "switch it on"
    assert all(each.do for each in found)


async def test_each_answer_is_told_as_it_comes_and_returned_in_the_order_of_the_table() -> None:
    gate = asyncio.Event()

    async def late() -> tuple[Finding, ...]:
        await gate.wait()
        return (OK,)

    async def soon() -> tuple[Finding, ...]:
        gate.set()
        return (WARNING,)

    told: list[Probed] = []
    answers = await ask_all((Probe("late", late), Probe("soon", soon)), told=told.append)
    assert [each.system for each in told] == ["soon", "late"]
    assert [each.system for each in answers] == ["late", "soon"]


def test_the_table_is_grouped_by_system_red_first_and_folds_what_is_many() -> None:
    hosts = [Finding("ok", f"ssh host{number}", "lets us in") for number in range(6)]
    red = Finding("red", "ssh host7", "refused you", "ssh-add ~/.ssh/key")
    answers = (Probed("kafka", (OK,), 0.1), Probed("ssh", (*hosts, red), 2.0), Probed("slack", (WARNING,), 0.3))
    assert list(check_lines(answers, 2.5)) == [
        "kafka: ok",
        "ok    lamps            3 lamps answer",
        "ssh: 1 red",
        "RED   ssh host7        refused you",
        "                       -> ssh-add ~/.ssh/key",
        "ok    ssh              6 are as they should be: " + ", ".join(f"ssh host{number}" for number in range(6)),
        "slack: 1 warning",
        "warn  lamp 2           it flickers",
        "",
        "1 red, 1 warning, 7 ok; took 2.5 s",
    ]


QUEUE1, QUEUE2 = CscId("ScriptQueue", 1), CscId("ScriptQueue", 2)


@pytest.mark.parametrize(
    ("listed", "levels"),
    [
        ({QUEUE1: frozenset({"a.py", "b.py"}), QUEUE2: frozenset({"a.py"})}, ["ok"]),
        ({QUEUE1: frozenset({"a.py"}), QUEUE2: frozenset({"a.py"})}, ["red"]),
        ({QUEUE1: frozenset({"a.py"})}, ["warning", "red"]),
        ({}, ["warning"]),
    ],
)
def test_scripts_that_a_queue_does_not_list_are_red_and_a_queue_that_listed_none_is_no_proof(
    listed: dict[CscId, frozenset[str]], levels: list[str]
) -> None:
    found = of_scripts({QUEUE1: {"a.py", "b.py"}, QUEUE2: {"a.py"}}, listed)
    assert [each.level for each in found] == levels
    assert all("b.py" in each.sentence and each.do for each in found if each.level == "red")


def test_what_a_runbook_touches_and_which_scripts_it_adds_is_read_from_it() -> None:
    where = load_site(SITES / "summit.yaml", READING)
    book = load_runbook(SITES / "runbooks" / "full-cycle.yaml", where, SITES / "scripts", systems=READING)
    assert {"sal", "ssh", "kubernetes", "argocd"} <= check.touched_by(book)
    wanted = wanted_of(item for step in book.steps() for item in step.items)
    assert wanted
    assert all(queue.name == "ScriptQueue" for queue in wanted)
    revert = load_runbook(SITES / "runbooks" / "revert.yaml", where, SITES / "scripts", systems=READING)
    assert "registry" not in check.touched_by(revert)


@pytest.fixture
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def nothing(*_: object) -> tuple[Probed, ...]:
        return ()

    before = tables.tables()
    monkeypatch.setattr(check, "_feeds", nothing)
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


@pytest.mark.usefixtures("nobody_is_asked")
def test_a_credential_that_lacks_is_red_with_the_command_that_sets_it_up_and_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the feeds are asked: without credentials nobody is
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"LSST_KAFKA_SECURITY_{name}", raising=False)
    known = table(good)
    unasked = {name: replace(reading, check=None) for name, reading in READING.items()}
    tables.use(Tables(reading={**unasked, **known}))
    (tmp_path / "summit.yaml").write_text(text(known), "utf-8")
    assert check.run(str(tmp_path / "summit.yaml"), as_json=True) is Exit.NO
    document = json.loads(capsys.readouterr().out)
    [red] = [finding for finding in document["findings"] if finding["level"] == "red"]
    assert "export LSST_KAFKA_SECURITY_USERNAME" in red["do"]
    assert OK.sentence in [finding["sentence"] for finding in document["findings"]]


@pytest.mark.usefixtures("nobody_is_asked")
def test_what_is_of_another_site_is_red_days_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def elsewhere(_: Place) -> tuple[str, ...]:
        return ("lamps lead to the hall of base",)

    known = {name: replace(reading, fuse=elsewhere) for name, reading in table(good).items()}
    unasked = {name: replace(reading, check=None, fuse=None) for name, reading in READING.items()}
    tables.use(Tables(reading={**unasked, **known}))
    site_file = tmp_path / "summit.yaml"
    site_file.write_text(text(known).replace("context: yagan", "context: manke"), "utf-8")
    assert check.run(str(site_file), as_json=True) is Exit.NO
    red = {row["sentence"]: row for row in json.loads(capsys.readouterr().out)["findings"] if row["level"] == "red"}
    assert set(red) == {
        "systems.kubernetes.context is manke, which is of base-teststand",
        "not of this site: lamps lead to the hall of base",
    }
    assert all("nothing can be armed" in row["do"] for row in red.values())
