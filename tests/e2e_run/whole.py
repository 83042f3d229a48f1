"""A shipped runbook driven by keys to *closed* on the demo observatory, at any of the three sites, in any scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e_run.world import journals, open_run, world
from tests.servers.command_reader import Found
from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, Lead

ANSWERS = {
    "camera team install": "restart",
    "minimal testing": "skip",
    "Which CSCs are to be ENABLED": "published",
    "integration testing follow": "none",
}
"""Everything else gets the answer that stands first, the safe one."""


@dataclass(frozen=True, slots=True)
class Driven:
    """A run after its lead has left: how the program ended, its journal, its commands and its report."""

    status: int
    journal: Path
    commands: Found
    report: str
    keys: int


@dataclass(frozen=True, slots=True)
class Whole:
    """What is driven: a runbook at a site in a scenario, by a lead with these answers to its questions."""

    runbook: str
    scenario: str | Path
    site: str = "summit"
    options: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=lambda: ANSWERS)
    owners: str = ""
    """The lead's own file of names, nothing where there is none."""
    speed: int = 20
    lead: Callable[..., Lead] = Lead
    seconds: float = 340
    """How long it may take on a quiet machine."""


def drive(whole: Whole, folder: Path) -> Driven:
    """Drive it to *closed* with a home of its own in ``folder``, leave, and have the report written.

    Raises:
        AssertionError: it did not come to its end; the message holds the screen.
    """
    cli = CommandLine(folder / "home")
    if whole.owners:
        own = cli.home / ".config" / "deploydash" / "owners.yaml"
        own.parent.mkdir(parents=True)
        own.write_text(whole.owners, encoding="utf-8")
    words = ("--site", whole.site, "--scenario", whole.scenario, "--speed", whole.speed)
    with world(cli, *map(str, words)) as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, whole.runbook, *whole.options)
        lead = whole.lead(tmux, site=whole.site, answers=whole.answers)
        lead.play(lambda frame: frame.title == CLOSED, whole.seconds)
        tmux.send_keys("q")
        status = tmux.wait_exit()
        commands = observatory.commands()
    (journal,) = journals(cli)
    report = cli.run("report", journal.parent.name)
    assert report.code == 0, report.err
    return Driven(status, journal, commands, report.out, lead.keys)
