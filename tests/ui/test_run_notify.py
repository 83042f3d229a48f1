"""The terminal's own notification: its bytes, where none is written, and that no data can steer the terminal."""

from __future__ import annotations

import pytest

from deploydash.ui.draw.run.notify import LONGEST, notification, wanted
from tests.support import run_snapshots
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import RunUi, running_run

XTERM = {"TERM": "xterm-256color"}
TMUX = {"TERM": "screen-256color", "TMUX": "/tmp/tmux-1/default,7,0"}


def test_it_is_one_osc_9_and_inside_tmux_the_same_handed_through() -> None:
    assert notification("summit: your turn", XTERM) == "\x1b]9;deploydash: summit: your turn\x07"
    assert notification("summit: your turn", TMUX) == "\x1bPtmux;\x1b\x1b]9;deploydash: summit: your turn\x07\x1b\\"


@pytest.mark.parametrize("term", ["", "dumb", "linux", "vt100", "screen-256color", "tmux-256color"])
def test_a_terminal_that_cannot_take_it_gets_nothing(term: str) -> None:
    assert notification("summit: your turn", {"TERM": term}) == ""


@pytest.mark.parametrize("environ", [XTERM, TMUX])
def test_no_character_of_the_text_can_end_the_sequence_or_begin_another(environ: dict[str, str]) -> None:
    evil = "a\x07b\x1b]0;title\x1b\\c\x9cd\x90e\r\nf\u202eg\x00h\x7fi"
    shown = "a␇b␛]0;title␛\\c‹U+009C›d‹U+0090›e f‹U+202E›g␀h␡i"
    assert notification(evil, environ) == notification(shown, environ)


def test_what_is_too_long_is_cut() -> None:
    assert len(notification("x" * 1_000, XTERM)) == LONGEST + len("\x1b]9;deploydash: \x07")


@pytest.mark.parametrize(("value", "on"), [("", True), ("on", True), ("off", False), (" NO ", False), ("0", False)])
def test_the_environment_switches_it_off(value: str, on: bool) -> None:
    assert wanted({"DEPLOYDASH_NOTIFY": value}) is on


def listen(screen: RunUi, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name, value in XTERM.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TMUX", raising=False)
    told: list[str] = []
    monkeypatch.setattr(screen.app, "tell_terminal", told.append)
    return told


async def test_the_terminal_is_told_once_what_needs_the_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_run(run_snapshots.waiting()) as screen:
        told = listen(screen, monkeypatch)
        await screen.publish(run_snapshots.waiting(missing=False))
        await screen.publish(run_snapshots.waiting(missing=False, waived=False))
        assert told == ["\x1b]9;deploydash: summit: all CSCs are at target, end the wait\x07"]


async def test_bell_and_notification_are_switched_each_by_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        told = listen(screen, monkeypatch)
        screen.bells.clear()
        await screen.press("B")
        await screen.sees("notifications of the terminal are off")
        await screen.publish(SCENES["asking"]())
        assert (len(screen.bells), told) == (1, [])
        await screen.press("B", "b")
        await screen.sees("the bell is off")
        await screen.publish(SCENES["held"]())
        assert (len(screen.bells), len(told)) == (1, 1)
