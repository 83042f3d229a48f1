"""What is said of two processes that beat as one CSC, and where all are gone, on a real Kafka."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploydash.core.model import CscId, SummaryState
from tests.e2e.observatory import counts, watch
from tests.e2e.sites import small_site
from tests.e2e_run.books import CLOSE, SHUTDOWN, SYSTEMS, WAIT, write_book
from tests.e2e_run.world import journals, open_run, records
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import EVERYONE, WAITING, Lead

pytestmark = pytest.mark.server

NAMES = ("ATDome", "ESS:104", "ESS:105", "Watcher")
CSCS = [CscId.parse(name) for name in NAMES]
TWICE = CSCS[1]
QUEUE = CscId("ScriptQueue", 1)
Twice = Callable[[CscId], Beater]
USUAL = {"late": 5.0, "silent": 10.0}


def beats_of(kafka: KafkaServer, writer: SalWriter, csc: CscId = TWICE) -> int:
    return len(kafka.topics.read(writer.topic(csc, "heartbeat")))


@pytest.mark.parametrize(("period", "beats", "times"), [(1.0, 15, 4), (5.0, 27, 3)])
def test_two_processes_of_one_csc_are_never_at_target(
    cli: CommandLine,
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
    period: float,
    beats: int,
    times: int,
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    first, second = Beater(writer, CSCS), Beater(writer, [TWICE], first_origin=4_000, period=period)
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, limits=USUAL)
    for csc in CSCS:
        writer.tell_state(csc, SummaryState.STANDBY, origin=first.origin(csc))
    with first, second:
        wait_until(lambda: beats_of(kafka, writer) >= beats, 20, "both have taken turns for some seconds")
        for _ in range(times):
            ran = cli.status(site, "--json")
            reasons = {row["csc"]: row["reason"] for row in json.loads(ran.out)["cscs"]}
            assert (ran.code, reasons["ESS:104"]) == (1, "two processes beat as ESS:104")
        ran = cli.run("wait", site, "--target", "STANDBY", "--timeout", "5s")
        assert ran.code == 1
        assert "two processes beat as ESS:104" in ran.out


@pytest.fixture
def twice(kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> Iterator[Twice]:
    """A small site in STANDBY with a process more for whom the test names."""
    writer = SalWriter(kafka.topics, schema_registry, subname)
    with Beater(writer, [*CSCS, QUEUE]) as beater:
        for csc in (*CSCS, QUEUE):
            writer.tell_state(csc, SummaryState.STANDBY, origin=beater.origin(csc))
        yield lambda csc: Beater(writer, [csc], first_origin=4_000)


def test_watch_shows_two_processes_and_counts_them_at_no_target_until_one_of_them_ends(
    twice: Twice,
    cli: CommandLine,
    tmux: Tmux,
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
) -> None:
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, limits=USUAL)
    with twice(TWICE) as second:
        watch(tmux, cli, site, size=(120, 40))
        seen: list[str] = []

        def told() -> bool:
            seen.append(tmux.capture())
            return counts(seen[-1]) == (3, 4)

        wait_until(told, 20, "all but one are at their targets")
        tmux.send_keys("x")
        wait_until(lambda: "two processes beat as ESS:104" in tmux.capture(), 10, "why")
        assert [screen for screen in seen if counts(screen) == (4, 4)] == []
        second.stop()
        wait_until(lambda: counts(tmux.capture()) == (4, 4), 30, "one process is left")
    tmux.send_keys("q")
    assert tmux.wait_exit() == 0


def test_a_wait_of_a_run_does_not_end_while_two_processes_beat_and_ends_when_one_does(
    twice: Twice,
    cli: CommandLine,
    tmux: Tmux,
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
) -> None:
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, limits=USUAL, systems=SYSTEMS)
    book = write_book(tmp_path, WAIT, CLOSE, site="hill", limit="300s")
    with twice(TWICE) as second:
        open_run(tmux, cli, site, book)
        lead = Lead(tmux, site="hill")
        lead.play(lambda frame: frame.title == WAITING, 40)
        wait_until(lambda: "two processes send heartbeats" in tmux.capture(), 20, "why it waits")
        assert lead.see().title == WAITING
        [journal] = journals(cli)
        assert [one["csc"] for one in records(journal, "DuplicateNoticed")] == ["ESS:104"]
        assert "standby" not in [one["step"] for one in records(journal, "StepDone")]
        second.stop()
        lead.until(lambda frame: frame.title == EVERYONE, "one process is left", 40)
        wait_until(lambda: records(journal, "DuplicateEnded"), 10, "it is written down")


def test_a_step_sends_nothing_to_a_csc_of_two_processes_and_does_not_count_it_as_there(
    twice: Twice,
    cli: CommandLine,
    tmux: Tmux,
    tmp_path: Path,
    kafka: KafkaServer,
    schema_registry: SchemaRegistry,
    subname: str,
) -> None:
    names = (*NAMES, str(QUEUE))
    site = small_site(tmp_path, kafka, schema_registry, subname, names, limits=USUAL, systems=SYSTEMS)
    book = write_book(tmp_path, SHUTDOWN, CLOSE, site="hill", queues=1)
    with twice(CscId("Watcher")):
        open_run(tmux, cli, site, book)
        card = Lead(tmux, site="hill").play(lambda frame: frame.title.endswith("a decision"), 60)
        assert "two processes" in card.text
    [journal] = journals(cli)
    [ended] = records(journal, "ItemEnded")
    assert (ended["item"], ended["outcome"]) == ("Watcher", "failed")
    assert records(journal, "RequestIntended") == []


def test_status_shortly_after_a_kill_waits_for_its_silence_and_says_lost(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    beater = Beater(writer, CSCS)
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES, limits=USUAL)
    for csc in CSCS:
        writer.tell_state(csc, SummaryState.ENABLED, origin=beater.origin(csc))
    with beater:
        wait_until(lambda: beats_of(kafka, writer) >= 6, 10, "they have beaten")
        killed = [CscId("ATDome"), TWICE, CscId("ESS", 105)]
        for csc in killed:
            beater.kill(csc)
        heard = beats_of(kafka, writer, CscId("Watcher"))
        wait_until(lambda: beats_of(kafka, writer, CscId("Watcher")) >= heard + 2, 10, "a second or two have passed")
        rows = {row["csc"]: row for row in json.loads(cli.status(site, "--json").out)["cscs"]}
    for row in (rows[str(csc)] for csc in killed):
        assert (row["liveness"], row["effective"]) == ("silent", "LOST"), row
    assert rows["Watcher"]["liveness"] == "beating"


def test_status_decides_below_its_limit_in_real_time_where_everybody_is_gone(
    cli: CommandLine, tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    beater = Beater(writer, CSCS)
    site = small_site(tmp_path, kafka, schema_registry, subname, NAMES)
    with beater:
        for csc in CSCS:
            writer.tell_state(csc, SummaryState.OFFLINE, origin=beater.origin(csc))
    ran = cli.status(site, "--json", "--target", "OFFLINE")
    assert ran.code == 0
    assert {row["effective"] for row in json.loads(ran.out)["cscs"]} == {"OFFLINE"}
