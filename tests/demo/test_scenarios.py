"""Scenario files: what is wrong with them is said, and the shipped ones play at every site."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploydash.demo import scenario_file, site
from deploydash.demo.director import Director
from deploydash.demo.fake import Faults, Kind, Section
from deploydash.demo.fakes.table import FAKES
from deploydash.demo.goal import goal
from deploydash.demo.scenario import chosen
from deploydash.demo.scenario_file import ScenarioError, parse
from deploydash.demo.states import State
from deploydash.demo.wire import Emit, Raw
from deploydash.demo.world import World
from tests.demo.harness import SITE

REHEARSALS = (
    "upgrade",
    "stragglers",
    "kafka-restart",
    "host-down",
    "argo-stuck",
    "wrong-context",
    "image-missing",
    "walks-away",
)
"""The scenarios that carry a whole upgrade: a calm one, and one for each thing that goes wrong."""

NOON = 1_795_000_000.0
SITES = sorted(
    path for path in (Path(__file__).parents[2] / "sites").glob("*.yaml") if "\ncscs:\n" in path.read_text("utf-8")
)
"""Those with CSCs: beside them stands what holds for all, and sites that an orchestrator runs."""


class Recorder:
    """A fake that only notes when its faults are switched."""

    def __init__(self, kind: Kind, calls: list[tuple[str, object]]) -> None:
        self.asked: Counter[str] = Counter()
        self.faults = Faults(
            kind.faults, lambda fault: calls.append((f"{kind.name} {fault}", self.faults[fault] is not None))
        )

    async def start(self) -> Section:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError


class Play:
    """A scenario played on a manual clock; ``written`` is everything that would go to Kafka."""

    def __init__(self, where: Path, text: str, seed: int = 1, speed: float = 1.0) -> None:
        self.world = World(site.read(where, speed=speed), seed, speed)
        self.calls: list[tuple[str, object]] = []
        self.fakes = {kind.name: Recorder(kind, self.calls) for kind in FAKES}
        self.world.on_topics.append(
            lambda topics: self.calls.append(("topics", {each.component for each in topics.values()}))
        )
        self.written: list[Emit | Raw] = []
        scenario = parse(text, "text", "text", FAKES) if "\n" in text else scenario_file.load(text, FAKES)
        Director(self.world, scenario, self.fakes, NOON).open()
        self.to(NOON)

    def to(self, moment: float) -> None:
        while self.world.next_due is not None and self.world.next_due <= moment:
            self.world.advance(self.world.next_due)
        self.written += self.world.take()

    def last(self, sal_name: str, field: str) -> dict[str, Any]:
        return {
            emit.writer.identity: emit.fields[field]
            for emit in self.written
            if isinstance(emit, Emit) and emit.sal_name == sal_name
        }

    def beating(self, since: float) -> set[str]:
        return {
            emit.writer.identity
            for emit in self.written
            if isinstance(emit, Emit) and emit.sal_name == "logevent_heartbeat" and emit.at > since
        }


@pytest.fixture
def hill(tmp_path: Path) -> Path:
    path = tmp_path / "hill.yaml"
    path.write_text(yaml.safe_dump(SITE), "utf-8")
    return path


@pytest.mark.parametrize("name", scenario_file.shipped())
@pytest.mark.parametrize("where", SITES, ids=lambda path: path.stem)
def test_a_shipped_scenario_plays_at_every_site_and_every_record_can_be_encoded(where: Path, name: str) -> None:
    play = Play(where, name, speed=20.0)
    play.to(NOON + 10)

    assert len(play.written) > 300
    for record in play.written:
        if isinstance(record, Emit):
            play.world.codec.encode(record)


def test_there_are_the_scenarios_that_the_screenshots_and_measurements_need() -> None:
    assert {
        "calm",
        "mixed",
        "shutdown",
        "csc-faults",
        "duplicate",
        "outage",
        "flapping",
        "cold",
        "storm",
        "upgrade",
        *REHEARSALS,
    } <= {
        *scenario_file.shipped(),
    }


@pytest.mark.parametrize("name", REHEARSALS)
def test_a_rehearsal_of_an_upgrade_begins_with_a_calm_fleet_that_deploys_as_the_lead_lets_it(name: str) -> None:
    scenario = scenario_file.load(name, FAKES)
    assert scenario.fleet == goal("startup")
    assert scenario.about
    calm = scenario_file.load("upgrade", FAKES).timeline
    assert [step for step in calm if step not in scenario.timeline] == []
    assert name == "upgrade" or len(scenario.timeline) > len(calm), "something goes wrong"


def test_a_record_is_written_in_the_order_of_time_at_the_opening(hill: Path) -> None:
    stamps = [emit.at for emit in Play(hill, "calm").written if isinstance(emit, Emit)]

    assert stamps == sorted(stamps)


def test_the_same_seed_writes_the_same_records(hill: Path) -> None:
    def written(seed: int) -> list[Emit | Raw]:
        play = Play(hill, "flapping", seed)
        play.to(NOON + 60)
        return play.written

    assert written(3) == written(3)
    assert written(3) != written(4)


def test_the_shutdown_leaves_the_protected_the_faulty_and_the_lost() -> None:
    summit = next(path for path in SITES if path.stem == "summit")
    play = Play(summit, "shutdown")
    play.to(NOON + 300)
    states = play.last("logevent_summaryState", "summaryState")

    assert states["MTM1M3"] == State.DISABLED
    assert states["MTM1M3TS"] == State.ENABLED
    assert states["MTDome"] == State.FAULT
    assert states["ESS:303"] == State.ENABLED
    assert states["DIMM:2"] == State.STANDBY
    silent = {"MTM1M3", "MTM1M3TS", "MTDome", "ESS:106"} | {"ATCamera", "CCCamera", "MTCamera"}
    assert play.beating(NOON + 290) == silent


def test_a_cold_fleet_says_what_was_true_and_does_not_beat(hill: Path) -> None:
    play = Play(hill, "cold")
    play.to(NOON + 60)

    assert play.last("logevent_summaryState", "summaryState")["ESS:104"] == State.ENABLED
    assert play.beating(NOON - 3599) == set()


def test_an_outage_takes_the_servers_down_and_brings_them_back(hill: Path) -> None:
    play = Play(hill, "outage", speed=10.0)
    play.to(NOON + 16)

    assert play.calls == [
        ("broker down", True), ("broker down", False), ("registry down", True), ("topics", {"Guider"}),
        ("registry down", False), ("efd down", True), ("efd down", False),
    ]  # fmt: skip


def test_a_step_may_be_repeated_and_spread(hill: Path) -> None:
    text = """
fleet: STANDBY
timeline:
  - {at: 10, do: log, csc: group=AT, message: hello, spread: 6}
  - {at: 20, do: log, csc: Watcher, message: one, every: 5, times: 2}
  - {at: 21, do: log, csc: Watcher, message: two, every: 5, times: 2}
"""
    play = Play(hill, text)
    play.to(NOON + 60)
    logs = [e for e in play.written if isinstance(e, Emit) and e.sal_name == "logevent_logMessage" and e.at > NOON]

    assert sorted(round(e.at - NOON) for e in logs if e.fields["message"] == "hello") == [10, 12, 14]
    assert [e.fields["message"] for e in logs[3:]] == ["one", "two", "one", "two"]


def test_what_was_shut_down_comes_up_again_once_the_script_queues_have_ended(hill: Path) -> None:
    text = """
fleet: ENABLED
timeline:
  - {at: 2, do: kill, csc: ATDome}
  - {at: 20, do: kill, csc: "ScriptQueue:1"}
  - {at: 5, once: {gone: "ScriptQueue:*"}, do: redeploy, csc: "*"}
  - {at: 5, once: {gone: Guider}, do: kill, csc: Watcher}
"""
    play = Play(hill, text)
    play.to(NOON + 24.9)
    assert "ATDome" not in play.beating(NOON + 3)

    play.to(NOON + 60)
    first = min(
        emit.at
        for emit in play.written
        if isinstance(emit, Emit) and emit.writer.identity == "ATDome" and emit.sal_name.endswith("heartbeat")
        if emit.at > NOON + 3
    )
    assert first == pytest.approx(NOON + 20 + 5 + 3.6, abs=0.5)
    assert play.last("logevent_summaryState", "summaryState")["ESS:104"] == State.ENABLED
    assert play.last("logevent_summaryState", "summaryState")["ScriptQueue:1"] == State.ENABLED
    assert "Watcher" in play.beating(NOON + 59)


def test_a_step_may_follow_a_request_to_a_fake_and_the_clock_starts_nothing_that_a_fake_starts(hill: Path) -> None:
    text = """
timeline:
  - {once: {system: registry, asked: register}, do: kill, csc: [ATDome, "ESS:104"]}
  - {once: {gone: [ATDome, "ESS:104"]}, at: 2, do: redeploy, csc: "*"}
"""
    play = Play(hill, text)
    play.world.claim("host", [csc for csc in play.world.site.cscs if csc.name == "ESS:104"])
    play.to(NOON + 20)
    assert {"ATDome", "ESS:104"} <= play.beating(NOON + 18)

    play.fakes["registry"].asked["register"] += 1
    play.to(NOON + 22)
    assert not {"ATDome", "ESS:104"} & play.beating(NOON + 21)

    play.to(NOON + 60)
    assert "ATDome" in play.beating(NOON + 58)
    assert "ESS:104" not in play.beating(NOON + 21)


@pytest.mark.parametrize("name", scenario_file.shipped())
def test_no_shipped_scenario_restarts_a_fleet_by_the_clock_but_by_redeploy(name: str) -> None:
    summit = site.read(next(path for path in SITES if path.stem == "summit"), speed=1.0)
    for step in scenario_file.load(name, FAKES).timeline:
        if step.do in {"start", "restart"}:
            assert len(chosen(summit.cscs, step.csc, step.exempt)) <= 4, step


def test_a_restart_keeps_the_manners_of_the_csc(hill: Path) -> None:
    text = """
cscs:
  - {csc: Watcher, beats: 3, life: booting}
timeline:
  - {at: 10, do: restart, csc: Watcher}
"""
    play = Play(hill, text)
    play.to(NOON + 30)
    beats = [
        e.at
        for e in play.written
        if isinstance(e, Emit) and e.writer.component == "Watcher" and e.sal_name == "logevent_heartbeat"
    ]

    assert beats[0] == pytest.approx(NOON + 3.6)
    assert beats[-1] - beats[-2] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("fleet: standing\n", ["s.yaml:1: fleet: 'standing' is no state"]),
        ("name: x\nflet: startup\n", ["s.yaml:2: flet: is not known here; did you mean fleet?"]),
        (
            "timeline:\n  - {at: 3, do: kill}\n  - {do: kill, csc: ESS:*}\n",
            ["s.yaml:2: timeline[0]: csc is missing", "s.yaml:3: timeline[1]: at is missing"],
        ),
        (
            "timeline:\n- at: soon\n  do: fault\n  csc: ATAOS\n  cod: 3\n",
            ["s.yaml:2: timeline[0].at: 'soon' is no number", "s.yaml:5: timeline[0].cod: is not known here"],
        ),
        ("timeline:\n  - {at: 1, do: explode, csc: ATAOS}\n", ["s.yaml:2: timeline[0].do: 'explode' is none of"]),
        ("cscs:\n  - {csc: ATAOS, life: zombie}\n", ["s.yaml:2: cscs[0].life: 'zombie' is none of"]),
        ("cscs:\n  - {csc: ATAOS, reacts: {launch: fault}}\n", ["s.yaml:2: cscs[0].reacts: 'launch' is none of"]),
        ("cscs:\n  - {csc: ATAOS, reacts: {start: {dela: 3}}}\n", ["cscs[0].reacts: 'dela' is none of"]),
        ("cscs: ATAOS\n", ["s.yaml:1: cscs: is no list"]),
        ("cscs:\n  - ATAOS\n", ["cscs[0]: 'ATAOS' is no mapping"]),
        ("cscs:\n  - {csc: ATAOS, csc: MTAOS}\n", ["s.yaml:2: key 'csc' is there twice"]),
        ("name: [\n", ["s.yaml:2:"]),
        ("- a\n", ["s.yaml:1: a mapping with name"]),
        ("timeline:\n  - kill\n", ["timeline[0]: 'kill' is no mapping"]),
        (
            "timeline:\n  - at: 1\n    fault: {system: regstry, name: down}\n    csc: ATAOS\n",
            [
                "s.yaml:3: timeline[0].fault.system: 'regstry' is none of broker, registry, efd",
                "s.yaml:4: timeline[0].csc: is not known here",
            ],
        ),
        (
            "timeline:\n- at: 1\n  fault:\n    system: efd\n    name: asleep\n",
            ["s.yaml:5: timeline[0].fault.name: 'asleep' is none of down, stalled, unauthorized"],
        ),
        (
            """timeline:
- {at: 1, fault: {system: efd}}
- {at: 1, fault: efd}
- {at: 1, do: script, fault: {name: down}}
""",
            [
                "s.yaml:2: timeline[0].fault.name: is missing",
                "s.yaml:3: timeline[1].fault: 'efd' is no mapping of system and name",
                "s.yaml:4: timeline[2].fault.system: is missing",
                "s.yaml:4: timeline[2].do: is not known here",
            ],
        ),
        (
            """timeline:
- {at: 1, fault: {system: efd, name: stalled, seconds: long}}
- {at: 1, fault: {system: efd, name: down,
    seconds: 3}}
""",
            [
                "s.yaml:2: timeline[0].fault.seconds: 'long' is no number of seconds",
                "s.yaml:4: timeline[1].fault.seconds: is not known here; known are none",
            ],
        ),
        (
            """timeline:
- {once: ATAOS, do: script}
- {once: {gone: 3}, do: script}
- {once: {system: efd, asked: sync}, do: script}
- once: {system: jira,
    asked: sync}
  do: redeploy
""",
            [
                "s.yaml:2: timeline[0].once: 'ATAOS' is neither {gone: CSC} nor {system: NAME, asked: KIND}",
                "s.yaml:3: timeline[1].once.gone: 3 names no CSC",
                "s.yaml:4: timeline[2].once.asked: 'sync' is none of health, other, ping, query",
                "s.yaml:5: timeline[3].once.system: 'jira' is none of broker, registry, efd",
                "s.yaml:5: timeline[3]: csc is missing",
            ],
        ),
        ("timeline:\n- {at: 1}\n", ["s.yaml:2: timeline[0]: do is missing"]),
        ("timeline:\n  - {at: 1, do: flap, csc: ATAOS, between: [ENABLED]}\n", ["is no list of two states"]),
        ("cscs:\n  - {csc: 5, twice: maybe, code: x}\n", ["5 names no CSC", "'maybe' is neither", "'x' is no whole"]),
    ],
)
def test_every_problem_of_a_scenario_is_named_with_its_line(text: str, problems: list[str]) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(text, "s.yaml", "s", FAKES)

    assert len(refused.value.problems) == len(problems)
    for problem, part in zip(refused.value.problems, problems, strict=True):
        assert part in problem


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nothing\.yaml"):
        scenario_file.load(str(tmp_path / "nothing.yaml"), FAKES)


def test_a_goal_may_have_a_substate() -> None:
    assert goal("OFFLINE/PUBLISH_ONLY").substate == 2
    with pytest.raises(ValueError, match="is no state"):
        goal("OFFLINE/ASLEEP")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("site: x\n", "a list `cscs` is wanted"),
        ("cscs: [{group: AT}]\n", "has no csc"),
        ("cscs: [{csc: 'AT AOS'}]\n", "is no CSC name"),
        ("cscs: [\n", "parsing"),
    ],
)
def test_a_site_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(site.SiteFileError, match=complaint):
        site.read(path, speed=1.0)
