"""The level of a registry: read, changed as approved, read back, put back, whatever the product answers."""

from __future__ import annotations

import json

import pytest

from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.plans import difference
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.errors import FeedError, UserError
from deploydash.systems.registry.check import NO_MODE, check
from deploydash.systems.registry.compatibility import UNSET, Compatibility
from deploydash.systems.settings import RegistrySettings
from tests.support.item_context import Answered, Intended, RecordingContext
from tests.systems.registry.levels import Scene, level_item, scene
from tests.systems.registry.registry_server import PRODUCTS, always, answering

KARAPACE = "karapace-6.2.0"
NOBODY = lambda _: None  # noqa: E731
NONE = level_item("NONE", "schema-back")


async def approved(one: Scene, item: object = NONE) -> str:
    return (await one.action.describe([item], NOBODY)).items[0].approved  # type: ignore[list-item]


def answers(context: RecordingContext) -> list[tuple[bool | None, str]]:
    return [(one.ok, one.text) for one in context.told if isinstance(one, Answered)]


@pytest.mark.parametrize("product", PRODUCTS)
async def test_what_was_read_is_put_back_whatever_the_product_answers(product: str) -> None:
    async with scene(product, "FULL_TRANSITIVE") as one:
        plan = await one.action.describe([NONE], NOBODY)
        assert plan.sentence == f"{one.url} goes by FULL_TRANSITIVE"
        assert plan.items[0].lines == (f'PUT {one.url}/config {{"compatibility": "NONE"}}',)
        context = RecordingContext()
        end = await one.action.run(NONE, plan.items[0].approved, context)
        assert (end.outcome, end.why) == (Outcome.REACHED, "it reads NONE; before it read FULL_TRANSITIVE")
        assert end.values == (("compatibility", "FULL_TRANSITIVE"),)
        owed = Debt(
            "registry/compatibility",
            "schema compatibility to restore to FULL_TRANSITIVE",
            (StepId("schema-back"),),
            restore="FULL_TRANSITIVE",
        )
        assert context.told == [Intended(plan.items[0].lines[0], owes=owed), Answered(True, "taken")]
        back = level_item("FULL_TRANSITIVE")
        end = await one.action.run(back, await approved(one, back), RecordingContext())
        assert (end.outcome, end.why, end.values) == (
            Outcome.REACHED,
            "it reads FULL_TRANSITIVE; before it read NONE",
            (),
        )
        assert one.levels.level == "FULL_TRANSITIVE"
        assert [json.loads(body) for body in one.levels.bodies] == [
            {"compatibility": "NONE"},
            {"compatibility": "FULL_TRANSITIVE"},
        ]


async def test_a_level_that_nobody_set_is_taken_away_again_and_not_set_to_a_default() -> None:
    async with scene(KARAPACE, UNSET) as one:
        context = RecordingContext()
        end = await one.action.run(NONE, await approved(one), context)
        assert (end.why, end.values) == ("it reads NONE; before it read unset", (("compatibility", UNSET),))
        assert [one.owes.restore for one in context.told if isinstance(one, Intended) and one.owes] == [UNSET]
        back = level_item(UNSET)
        plan = await one.action.describe([back], NOBODY)
        assert plan.items[0].lines == (f"DELETE {one.url}/config",)
        end = await one.action.run(back, plan.items[0].approved, RecordingContext())
        assert (end.outcome, one.levels.level, one.levels.changes[1:]) == (Outcome.REACHED, UNSET, ["DELETE"])


async def test_nothing_is_sent_where_the_level_stands_there_already_and_that_is_what_is_put_back() -> None:
    async with scene(PRODUCTS[1], "NONE") as one:  # Apicurio 3, which reads NONE where nothing is set
        plan = await one.action.describe([NONE], NOBODY)
        assert (plan.items[0].lines, plan.items[0].why) == ((), "it reads NONE already: nothing is sent")
        context = RecordingContext()
        end = await one.action.run(NONE, plan.items[0].approved, context)
        assert (end.outcome, end.values, context.told) == (Outcome.REACHED, (("compatibility", "NONE"),), [])
        assert one.levels.changes == []


async def test_a_product_that_refuses_what_it_does_is_believed_by_what_it_reads() -> None:
    async with scene(PRODUCTS[1], "BACKWARD") as one:
        let = await approved(one)
        one.levels.ways["PUT"] = ["no rule"]
        context = RecordingContext()
        end = await one.action.run(NONE, let, context)
        assert end.outcome is Outcome.REACHED
        told = f"schema registry {one.url} refuses it: HTTP 404: No rule named 'COMPATIBILITY' was found."
        assert answers(context) == [(True, f"{told}; it is seen to be set")]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses us: HTTP 401: so it is"),
        (403, "refuses us: HTTP 403: so it is"),
        (422, "refuses it: HTTP 422: so it is"),
    ],
)
async def test_a_refusal_is_told_in_words_and_leaves_the_level(status: int, words: str) -> None:
    async with scene(KARAPACE, "FORWARD") as one:
        let = await approved(one)
        one.levels.ways["PUT"] = [status]
        context = RecordingContext()
        end = await one.action.run(NONE, let, context)
        assert (end.outcome, end.why) == (Outcome.FAILED, f"schema registry {one.url} {words}; it reads FORWARD")
        assert answers(context) == [(False, f"schema registry {one.url} {words}")]
        one.levels.ways["GET"] = [status]
        with pytest.raises(FeedError, match=words):
            await one.action.describe([NONE], NOBODY)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("late", "did not answer within 0.3 s"),
        ("lost", "breaks off, or does not speak HTTP"),
        (503, "is in trouble itself"),
    ],
)
async def test_what_had_no_answer_is_read_again_and_never_sent_again(way: int | str, words: str) -> None:
    async with scene(KARAPACE, "FORWARD", budget=0.3) as one:
        let = await approved(one)
        one.levels.ways["PUT"] = [way]
        if way == 503:  # taken by one that fails to say so
            one.levels.ways["GET"] = ["answers", 503]
            one.levels.level = "FORWARD"
        context = RecordingContext()
        end = await one.action.run(NONE, let, context)
        if way == 503:
            assert end.outcome is Outcome.UNKNOWN
            assert end.why.endswith("it reads FORWARD still, and it may be taken late")
        else:
            assert (end.outcome, end.why) == (Outcome.REACHED, "it reads NONE; before it read FORWARD")
        ((ok, text),) = answers(context)
        assert (ok, words in text) == (None if way == 503 else True, True)
        assert len(one.levels.changes) == 1


async def test_one_that_is_lost_and_cannot_be_read_back_is_nobodys_guess() -> None:
    async with scene(KARAPACE, "FORWARD") as one:
        let = await approved(one)
        one.levels.ways = {"PUT": ["lost"], "GET": ["answers", 500, 500, 500, 500]}
        context = RecordingContext()
        with pytest.raises(UserError, match=r"cannot be read back: schema registry .* in trouble itself: HTTP 500"):
            await one.action.run(NONE, let, context)
        assert [ok for ok, _ in answers(context)] == [None]
        history = ItemProgress(approved=let)
        found = await one.action.probe(NONE, history, NOBODY)
        assert (found.found, found.sentence) == (Found.DONE, "it reads NONE")
        one.levels.level = "FORWARD"
        found = await one.action.probe(NONE, history, NOBODY)
        assert (found.found, found.sentence) == (Found.NOT_DONE, "it reads FORWARD, as before: NONE is not set")
        one.levels.ways["GET"] = [500]
        assert (await one.action.probe(NONE, history, NOBODY)).found is Found.CANNOT_TELL


async def test_a_registry_that_is_not_there_is_sent_nothing() -> None:
    async with scene(KARAPACE, "FORWARD") as one:
        let = await approved(one)
    context = RecordingContext()
    gone = Compatibility(RegistrySettings(one.url, "site file"), rehearsal=True, budget=5)
    one.action._registry = gone
    end = await one.action.run(NONE, let, context)
    assert (end.outcome, context.told) == (Outcome.FAILED, [])
    assert end.why.startswith(f"nothing was sent: {one.url} cannot be reached: Connection refused")
    await gone.aclose()


async def test_what_changed_since_it_was_approved_disarms_and_is_not_overwritten() -> None:
    async with scene(KARAPACE, "FORWARD") as one:
        before = await one.action.describe([NONE], NOBODY)
        one.levels.level = "BACKWARD"
        now = await one.action.describe([NONE], NOBODY)
        assert difference(before, now).startswith("what would be sent has changed for #1")
        end = await one.action.run(NONE, before.items[0].approved, RecordingContext())
        assert (end.outcome, end.why) == (
            Outcome.FAILED,
            "nothing was sent: it reads BACKWARD, and that was not approved",
        )
        assert one.levels.changes == []
        back = await one.action.describe([level_item("FORWARD")], NOBODY)
        words = "it reads BACKWARD, which this run did not set: somebody else changed it."
        assert back.items[0].why == f"{words} FORWARD stood there before the run"


async def test_a_level_that_nobody_knows_any_more_is_blocked() -> None:
    async with scene(KARAPACE, "NONE") as one:
        plan = await one.action.describe([level_item("<compatibility>")], NOBODY)
        assert (plan.items[0].blocked, plan.items[0].lines) == (True, ())
        assert plan.items[0].why.startswith("what stood there before is not known: f fills in <compatibility>")
        plan = await one.action.describe([level_item("as-it-was")], NOBODY)
        assert (plan.items[0].blocked, plan.items[0].why) == (True, "'as-it-was' is no level")


async def test_a_registry_of_another_site_is_never_changed_nor_one_beyond_this_machine_in_a_rehearsal() -> None:
    async with scene(KARAPACE, "FORWARD", foreign=True) as one:
        with pytest.raises(UserError, match="is none of the site's addresses: nothing is changed there"):
            await one.action.describe([NONE], NOBODY)
        let = json.dumps({"read": "FORWARD", "set": "NONE"})
        end = await one.action.run(NONE, let, RecordingContext())
        assert (end.outcome, one.levels.changes) == (Outcome.FAILED, [])
    away = Compatibility(RegistrySettings("https://registry.example.org", "site file"), rehearsal=True)
    assert away.not_ours == "https://registry.example.org is not on this machine: a rehearsal changes nothing there"
    assert Compatibility(RegistrySettings("https://registry.example.org", "site file"), rehearsal=False).not_ours == ""


async def test_what_is_no_level_is_not_taken_for_one() -> None:
    for body in ('{"compatibilityLevel": "none; rm"}', '{"compatibility": 3}', "<html>"):
        async with answering(always(body)) as server:
            registry = Compatibility(server.settings, rehearsal=True)
            with pytest.raises(FeedError, match="tells no compatibility level: HTTP 200"):
                await registry.level()
            await registry.aclose()


@pytest.mark.parametrize(
    ("product", "level", "words"),
    [
        (KARAPACE, "ok", "its mode is READWRITE: it takes schemas"),
        (PRODUCTS[0], "ok", NO_MODE),
        (PRODUCTS[1], "ok", NO_MODE),
    ],
)
async def test_check_tells_level_and_mode(product: str, level: str, words: str) -> None:
    async with scene(product, "FORWARD") as one:
        found = await check(RegistrySettings(one.url, "site file"), rehearsal=True)
        assert [(line.level, line.sentence) for line in found] == [
            ("ok", f"{one.url}: schema compatibility is FORWARD"),
            (level, words),
        ]
