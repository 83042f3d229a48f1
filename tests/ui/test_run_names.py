"""Names in the dialogs of sign-offs: what is offered, what a beginning means, and that each is taken by its own key."""

from __future__ import annotations

import pytest

from deploydash.core.owners import Owner
from deploydash.core.procedure.names import WHOLE, StepId, numbered
from deploydash.core.run.orders import SetPlaceholders, SignOff
from deploydash.core.run.records import ChoiceAnswered, ItemSignedOff, Reply
from tests.support import run_snapshots
from tests.support.run_ui import running_run
from tests.support.runs import OPERATOR
from tests.support.snapshots import UTC
from tests.ui.test_run_keys import Case, press

BUILDS = StepId("builds")

CASES = {
    "a name that is known is meant by its beginning, and stands in full before it is taken": Case(
        lambda: run_snapshots.at_step("go-no-go", more=[(UTC - 60, ItemSignedOff(BUILDS, WHOLE, "Bo", OPERATOR, "x"))]),
        ("S", "'b", "enter", "'Bea", "enter", "enter", "enter", "'b", "enter", "enter"),
        (
            SignOff(StepId("go-no-go"), "Bo", numbered(0), "", Reply.YES),
            SignOff(StepId("go-no-go"), "Bea", numbered(1), "", Reply.YES),
            SignOff(StepId("go-no-go"), "Bo", numbered(4), "", Reply.YES),
        ),
    ),
    "who signs off is offered as the coordinator": Case(
        lambda: run_snapshots.at_step(
            "announce-start", more=[(UTC - 60, ItemSignedOff(BUILDS, WHOLE, "Bo", OPERATOR, "x"))]
        ),
        ("f", "enter"),
        (SetPlaceholders((("coordinator", "Bo"),)),),
    ),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
async def test_the_dialog_orders_what_stands_in_it(case: Case) -> None:
    async with running_run(case.scene()) as screen:
        await press(screen, case.keys)
        await screen.until(lambda: len(screen.inbox.orders) >= len(case.orders))
        assert tuple(screen.inbox.orders) == case.orders


async def test_one_key_takes_each_name_that_is_offered_and_who_said_so_before_in_the_run_comes_first() -> None:
    speakers = {"cameras": Owner("Ana"), "DM": Owner("Cy", "#dm")}
    said = [(UTC - 60, ItemSignedOff(StepId("go-no-go"), numbered(0), "Bo", OPERATOR))]
    async with running_run(run_snapshots.at_step("principals-config", more=said), speakers=speakers) as screen:
        await press(screen, ("S",))
        await screen.sees("Each by name")
        assert "Bo" in screen.text()
        assert "Ana" not in screen.text()
        await press(screen, ("enter",) * 5)
        await screen.until(lambda: len(screen.inbox.orders) == 2)
        step = StepId("principals-config")
        assert screen.inbox.orders == [SignOff(step, "Bo", numbered(0)), SignOff(step, "Cy", numbered(2))]


async def test_where_a_step_names_whose_person_it_asks_for_who_speaks_for_that_owner_is_offered_and_nobody_else() -> (
    None
):
    said = [(UTC - 60, ItemSignedOff(StepId("go-no-go"), numbered(0), "Bo", OPERATOR))]
    answered = (UTC - 200, ChoiceAnswered("cameras", "restart", OPERATOR))
    asked = run_snapshots.at_step("camera-expert", more=[answered, *said])
    async with running_run(asked) as screen:
        await press(screen, ("d", "enter"))
        await screen.until(lambda: bool(screen.inbox.orders))
        assert screen.inbox.orders == [SignOff(StepId("camera-expert"), "Bo", WHOLE, "Bo")]
    answered = (UTC - 200, ChoiceAnswered("cameras", "cycle", OPERATOR))
    built = (UTC - 60, ItemSignedOff(StepId("builds"), WHOLE, "Ana", OPERATOR, "the build team"))
    async with running_run(run_snapshots.at_step("stage-2", more=[answered, built])) as screen:
        await press(screen, ("d", "enter"))
        await screen.sees("write down who of the camera team took over")
        assert screen.inbox.orders == []


async def test_an_enter_that_is_held_down_says_yes_for_nobody() -> None:
    speakers = dict.fromkeys(("cameras", "M1M3 and M2", "DM", "SQuaRE", "observing"), Owner("Ana"))
    async with running_run(run_snapshots.at_step("go-no-go"), speakers=speakers) as screen:
        await press(screen, ("S",))
        await screen.press(*("enter",) * 6)
        await screen.sees("read this line, then press again")
        assert screen.inbox.orders == []


async def test_the_lead_of_the_own_file_is_offered_until_another_name_was_given() -> None:
    first = run_snapshots.at_step("tickets")
    async with running_run(first, me="Cy") as screen:
        await press(screen, ("d", "'OSW-7", "enter"))
        await screen.until(lambda: bool(screen.inbox.orders))
        assert screen.inbox.orders == [SignOff(StepId("tickets"), "Cy", WHOLE, "OSW-7")]
    later = run_snapshots.at_step("page", more=[(UTC - 60, ItemSignedOff(BUILDS, WHOLE, "Bo", OPERATOR, "x"))])
    async with running_run(later, me="Cy") as screen:
        await press(screen, ("d", "'it", "enter"))
        await screen.until(lambda: bool(screen.inbox.orders))
        assert screen.inbox.orders == [SignOff(StepId("page"), "Bo", WHOLE, "it")]
