"""A system that the readers of runbooks and sites do not know: its keys, its problems, its section of the site file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from deploydash.config.load import Site, load_site, parse_site
from deploydash.config.runbook import parse_runbook, runbook_problems
from deploydash.core.model import CscId, FeedName, SummaryState, Target
from deploydash.core.ports import Clock, Feed
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import ItemId, SystemName, numbered
from deploydash.core.procedure.preconditions import FactHolds, FeedsUp
from deploydash.core.procedure.runbook import Fallback, Order, Runbook, Step, StepKind
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.errors import ConfigurationError
from deploydash.plan import plan_text
from deploydash.systems.orchestrator.settings import ORCHESTRATOR
from deploydash.systems.section import SiteSection
from deploydash.systems.table import Entry, Place, Reading, Wrong
from deploydash.wiring.tables import READING, TableComposer
from tests.support.runbooks import SCRIPTS, SITES

KETTLES = SystemName("kettles")
PLUGS = SystemName("plugs")
PATH = Path("tea.yaml")


class KettleSection(SiteSection):
    host: str
    litres: int = 1


class KettleSteps:
    """Switches kettles on; one of them is what a CSC runs on."""

    keys = frozenset({"kettles", "sugar"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        kettles = entry.own.get("kettles")
        if not isinstance(kettles, list) or not kettles:
            yield Wrong((), "a step of kettles needs 'kettles'", "list them")
            return
        for at, name in enumerate(kettles):
            if name == "broken":
                yield Wrong(("kettles", at), "this kettle is broken", "take another")

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        del entry
        return ()

    def items(self, entry: Entry) -> tuple[Item, ...]:
        assert isinstance(entry.settings, KettleSection)
        effect = CscEffect(CscId("Watcher"), Target(SummaryState.STANDBY))
        return tuple(
            Item(numbered(at), name, KETTLES, json.dumps({"on": f"{name}@{entry.settings.host}"}), (effect,), wave=at)
            for at, name in enumerate(entry.own["kettles"])
        )

    def lines(self, item: Item) -> tuple[str, ...]:
        return (f"POST {json.loads(item.spec)['on']}",)

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        raise ValueError(f"{fallback.label} of {len(items)}")

    def offers(self) -> tuple[ItemOffer, ...]:
        return ()

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        return Composed(None, (f"{offer_id} of {len(texts)}",))


class PlugSteps(KettleSteps):
    """Pulls plugs: each of them says what that does to CSCs, or that nobody knows."""

    keys = frozenset({"plugs"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        if not isinstance(entry.own.get("plugs"), list):
            yield Wrong((), "a step of plugs needs 'plugs'", "list them")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        return tuple(_plug(at, str(text)) for at, text in enumerate(entry.own["plugs"]))


def _plug(at: int, text: str) -> Item:
    """Return the item that ``1 fridge: Watcher OFFLINE, ESS:104 STANDBY by ScriptQueue:1`` describes."""
    head, _, rest = text.partition(": ")
    effects, _, queue = rest.partition(" by ")
    wave, label = head.split()
    pairs = [each.split() for each in effects.split(", ") if each and each != "?"]
    done = tuple(CscEffect(CscId.parse(csc), Target.parse(target)) for csc, target in pairs)
    runs_in = (CscId.parse(queue),) if queue else ()
    return Item(numbered(at), label, PLUGS, "{}", done, wave=int(wave), opaque=effects == "?", runs_in=runs_in)


TABLE = {
    **READING,
    KETTLES: Reading(KETTLES, KettleSection, KettleSteps()),
    PLUGS: Reading(PLUGS, None, PlugSteps()),
}
SECTION = "systems:\n  kettles: {host: kitchen, litres: 2}\n"
STEP = """
runbook: tea
title: tea
sites: [summit]
phases:
  - phase: brew
    title: brew
    wanted: none
    steps:
      - id: boil
        title: Boil water
        kind: action
        system: kettles
        tier: moderate
        lane: kitchen
        ends: it boils
        at_once: 2
        budget: 2h
        kettles: [small, large]
        facts:
          - {fact: kettles.filled, words: "every kettle is filled", age: 90s}
          - {fact: kettles.cold, words: "the kettles are cold"}
        link: here
      - {id: close, title: Close, kind: close, system: deploydash, tier: mild, ends: closed, link: here}
"""


@cache
def site(section: str = SECTION) -> Site:
    text = (SITES / "summit.yaml").read_text("utf-8").replace("systems:\n", section, 1)
    return parse_site(text, SITES / "summit.yaml", TABLE)


def read(text: str) -> Runbook:
    return parse_runbook(text, PATH, site(), SCRIPTS, systems=TABLE)


SHIPPED = load_site(SITES / "summit.yaml", READING).sections


def refused(text: str, *, table: dict[SystemName, Reading] | None = None) -> list[tuple[int, str, str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        parse_runbook(text, PATH, site(), SCRIPTS, systems=TABLE if table is None else table)
    return [(one.line, one.key, one.message, one.hint) for one in caught.value.problems]


def first(book: Runbook) -> Step:
    return next(book.steps())


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_system_makes_the_items_of_its_steps_from_its_own_keys_and_its_settings() -> None:
    step = first(read(STEP))
    assert (step.kind, step.system, step.lane, step.order) == (StepKind.ACTION, "kettles", "kitchen", Order.WAVES)
    assert [(item.id, item.label, item.wave) for item in step.items] == [("#1", "small", 0), ("#2", "large", 1)]
    assert [json.loads(item.spec) for item in step.items] == [{"on": "small@kitchen"}, {"on": "large@kitchen"}]
    assert FeedsUp((FeedName.KAFKA,)) in step.preconditions, "the effect is seen over Kafka"


def test_facts_are_preconditions_and_a_budget_is_seconds() -> None:
    step = first(read(STEP))
    assert [one for one in step.preconditions if isinstance(one, FactHolds)] == [
        FactHolds("kettles.filled", "every kettle is filled", 90.0),
        FactHolds("kettles.cold", "the kettles are cold", 60.0),
    ]
    assert step.budget_s == 7200.0


def test_the_plan_prints_what_the_system_would_send() -> None:
    text = plan_text(read(STEP), 100, TableComposer({KETTLES: KettleSteps()}).lines)
    assert "action (kettles), moderate, lane kitchen, 2 at once, 120 min for each" in text
    assert "      - small; Watcher to STANDBY\n          POST small@kitchen\n" in text
    assert "every kettle is filled" in text


def test_an_item_that_its_system_cannot_read_is_shown_as_a_person_would_do_it() -> None:
    class Reads(KettleSteps):
        def lines(self, item: Item) -> tuple[str, ...]:
            return tuple(json.loads(item.spec)["pots"])

    lines = TableComposer({KETTLES: Reads()}).lines
    for spec in ("{}", "[]", "x", "7", "[" * 100_000):
        assert lines(Item(numbered(0), "boil", KETTLES, spec, manual=("boil it",))) == ("boil it",)


def test_what_the_system_finds_wrong_is_told_with_its_line_and_key() -> None:
    text = STEP.replace("[small, large]", "[small, broken]")
    line = line_of(text, "kettles: [small")
    assert refused(text) == [(line, "phases.0.steps.0.kettles.1", "this kettle is broken", "take another")]
    nothing = STEP.replace("        kettles: [small, large]\n", "")
    assert refused(nothing) == [
        (line_of(nothing, "id: boil"), "phases.0.steps.0", "a step of kettles needs 'kettles'", "list them")
    ]


class TwinSteps(KettleSteps):
    """Gives all its items one name."""

    def __init__(self, name: str) -> None:
        self.name = ItemId(name)

    def items(self, entry: Entry) -> tuple[Item, ...]:
        return tuple(replace(item, id=self.name) for item in super().items(entry))


def test_items_that_cannot_be_told_apart_are_refused() -> None:
    for name, messages in {
        "#1": ["two items of it are called '#1'"],
        "added-1": ["two items of it are called 'added-1'", "an item of it is called 'added-1'"],
    }.items():
        twins = {**TABLE, KETTLES: replace(TABLE[KETTLES], steps=TwinSteps(name))}
        assert [message for _, _, message, _ in refused(STEP, table=twins)] == messages


def test_a_key_that_the_system_does_not_have_is_refused_with_the_nearest() -> None:
    text = STEP.replace("        kettles: [small, large]\n", "        kettels: [small]\n        kettles: [small]\n")
    [(line, key, message, hint)] = refused(text)
    assert (line, key) == (line_of(text, "kettels:"), "phases.0.steps.0.kettels")
    assert (message, hint) == ("unknown key 'kettels'", "did you mean kettles?")


@pytest.mark.parametrize(
    ("old", "new"), [("system: kettles", "system: sal"), ("kind: action", "kind: manual\n        commands: [boil]")]
)
def test_a_key_of_a_system_is_none_of_a_step_that_is_not_its_action(old: str, new: str) -> None:
    found = refused(STEP.replace(old, new))
    assert ("phases.0.steps.0.kettles", "unknown key 'kettles'") in [(key, message) for _, key, message, _ in found]


def test_unknown_keys_and_wrong_values_are_told_at_once() -> None:
    text = STEP.replace("tier: moderate", "tier: hot").replace("kettles: [", "sugarr: 2\n        kettles: [")
    assert [message for _, _, message, _ in refused(text)] == ["'hot' is not known here", "unknown key 'sugarr'"]


def test_the_keys_of_cscs_and_scripts_are_refused_elsewhere() -> None:
    text = STEP.replace("        kettles: [", "        targets: [Watcher]\n        suite: tea\n        kettles: [")
    messages = [message for _, _, message, _ in refused(text)]
    assert "an action of kettles has no 'targets'" in messages
    assert "an action of kettles has no 'suite'" in messages


def test_a_system_that_is_not_there_is_refused() -> None:
    found = refused(STEP.replace("        kettles: [small, large]\n", ""), table={})
    assert [(key, message) for _, key, message, _ in found] == [
        ("phases.0.steps.0.system", "'kettles' is not known here")
    ]


def test_a_system_that_only_people_work_with_carries_nothing_out() -> None:
    text = STEP.replace("system: kettles", "system: person").replace("        kettles: [small, large]\n", "")
    [(line, key, message, hint)] = refused(text)
    assert (line, key) == (line_of(text, "system: person"), "phases.0.steps.0.system")
    assert message == "person carries no steps out"
    assert hint.startswith("make it a step of kind manual; only sal, ssh, ")
    assert hint.endswith(" kettles and plugs can do so")


def test_a_step_that_does_nothing_by_the_control_system_is_refused() -> None:
    base = STEP.replace("system: kettles", "system: sal").replace("        kettles: [small, large]\n", "{more}")

    def messages(more: str) -> list[str]:
        return [message for _, _, message, _ in refused(base.replace("{more}", more))]

    assert messages("") == ["a step of kind action needs 'targets', 'scripts' or 'suite'"]
    assert messages("        targets: [ATDome]\n") == ["a step with 'targets' needs 'target'"]
    both = "        targets: [ATDome]\n        target: STANDBY\n        suite: minimal-testing\n"
    assert messages(both)[:2] == ["a step with 'suite' has no 'targets'", "a step with 'suite' has no 'target'"]


def test_a_budget_is_an_action_s_and_a_fallback_a_script() -> None:
    assert "a step of kind close has no 'budget'" in [
        message for _, _, message, _ in refused(STEP.replace("kind: close,", "kind: close, budget: 1m,"))
    ]
    small = (Path(__file__).parents[1] / "data" / "runbooks" / "small.yaml").read_text("utf-8")
    start, end = small.index("        fallback:\n"), small.index('        link: "{docs.deploying}"\n      - id: queues')
    text = small[:start] + "        fallback: {manual: ring them up}\n" + small[end:]
    assert [(key, message) for _, key, message, _ in refused(text)] == [
        ("phases.0.steps.2.fallback.manual", "a fallback is a script")
    ]


def test_a_section_of_a_site_file_is_its_system_s() -> None:
    found = {name: section for name, section in site().sections.items() if name not in READING}
    assert found == {KETTLES: KettleSection(host="kitchen", litres=2)}
    assert site().systems == load_site(SITES / "summit.yaml", READING).systems
    own = {name for name, reading in READING.items() if reading.settings}
    assert set(site("systems:\n").sections) == own - {ORCHESTRATOR}, "no observatory has one"


@pytest.mark.parametrize(
    ("section", "key", "message", "hint"),
    [
        ("{host: 5}", "systems.kettles.host", "must be text, not 5", 'put it in quotes: "12"'),
        ("{host: kitchen, litre: 3}", "systems.kettles.litre", "unknown key 'litre'", "did you mean litres?"),
        ("{litres: 3}", "systems.kettles.host", "'host' is missing", "add it"),
        ("[kitchen]", "systems.kettles", "must be a mapping, not a list", "write {key: value} or one key per line"),
    ],
)
def test_a_section_of_wrong_shape_is_refused_with_its_line(section: str, key: str, message: str, hint: str) -> None:
    text = (SITES / "summit.yaml").read_text("utf-8").replace("systems:\n", f"systems:\n  kettles: {section}\n", 1)
    with pytest.raises(ConfigurationError) as caught:
        parse_site(text, SITES / "summit.yaml", TABLE)
    [problem] = caught.value.problems
    assert (problem.key, problem.message, problem.hint) == (key, message, hint)
    assert problem.line == line_of(text, "  kettles: ")


def test_a_section_of_no_system_is_refused_with_the_nearest() -> None:
    text = (SITES / "summit.yaml").read_text("utf-8").replace("systems:\n", "systems:\n  kettels: {host: k}\n", 1)
    for table, hint in ((TABLE, "did you mean kettles?"), (READING, "known are docs, ssh")):
        with pytest.raises(ConfigurationError) as caught:
            parse_site(text, SITES / "summit.yaml", table)
        [problem] = caught.value.problems
        assert (problem.key, problem.message) == ("systems.kettels", "unknown key 'kettels'")
        assert problem.hint.startswith(hint)


def test_a_check_of_a_site_asks_the_table_as_well(tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "scripts").symlink_to(SCRIPTS)
    (tmp_path / "runbooks" / "tea.yaml").write_text(STEP, "utf-8")
    assert runbook_problems(tmp_path, site(), systems=TABLE) == ()
    [problem] = runbook_problems(tmp_path, dataclasses.replace(site(), sections=SHIPPED), systems=TABLE)
    assert problem.message == "summit says nothing of kettles"
    assert problem.hint == "add kettles: below systems: in summit.yaml"
    assert (problem.line, problem.key) == (line_of(STEP, "system: kettles"), "phases.0.steps.0.system")


PULL = """
      - id: pull{at}
        title: Pull plugs
        kind: action
        system: plugs
        tier: moderate
        ends: they are out
        plugs: [{plugs}]
        link: here
"""
QUEUES = "0 a: ScriptQueue:3 OFFLINE", "1 b: ScriptQueue:2 OFFLINE", "2 c: ScriptQueue:1 OFFLINE"
WATCHER = ("0 w: Watcher OFFLINE",)


def pulling(*steps: Sequence[str]) -> str:
    """Return a runbook with a step for each list of plugs."""
    start, end = STEP.index("      - id: boil"), STEP.index("      - {id: close")
    lists = [", ".join(f'"{plug}"' for plug in plugs) for plugs in steps]
    pulls = "".join(PULL.format(at=at, plugs=plugs).lstrip("\n") for at, plugs in enumerate(lists))
    return STEP[:start] + pulls + STEP[end:]


@pytest.mark.parametrize(
    ("steps", "at", "message", "hint"),
    [
        ([["0 a: ATDome OFFLINE"]], 0, "ATDome would go down before the Watcher", "in a step of its own"),
        ([["1 w: Watcher OFFLINE", "0 a: ATDome OFFLINE"]], 0, "ATDome would go down before the Watcher", "own"),
        ([["0 w: Watcher OFFLINE", "0 a: ATDome OFFLINE"]], 0, "ATDome would go down together with the Watcher", "own"),
        ([["0 w: Watcher OFFLINE", "1 a: ATDome OFFLINE"]], 0, "ATDome would go down together with the Watcher", "own"),
        ([["0 all: ATDome OFFLINE, Watcher OFFLINE"]], 0, "ATDome would go down before the Watcher", "own"),
        ([WATCHER, QUEUES, ["0 a: ATDome OFFLINE"]], 2, "ATDome would go down after the ScriptQueues", "last, alone"),
        ([WATCHER, [*QUEUES, "0 a: ATDome OFFLINE"]], 1, "ATDome would go down together with the ScriptQueues", "last"),
        ([WATCHER, QUEUES[:2]], 1, "ScriptQueue:1 would be left up", "name every ScriptQueue of the site"),
        (
            [WATCHER, [f"0{plug[1:]}" for plug in QUEUES]],
            1,
            "the ScriptQueues would go down all at once",
            "let each go down when the one before it is down",
        ),
        (
            [WATCHER, ["0 all: ScriptQueue:1 OFFLINE, ScriptQueue:2 OFFLINE, ScriptQueue:3 OFFLINE"]],
            1,
            "the ScriptQueues go down in the wrong order",
            "write ScriptQueue:3, ScriptQueue:2, ScriptQueue:1",
        ),
        (
            [WATCHER, QUEUES, ["0 a: ATDome STANDBY by ScriptQueue:2"]],
            2,
            "ScriptQueue:2 is down by then",
            "move this step before the ScriptQueues go down",
        ),
        (
            [["0 a: MTM1M3 STANDBY"]],
            0,
            "MTM1M3 is protected at summit: no step may command it",
            "only direct commands from its tile move it",
        ),
        (
            [["0 main: ?"]],
            0,
            "what main does to the states of CSCs is not known, so its step is severe",
            "give pull0 the tier severe",
        ),
        (
            [["0 w: Watcher ENABLED", "0 a: ATDome ENABLED"]],
            0,
            "the Watcher would be enabled while others still come up",
            "let it be enabled when all others are up",
        ),
    ],
)
def test_the_demanded_order_holds_for_what_any_system_does(
    steps: list[Sequence[str]], at: int, message: str, hint: str
) -> None:
    text = pulling(*steps)
    [(line, key, said, told)] = refused(text)
    assert (line, key, said) == (line_of(text, f"id: pull{at}"), f"phases.0.steps.{at}", message)
    assert hint in told


@pytest.mark.parametrize(
    "steps",
    [
        [["0 all: Watcher OFFLINE, ATDome OFFLINE"], QUEUES],
        [WATCHER, ["0 all: ScriptQueue:3 OFFLINE, ScriptQueue:2 OFFLINE, ScriptQueue:1 OFFLINE"]],
        [["0 a: ATDome ENABLED", "1 w: Watcher ENABLED"]],
        [["0 a: ATDome STANDBY by ScriptQueue:2"], WATCHER, QUEUES],
    ],
)
def test_what_keeps_to_the_demanded_order_is_used(steps: list[Sequence[str]]) -> None:
    assert [len(step.items) for step in read(pulling(*steps)).steps()] == [*map(len, steps), 0]


def test_a_severe_step_may_do_what_is_not_known() -> None:
    read(pulling(["0 main: ?"]).replace("tier: moderate", "tier: severe"))


def test_nobody_s_watcher_is_asked_to_mute_alarms_once_any_system_took_it_down() -> None:
    config = "{data: [[ATDome, OFFLINE]]}"
    fallback = f"        fallback: {{script: set_summary_state.py, queue: ScriptQueue:1, config: {config}}}\n"
    decide = (
        "      - {id: cscs, title: t, kind: action, system: sal, tier: severe, ends: e, "
        "targets: [ATDome], target: OFFLINE, link: here}\n"
        "      - id: left\n        title: t\n        kind: decide\n        system: sal\n        tier: moderate\n"
        f"        ends: e\n        settles: cscs\n{fallback}        link: here\n"
    )
    text = pulling(WATCHER).replace("      - {id: close", f"{decide}      - {{id: close")
    [(line, key, message, hint)] = refused(text)
    assert (line, key) == (line_of(text, "fallback:"), "phases.0.steps.2.fallback.config")
    assert message.startswith("the script would ask the Watcher, which is down by then, to mute alarms")
    assert hint == "add mute_alarms: false"


def fed(place: Place, clock: Clock) -> Feed:
    raise NotImplementedError(f"{place} {clock}")


def test_a_step_needs_the_feed_of_its_system_and_those_that_it_names() -> None:
    table = {**TABLE, KETTLES: replace(TABLE[KETTLES], feed=fed)}
    here = parse_site((SITES / "summit.yaml").read_text("utf-8").replace("systems:\n", SECTION, 1), PATH, table)
    text = STEP.replace("        budget: 2h\n", "        budget: 2h\n        feeds: [efd, kettles]\n")
    book = parse_runbook(text, PATH, here, SCRIPTS, systems=table)
    [needed] = [each for each in first(book).preconditions if isinstance(each, FeedsUp)]
    assert needed.feeds == (FeedName.KAFKA, "kettles", FeedName.EFD)
    assert needed.sentence == "kafka, kettles and efd are up"


def test_a_feed_that_nobody_has_is_refused() -> None:
    text = STEP.replace("        budget: 2h\n", "        budget: 2h\n        feeds: [radar]\n")
    [(_, key, message, hint)] = refused(text)
    assert (key, message) == ("phases.0.steps.0.feeds.0", "no feed is called 'radar' here")
    assert hint == "known are argocd, efd, kafka, kubernetes, schema_registry"
