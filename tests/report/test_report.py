"""What a report says is what the journal says, no more and no less."""

import pytest

from deploydash.core.fleet.records import BeatsChanged, StateRecorded
from deploydash.core.model import CscId, Liveness, Source, SummaryState
from deploydash.core.procedure.names import StepId, csc_item, numbered
from deploydash.core.run.records import (
    CscsWaived,
    ItemEnded,
    ItemSignedOff,
    NoteWritten,
    Outcome,
    RequestIntended,
    RunHeld,
    RunOpened,
    StepApproved,
    StepDone,
    StepSkipped,
)
from deploydash.core.views.timeline import Line
from deploydash.report.picture import states_picture
from deploydash.report.render import html_report, markdown_report
from deploydash.report.story import Story, broken_notice, story_of
from tests.support.runs import OPERATOR, PLAIN, WATCHER, small_runbook

T0 = 1_794_996_240.0
WATCHER_STEP = StepId("watcher")
OPENED = RunOpened("summit-c0045-x", "summit", "full-cycle", "c0045", OPERATOR, rehearsal=True)


def state(csc: CscId, told: SummaryState, at: float) -> StateRecorded:
    return StateRecorded(csc, told, T0, Source.KAFKA, 7, 1, live=True, current=True, at=at)


def beats(csc: CscId, liveness: Liveness, at: float) -> BeatsChanged:
    return BeatsChanged(csc, liveness, listening=False, beat_at=at, at_least=False, has_beaten=True, at=at)


def night() -> list[Line]:
    return [
        (T0, OPENED),
        (T0 + 1, beats(WATCHER, Liveness.BEATING, 1.0)),
        (T0 + 1, state(WATCHER, SummaryState.ENABLED, 1.0)),
        (T0 + 60, StepApproved(WATCHER_STEP, OPERATOR, 4, ("page is settled",), "page is late")),
        (T0 + 61, RequestIntended(WATCHER_STEP, csc_item(WATCHER), "disable of Watcher", "5")),
        (T0 + 91, ItemEnded(WATCHER_STEP, csc_item(WATCHER), Outcome.UNKNOWN, "no answer in 30 s")),
        (T0 + 95, RunHeld("ops2")),
        (T0 + 96, beats(WATCHER, Liveness.LATE, 96.0)),
        (T0 + 99, state(WATCHER, SummaryState.OFFLINE, 99.0)),
        (T0 + 120, StepDone(WATCHER_STEP)),
        (T0 + 130, CscsWaived((PLAIN[0],), OPERATOR, "motor | removed")),
        (T0 + 140, ItemSignedOff(StepId("bridges-stop"), numbered(0), "camera team", OPERATOR, "key T-1")),
        (T0 + 150, StepSkipped(StepId("queues"), OPERATOR, "test stand keeps them")),
        (T0 + 160, NoteWritten("coffee", OPERATOR)),
    ]


@pytest.fixture(name="story")
def told() -> Story:
    return story_of(night(), small_runbook())


def test_each_step_says_how_it_ended_how_long_it_took_and_who_let_it_go(story: Story) -> None:
    steps = {line.step: line for line in story.steps}
    assert (steps["watcher"].status, steps["watcher"].seconds, steps["watcher"].by) == ("done", 60.0, OPERATOR)
    assert steps["queues"].status == "skipped: test stand keeps them"
    assert steps["cscs"].status == "pending"


def test_the_timeline_names_who_pressed_what_with_overrides_holds_and_waivers(story: Story) -> None:
    said = [(each.who, each.what) for each in story.timeline]
    assert (OPERATOR, "approved watcher, overriding: page is settled (page is late)") in said
    assert ("ops2", "held everything") in said
    assert ("", "Watcher: unknown, no answer in 30 s") in said
    assert (OPERATOR, "recorded bridges-stop, host-a as signed off by camera team (key T-1)") in said


def test_stragglers_waivers_and_commands_are_counted(story: Story) -> None:
    assert story.stragglers == (("Watcher", "unknown", "no answer in 30 s"),)
    assert story.broken == ((PLAIN[0], "motor | removed"),)
    assert (story.requests, story.commands) == (1, 1)


def test_the_notice_about_what_was_left_broken_says_that_a_rehearsal_is_none(story: Story) -> None:
    notice = broken_notice(story)
    assert notice.startswith("REHEARSAL")
    assert f"• {PLAIN[0]}: motor | removed" in notice
    assert broken_notice(story_of(night()[:4], small_runbook())) == ""


def test_markdown_keeps_a_bar_in_a_text_from_breaking_its_table(story: Story) -> None:
    text = markdown_report(story)
    assert text.startswith("# REHEARSAL summit full-cycle c0045")
    assert "motor \\| removed" in text
    assert "## States over time" in text


def test_html_escapes_what_people_typed() -> None:
    lines = [*night(), (T0 + 170, NoteWritten("<script>alert(1)</script>", OPERATOR))]
    page = html_report(story_of(lines, small_runbook()))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_picture_shows_the_states_as_the_live_grid_would_have(story: Story) -> None:
    before, after = story.states[0][1], story.states[-1][1]
    assert (before["OFFLINE"], after["OFFLINE"]) == (0, 1)
    picture = states_picture(story)
    assert "#29363d" in picture
    assert picture.count("<rect") >= 2


def test_a_journal_without_an_opening_is_refused() -> None:
    with pytest.raises(ValueError, match="opening"):
        story_of(night()[1:], small_runbook())
