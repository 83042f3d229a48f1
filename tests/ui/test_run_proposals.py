"""An order about items by keys: shown exactly, armed, and sent; a single key sends nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.names import PROPOSED, StepId
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.orders import ArmProposal, Disarm, Fire, Hold, Retry, TypeName
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.views.proposal_view import ProposalCard
from deploydash.ui.run_keys import PROPOSAL
from deploydash.ui.screens.form import Form
from deploydash.ui.screens.proposal import ProposalScreen
from tests.support.run_snapshots import OPERATOR, SCENES
from tests.support.run_ui import RunUi, running_run
from tests.support.runs import csc_items
from tests.support.snapshots import NOW, UTC

IDS = csc_items((CscId("MTDome"),))
RETRY = Retry(StepId("cscs"), IDS)
LINE = "lsst.sal.MTDome.command_exitControl"


def beside(tier: Tier = Tier.MODERATE, *, lines: tuple[str, ...] = (LINE,), **changes: object) -> Published:
    """The scene of what failed, with what the controller puts beside it while the dialog about a retry is open."""
    base = SCENES["asking"]()
    assert base.run is not None
    card = ProposalCard(RETRY, "retry MTDome of cscs", tier, (), Plan("", (ItemPlan(IDS[0], lines),), UTC))
    card = replace(card, **changes)  # type: ignore[arg-type]
    return replace(base, number=base.number + 1, run=replace(base.run, proposal=card))


def arm(tier: Tier = Tier.MODERATE, typed_at: float | None = None) -> Arm:
    return Arm(PROPOSED, tier, NOW, typed_at)


async def asked(screen: RunUi, shown: Published) -> None:
    await screen.press("r")
    await screen.until(lambda: screen.inbox.proposed == [RETRY])
    await screen.sees("Reading what it would do now")
    await screen.publish(shown)
    await screen.read()


async def test_r_sends_nothing_before_it_was_shown_and_armed() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await asked(screen, beside())
        await screen.sees("Retry MTDome of cscs at SUMMIT")
        await screen.sees(LINE)
        await screen.press("enter")
        await screen.sees("It is armed first: a")
        assert screen.inbox.orders == []
        await screen.press("a")
        assert screen.inbox.orders == [ArmProposal(RETRY)]
        await screen.publish(beside(armed=arm()))
        await screen.sees("Nothing is sent yet. Enter sends it.")
        await screen.press("enter")
        await screen.sees("look once more")
        await screen.read()
        await screen.press("enter")
        assert screen.inbox.orders == [ArmProposal(RETRY), Fire(PROPOSED)]
        await screen.publish(SCENES["asking"]())
        await screen.until(lambda: not isinstance(screen.app.screen, ProposalScreen))


async def test_esc_disarms_and_then_closes_and_a_hold_goes_through() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await asked(screen, beside(armed=arm()))
        await screen.press("escape")
        await screen.publish(beside(message="disarmed"))
        await screen.sees("Disarmed")
        await screen.press("H")
        await screen.press("escape")
        await screen.until(lambda: not isinstance(screen.app.screen, ProposalScreen))
        assert screen.inbox.orders == [Disarm(PROPOSED), Hold(OPERATOR)]


async def test_what_is_severe_asks_for_the_name_of_the_site_and_counts_down() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await asked(screen, beside(Tier.SEVERE))
        await screen.press("a")
        await screen.publish(beside(Tier.SEVERE, armed=arm(Tier.SEVERE)))
        await screen.until(lambda: isinstance(screen.app.screen, Form))
        await screen.sees("Armed: type summit")
        await screen.read()
        await screen.type("tucson")
        await screen.press("enter")
        await screen.sees("type exactly summit")
        for _ in "tucson":
            await screen.press("backspace")
        await screen.type("summit")
        await screen.press("enter")
        assert screen.inbox.orders == [ArmProposal(RETRY), TypeName("summit", PROPOSED)]
        await screen.publish(beside(Tier.SEVERE, armed=arm(Tier.SEVERE, screen.clock.now)))
        await screen.sees("Esc cancels")
        await screen.press("escape")
        assert screen.inbox.orders[-1] == Disarm(PROPOSED)


async def test_what_is_mild_takes_one_key_after_it_was_shown() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await asked(screen, beside(Tier.MILD))
        await screen.press("enter")
        assert screen.inbox.orders == [RETRY]
        await screen.until(lambda: not isinstance(screen.app.screen, ProposalScreen))


async def test_what_may_not_go_says_why_and_cannot_be_armed() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await asked(screen, beside(why_not="none of these failed or is unknown"))
        await screen.sees("It may not go now: none of these failed or is unknown")
        await screen.press("a")
        await screen.sees("Nothing to arm: none of these failed")
        assert screen.inbox.orders == []


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_what_is_longer_than_the_frame_is_scrolled_and_the_keys_stay(size: tuple[int, int]) -> None:
    lines = tuple(f"line {number}" for number in range(60))
    async with running_run(SCENES["asking"](), width=size[0], height=size[1]) as screen:
        await asked(screen, beside(lines=lines))
        await screen.sees("more lines: PgDn")
        await screen.sees("a arm")
        for _ in range(12):
            await screen.press("pagedown")
        await screen.sees("line 59")
        await screen.sees("that is all of it: PgUp")
        await screen.sees("a arm")


def test_every_key_of_the_dialog_has_a_method() -> None:
    for key in PROPOSAL:
        assert hasattr(ProposalScreen, f"act_{key.act}"), key
