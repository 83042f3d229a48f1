"""A night of twelve CSCs on the demo observatory: noted, held, killed, resumed with another runbook, waived.

Its journal is as the program wrote it, but for addresses, paths, the operator's name and the shape of requests.
"""

from __future__ import annotations

import html.parser
from pathlib import Path

import pytest

from deploydash.config.load import load_site
from deploydash.core.model import CscId
from deploydash.core.run.records import RunResumed
from deploydash.core.views.timeline import Timeline, named_in, state_at, strip
from deploydash.journal.line import Entry
from deploydash.journal.read import Cursor, read_on
from deploydash.journal.runs import CODEC, JOURNAL
from tests.support.command_line import ROOT, CommandLine
from tests.support.runs import small_runbook

HILL = ROOT / "tests/data/journals/hill"


@pytest.fixture(name="entries", scope="module")
def read() -> list[Entry]:
    return read_on(HILL / JOURNAL, CODEC, Cursor())


@pytest.fixture(name="reports", scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cli = CommandLine(tmp_path_factory.mktemp("home"))
    found = {}
    for form in ("md", "html"):
        ran = cli.run("report", HILL, "--format", form)
        assert (ran.code, ran.err) == (0, "")
        found[form] = ran.out
    return found


SAID = [
    "REHEARSAL hill night c0045",
    "held everything",
    "released the hold",
    "resumed the run; changed since it was opened: tests/data/journals/hill/night.yaml",
    "command_exitControl was sent when deploydash stopped",
    "seen at target: seen there",
    "not settled",
    "0 items failed or gave no answer, 8 were unknown for a while",
    "waived: 1",
    "it was another when the run was resumed; it has changed since the run was opened",
    "hill c0045: left in non-working order after the deployment:",
]


@pytest.mark.parametrize("words", SAID)
@pytest.mark.parametrize("form", ["md", "html"])
def test_both_formats_tell_what_happened_that_night(reports: dict[str, str], form: str, words: str) -> None:
    assert words in reports[form]


def test_what_the_operator_typed_as_markup_is_text_in_the_page(reports: dict[str, str]) -> None:
    page = Page()
    page.feed(reports["html"])
    assert "script" not in page.tags
    assert "b" not in page.tags
    text = "".join(page.text)
    assert "motor <script>alert(1)</script> | removed" in text
    assert "noted: wind <b>12 m/s</b> | gusts" in text
    assert page.tags.count("svg") == 1


class Page(html.parser.HTMLParser):
    """Keeps tags and text apart, as a browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as the standard library calls it
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_a_report_goes_to_a_file(cli_home: CommandLine, tmp_path: Path) -> None:
    output = tmp_path / "night.html"
    ran = cli_home.run("report", HILL, "--format", "html", "--output", output)
    assert (ran.code, ran.out) == (0, "")
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.fixture(name="cli_home")
def home(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


def test_the_strips_show_the_night_and_that_nobody_looked_between_the_kill_and_the_resume(
    entries: list[Entry],
) -> None:
    roster = load_site(HILL / "hill.yaml").roster
    timeline = Timeline(small_runbook(), roster)
    timeline.take([(entry.utc, entry.record) for entry in entries])
    resumed = next(entry.utc for entry in entries if isinstance(entry.record, RunResumed))
    watcher = timeline.spells[CscId("Watcher")]
    cells = strip(watcher, timeline.began, 1.0, int(timeline.last - timeline.began), timeline.last)
    letters = "".join(cell.effective.value[0] if cell.effective is not None else "." for cell in cells).strip(".")
    assert letters.startswith("EEE")
    assert letters.rstrip("U").endswith("OOO")
    before = state_at(watcher, resumed)
    assert before is not None
    assert (before.effective, before.utc < resumed) == (None, True)


def test_everybody_in_the_journal_is_in_the_picture(entries: list[Entry]) -> None:
    lines = [(entry.utc, entry.record) for entry in entries]
    opened = entries[0].record
    timeline = Timeline(small_runbook(), named_in(lines, opened))  # type: ignore[arg-type]
    timeline.take(lines)
    assert sum(timeline.counts(timeline.last).values()) == 12
