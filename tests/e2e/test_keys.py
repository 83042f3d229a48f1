"""The grid in a real terminal, driven by keys and read back, at the three sizes that it was designed for."""

from __future__ import annotations

import re

import pytest

from tests.e2e.observatory import Observatory, counts, row, watch
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine

pytestmark = pytest.mark.server

AT_TARGET = "112/117 at startup  4 off  1 unknown"
COLOUR = re.compile(r"[34]8;[25];[0-9;]+|\x1b\[(?:[0-9;]*;)?(?:3[0-7]|4[0-7]|9[0-7]|10[0-7])[;m]")
OFF = ("MTDome", "ESS:303", "DIMM:2", "CBP", "OCPS:2")


def until(tmux: Tmux, *texts: str, absent: tuple[str, ...] = (), seconds: float = 15) -> str:
    """Return the screen once it has all of these texts and none of those."""
    held: list[str] = []

    def shown() -> bool:
        held[:] = [tmux.capture()]
        return all(text in held[0] for text in texts) and not any(text in held[0] for text in absent)

    try:
        wait_until(shown, seconds, f"{texts} shown, {absent} not")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{held[0]}") from None
    return held[0]


@pytest.mark.parametrize("size", [(200, 50), (120, 40), (80, 24)])
def test_the_grid_fits_its_terminal_and_says_the_same_at_every_size(
    tmux: Tmux, cli: CommandLine, calm_world: Observatory, size: tuple[int, int]
) -> None:
    watch(tmux, cli, calm_world.site_file, size=size)
    screen = until(tmux, "112/117 at startup", "4 off", "REHEARSAL", "SUMMIT", "kafka", "quit")
    lines = screen.splitlines()
    assert len(lines) == size[1]
    assert max(len(line) for line in lines) <= size[0]
    assert counts(screen) == (112, 117)
    for group, has in (("AT", "13/13"), ("MT", "27/28"), ("Envsys", "43/45"), ("Observatory", "11/12")):
        assert re.search(rf"\b{group} +[━─]+ +{has}", screen), group
    if size[0] >= 120:
        everybody = " ".join(lines)
        for name in ("ATDome", "F! MTDome", "L!303", "O*2", "CBP", "D2", "441", "442", "443", "Test:42"):
            assert name in everybody
    tmux.send_keys("q")
    assert tmux.wait_exit() == 0


def test_keys_filter_narrow_explain_and_help(tmux: Tmux, cli: CommandLine, calm_world: Observatory) -> None:
    watch(tmux, cli, calm_world.site_file)
    until(tmux, AT_TARGET)
    tmux.send_keys("x")
    screen = until(tmux, "not at target", absent=("ATSpectrograph",))
    assert [name for name in OFF if name not in screen] == []
    assert "FAULT" in row(screen, "MTDome")
    assert "LOST: was ENABLED when its beats stopped" in row(screen, "ESS:303")
    assert "OFFLINE inferred: last state STANDBY, no beat for" in row(screen, "DIMM:2")
    assert "never seen" in row(screen, "CBP")
    tmux.send_keys("x")
    until(tmux, "ATSpectrograph", absent=("not at target",))

    tmux.send_keys("/")
    tmux.type_text("mtdome")
    until(tmux, "mtdome", "2 match")
    tmux.send_keys("Enter")
    tmux.send_keys("Enter")
    screen = until(
        tmux, "Last minute of heartbeats", "MTDome", "(pod mtdome-", "Job mtdome of", absent=("ATSpectrograph",)
    )
    assert "shutter drive: encoder lost" in screen
    assert "FAULT" in screen
    tmux.send_keys("Escape")
    until(tmux, "ATSpectrograph")
    tmux.send_keys("Escape")
    until(tmux, "ATSpectrograph", absent=("2 match",))

    tmux.send_keys("?")
    screen = until(tmux, "Keys: Grid", "off target", absent=("ATSpectrograph",))
    assert "q        leave" in screen
    tmux.send_keys("Escape")
    until(tmux, "ATSpectrograph")

    tmux.send_keys("v")
    until(tmux, "at end")
    tmux.send_keys("v")
    screen = until(tmux, "at shutdown")
    assert counts(screen)[0] < 30, "nearly nobody is OFFLINE"


def test_themes_differ_in_colour_and_never_in_text(tmux: Tmux, cli: CommandLine, calm_world: Observatory) -> None:
    watch(tmux, cli, calm_world.site_file)
    until(tmux, AT_TARGET)
    colours: dict[str, frozenset[str]] = {}
    for name in ("love", "okabe-ito", "high-contrast", "mono"):
        if name != "love":
            tmux.send_keys("T")
            until(tmux, f"theme {name}")
        assert row(tmux.capture(), "MTDome").count("F! MTDome") == 1
        colours[name] = frozenset(COLOUR.findall(tmux.capture(colours=True)))
    assert len(set(colours.values())) == 4
    assert not colours["mono"]


def test_a_terminal_without_colour_gets_none(tmux: Tmux, cli: CommandLine, calm_world: Observatory) -> None:
    watch(tmux, cli, calm_world.site_file, env={"NO_COLOR": "1"})
    until(tmux, AT_TARGET, "F! MTDome")
    raw = tmux.capture(colours=True)
    assert not COLOUR.search(raw)
    assert "\x1b[" in raw, "bold and reverse carry what colour would"


def test_a_resize_changes_the_design_and_loses_nothing(tmux: Tmux, cli: CommandLine, calm_world: Observatory) -> None:
    watch(tmux, cli, calm_world.site_file, size=(200, 50))
    until(tmux, AT_TARGET)
    for size in ((80, 24), (120, 40), (30, 8), (200, 50), (80, 24)):
        tmux.resize(*size)
        wait_until(lambda size=size: tmux.size() == size, 5, "the terminal has its new size")  # type: ignore[misc]
        if size[0] >= 80:
            screen = until(tmux, "112/117 at startup", "REHEARSAL", "quit")
            assert max(len(line) for line in screen.splitlines()) <= size[0]
    assert tmux.exit_status() is None
    tmux.send_keys("q")
    assert tmux.wait_exit() == 0


def test_ctrl_c_leaves_with_130_also_while_typing(tmux: Tmux, cli: CommandLine, calm_world: Observatory) -> None:
    watch(tmux, cli, calm_world.site_file)
    tmux.send_keys("/")
    tmux.type_text("ess")
    until(tmux, "match")
    tmux.send_keys("C-c")
    assert tmux.wait_exit() == 130
    assert "Traceback" not in tmux.capture()
