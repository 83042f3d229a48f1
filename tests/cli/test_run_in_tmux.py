"""A run in tmux as its lead, a mirror and an observer have it: one drives, the others see the same and cannot act."""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploydash.cli.tmux import Session, session_of
from tests.e2e.observatory import Observatory, serving
from tests.servers.cache import tool
from tests.servers.fixtures import have
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.server

OUTSIDE = ("env", "-u", "TMUX", "-u", "TMUX_PANE")
"""A terminal in a test is a tmux, too; the program in it must not know."""

MOVING = re.compile(r"\d+:\d\d:\d\d|\d+/s|\d+ watching|\s+|·")
"""What differs between two looks at one screen: clocks, rates, who watches, and the blanks around them."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """The Summit on a calm night, shared."""
    with serving(CommandLine(tmp_path_factory.mktemp("world")), "--scenario", "calm", "--speed", "4") as observatory:
        yield observatory


@dataclass(frozen=True, slots=True)
class Desk:
    """The machine of a lead and a second operator, with terminals."""

    cli: CommandLine
    folder: Path
    sockets: str

    def environment(self) -> dict[str, str]:
        return self.cli.environment({"TERM": "screen-256color", "TMUX_TMPDIR": self.sockets})

    def open(self, name: str, *words: object, size: tuple[int, int]) -> Tmux:
        """Run a command in a terminal of its own."""
        terminal = Tmux(self.folder / name)
        terminal.start([*OUTSIDE, *map(str, words)], columns=size[0], rows=size[1], env=self.environment())
        return terminal

    def command(self, name: str, *words: object, size: tuple[int, int]) -> Tmux:
        """Run deploydash in a terminal of its own."""
        return self.open(name, *self.cli.words(*words), size=size)

    @property
    def run(self) -> str:
        """The id of the one run."""
        [folder] = (self.cli.state / "runs").iterdir()
        return folder.name

    @property
    def session(self) -> Session:
        return session_of(self.run, self.environment())

    def kinds(self) -> list[str]:
        """Return the kinds of the journal's lines."""
        lines = (self.cli.state / "runs" / self.run / "journal.jsonl").read_bytes().splitlines()
        return [json.loads(line)["kind"] for line in lines]

    def holder(self) -> int:
        """Return the process that has the run open."""
        ran = self.cli.run("runs", "--json", env={"TMUX_TMPDIR": self.sockets})
        found = re.search(r"process (\d+)", ran.out)
        assert found is not None, ran.out
        return int(found[1])


@pytest.fixture
def inbox(cli: CommandLine, tmp_path: Path) -> Iterator[Desk]:
    """A machine with no run on it; whatever was left in tmux ends with the test."""
    have("tmux", lambda: tool("tmux"))
    with tempfile.TemporaryDirectory(prefix="dd-") as sockets:
        here = Desk(cli, tmp_path, sockets)
        try:
            yield here
        finally:
            if (cli.state / "runs").exists():
                here.session.ask("kill-server")


@contextmanager
def lead(inbox: Desk, world: Observatory) -> Iterator[Tmux]:
    """Open a run with ``--tmux`` in a terminal of 200×50 and go to it."""
    words = ("run", world.site_file, "full-cycle", "--cycle", "c0045", "--tmux")
    with inbox.command("lead", *words, size=(200, 50)) as terminal:
        said = terminal.wait_for("Enter goes on.", 30)
        assert " attach -r -t summit-c0045-" in said
        assert "server-access -a -r USER" in said
        assert "deploydash observe summit-c0045-" in said
        terminal.send_keys("Enter")
        terminal.wait_for("Your turn", 40)
        yield terminal


def settled(terminal: Tmux) -> str:
    """Return the screen once every state is shown and two looks at it are the same."""
    looks = ["", ""]

    def same() -> bool:
        looks[:] = [looks[1], terminal.capture()]
        return still(looks[0]) == still(looks[1]) and "S  ATAOS" in looks[1]

    wait_until(same, 30, "the screen is settled", step=1.0)
    return looks[1]


def choose_second(terminal: Tmux, question: str) -> None:
    """Answer a dialog by its second choice; keys count only once it could be read."""
    terminal.wait_for(question, 10)
    terminal.send_keys("Down")

    def taken() -> bool:
        if question in terminal.capture():
            terminal.send_keys("Enter")
        return question not in terminal.capture()

    wait_until(taken, 10, f"{question} is answered", step=0.3)


def press_until(terminal: Tmux, key: str, text: str) -> None:
    """Press a key until it counts: one typed before its card could be read is refused."""

    def shown() -> bool:
        if text not in terminal.capture():
            terminal.send_keys(key)
        return text in terminal.capture()

    wait_until(shown, 10, f"{key} opens {text}", step=0.6)


def released(terminal: Tmux, inbox: Desk) -> bool:
    """Fire what is armed, which takes no key at first, and say whether the run is released."""
    if "Armed" in terminal.capture():
        terminal.send_keys("Enter")
    return "RunReleased" in inbox.kinds()


def still(screen: str) -> list[str]:
    return [MOVING.sub("", line) for line in screen.splitlines()]


def test_a_small_read_only_mirror_changes_nothing_on_the_leads_screen_and_cannot_act(
    inbox: Desk, world: Observatory
) -> None:
    with lead(inbox, world) as leading:
        before = settled(leading)
        session = inbox.session
        with inbox.open("mirror", *session.mirror.split(), size=(80, 24)) as mirror:
            seen = mirror.wait_for("Your turn", 15)
            with_mirror = leading.wait_for("1 watching", 20)
            assert leading.size() == (200, 50)
            assert (session.ask("list-panes", "-F", "#{pane_width}x#{pane_height}") or "").strip() == "200x50"
            assert still(with_mirror)[2:-1] == still(before)[2:-1]
            assert [line[:80].rstrip() for line in with_mirror.splitlines()][2:24] == (
                [line.rstrip() for line in seen.splitlines()][2:24]
            ), "the mirror shows the top left"
            mirror.send_keys("H", "q", "C-c")
            leading.send_keys("?")
            mirror.wait_for("Keys", 10)
            leading.send_keys("Escape")
            mirror.wait_for("Your turn", 10)
            assert "RunHeld" not in inbox.kinds()
            mirror.send_keys("C-b", "d")
            assert mirror.wait_exit() == 0
        wait_until(lambda: "watching" not in leading.capture(), 20, "nobody watches any more")
        assert leading.size() == (200, 50)
        assert still(leading.capture())[2:-1] == still(before)[2:-1]
        assert inbox.kinds().count("RunOpened") == 1


@pytest.mark.parametrize("own_session", [False, True])
def test_a_window_in_the_background_is_flagged_when_it_is_the_leads_turn(
    inbox: Desk, world: Observatory, own_session: bool
) -> None:
    words = ("run", world.site_file, "full-cycle", "--cycle", "c0045", *(["--tmux"] if own_session else []))
    with inbox.command("lead", *words, size=(200, 50)) as terminal:
        if own_session:
            terminal.wait_for("Enter goes on.", 30)
            terminal.send_keys("Enter")
        terminal.leave_window()
        assert not terminal.flagged
        wait_until(lambda: terminal.flagged, 40, "the window in the background is flagged")
        terminal.return_to_window()
        terminal.wait_for("Your turn", 5)
        assert not terminal.flagged


def test_an_observer_asks_for_a_hold_and_is_told_what_changed_when_coming_back(inbox: Desk, world: Observatory) -> None:
    with lead(inbox, world) as leading:
        with inbox.command("observer", "observe", size=(120, 40)) as observer:
            observer.wait_for("you observe", 30)
            observer.send_keys("d", "s")
            observer.send_keys("H")
            observer.wait_for("HOLD  by ", 10)
            assert "(observer): nothing further is sent" in leading.wait_for("HOLD  by ", 10)
            observer.send_keys("q")
            assert observer.wait_exit() == 0
        assert inbox.kinds().count("RunHeld") == 1
        press_until(leading, "R", "It is held by")
        press_until(leading, "a", "Armed")
        wait_until(lambda: released(leading, inbox), 10, "the lead resumes it", step=0.5)
        with inbox.command("again", "observe", inbox.run, size=(80, 24)) as observer:
            observer.wait_for("held, and released by", 30)
            assert re.search(r"since \d\d:\d\d UTC: held, and released by", observer.capture())
            os.kill(inbox.holder(), signal.SIGKILL)
            observer.wait_for("no process has this run open", 15)
        leading.wait_for("ended by signal 9; resume it: deploydash resume", 15)
        assert leading.wait_exit() == 1


def test_a_run_outlives_its_terminal_has_one_writer_and_is_found_again(inbox: Desk, world: Observatory) -> None:
    with lead(inbox, world) as leading:
        holder = inbox.holder()
        ran = inbox.cli.run("resume", env={"TMUX_TMPDIR": inbox.sockets})
        assert ran.code == 4
        assert f"process {holder}" in ran.err
        assert f"back to it: {inbox.session.lead}" in ran.err
        assert inbox.session.mirror in inbox.cli.run("runs", env={"TMUX_TMPDIR": inbox.sockets}).out
        leading.send_keys("C-b", "d")
        assert f"the run continues; attach with: {inbox.session.lead}" in leading.wait_for("the run continues", 10)
        assert leading.wait_exit() == 1
    assert inbox.holder() == holder
    with inbox.command("back", "resume", "--tmux", size=(120, 40)) as back:
        back.wait_for("Enter goes on.", 30)
        back.send_keys("Enter")
        back.wait_for("Your turn", 15)
        assert inbox.holder() == holder, "it is the same process"
        back.send_keys("q")
        choose_second(back, "Leave the run?")
        assert "is open; resume it: deploydash resume" in back.wait_for("is open; resume it", 15)
        assert back.wait_exit() == 1
    assert not inbox.session.alive
    assert inbox.kinds().count("RunResumed") == 0


def test_a_recorded_run_is_replayed(inbox: Desk, world: Observatory) -> None:
    with lead(inbox, world):
        wait_until(lambda: inbox.kinds().count("StateRecorded") >= 117, 20, "everybody's state is in the journal")
        os.kill(inbox.holder(), signal.SIGKILL)
    with inbox.command("replay", "replay", "--speed", "50", size=(120, 40)) as replay:
        replay.wait_for("the journal ends here; everything is shown as it was at", 40)
        assert "you observe" in replay.capture()
        replay.send_keys("q")
        assert replay.wait_exit() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_lead_whose_terminal_or_process_is_ended_gives_the_run_back(
    inbox: Desk, world: Observatory, number: signal.Signals
) -> None:
    with inbox.command("plain", "run", world.site_file, "full-cycle", size=(120, 40)) as plain:
        plain.wait_for("Your turn", 40)
        holder = inbox.holder()
        os.kill(holder, number)
        assert plain.wait_exit() == 128 + number
        assert "Traceback" not in plain.capture()
    [run] = json.loads(inbox.cli.run("runs", "--json").out)
    assert (run["open"], run["holder"]) == (True, None)
    assert inbox.kinds()[0] == "RunOpened"
