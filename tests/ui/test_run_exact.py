"""The exact lines of a card: each once, unwrapped, scrolled sideways, copied one or all."""

from __future__ import annotations

import base64
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from deploydash.ui.copying import copy
from deploydash.ui.draw.run.clipboard import LARGEST, clipboard
from deploydash.ui.draw.run.exact import exact_lines_of
from deploydash.ui.run_keys import EXACT
from deploydash.ui.screens.exact import ExactScreen
from tests.support import run_snapshots
from tests.support.item_scenes import SCRIPT_SCENES
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import RunUi, running_run

XTERM = {"TERM": "xterm-256color"}
TMUX = {"TERM": "tmux-256color", "TMUX": "socket,1,0"}


def test_each_line_stands_there_once_and_whole() -> None:
    run = SCENES["cscs"]().run
    assert run is not None
    texts = exact_lines_of(run).texts
    assert len(texts) == len(set(texts))
    assert "lsst.sal.ESS.command_exitControl salIndex=104" in texts
    assert len(texts) > 111
    manual = run_snapshots.by_hand().run
    assert manual is not None
    lines = exact_lines_of(manual)
    assert len(lines.heads) == len({name for _, name in lines.heads}) > 1
    assert all("\n" not in text for text in lines.texts)


def test_the_way_back_stands_after_the_lines_of_what_failed_and_says_that_this_run_is_left_first() -> None:
    run = SCENES["cscs"]().run
    assert run is not None
    assert run.card is not None
    way = "deploydash run summit revert --cycle <the cycle before>"
    lines = exact_lines_of(replace(run, card=replace(run.card, way_back=way)))
    assert lines.texts[-1] == way
    assert lines.heads[-1] == (len(lines.texts) - 1, "the way back, once this run was left: it stays open")


async def opened(screen: RunUi) -> None:
    await screen.press("v")
    await screen.until(lambda: isinstance(screen.app.screen, ExactScreen))
    await screen.read()


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_long_line_is_one_line_that_is_scrolled_sideways(size: tuple[int, int]) -> None:
    async with running_run(run_snapshots.at_step("branches"), width=size[0], height=size[1]) as screen:
        await opened(screen)
        run = screen.app.snapshot and screen.app.snapshot.run
        assert run
        longest = max(exact_lines_of(run).texts, key=len)
        assert len(longest) > size[0]
        assert longest[: size[0] - 4] in screen.text()
        for _ in range(12):
            await screen.press("l")
        assert longest[-40:] in screen.text()
        assert screen.inbox.orders == []


async def test_the_line_under_the_cursor_those_marked_or_all_are_copied() -> None:
    async with running_run(SCRIPT_SCENES["scripts"]()) as screen:
        copied: list[str] = []

        async def copy(text: str) -> str:
            copied.append(text)
            return "a file"

        screen.app.copy = copy  # type: ignore[method-assign]
        await opened(screen)
        run = screen.app.snapshot and screen.app.snapshot.run
        assert run
        texts = exact_lines_of(run).texts
        await screen.press("j", "Y")
        await screen.sees("1 line copied to a file")
        await screen.press("space", "space", "Y")
        await screen.sees("2 lines copied to a file")
        await screen.press("asterisk", "Y")
        await screen.sees(f"all {len(texts)} lines copied to a file")
        assert copied == [texts[1], "\n".join(texts[1:3]), "\n".join(texts)]
        await screen.press("enter")
        await screen.until(lambda: screen.app.screen is screen.run)
        assert screen.inbox.orders == []


def decoded(sequence: str) -> str:
    return base64.b64decode(sequence.partition(";c;")[2].partition("\x07")[0]).decode()


def test_a_clipboard_is_reached_directly_or_through_tmux_where_it_lets_it_pass() -> None:
    plain = clipboard("sudo ä", XTERM, "")
    assert plain.startswith("\x1b]52;c;")
    assert decoded(plain) == "sudo ä"
    assert clipboard("a", TMUX, "on off\n") == clipboard("a", XTERM, "")
    wrapped = clipboard("a", TMUX, "external on\n")
    assert wrapped == "\x1bPtmux;\x1b" + clipboard("a", XTERM, "") + "\x1b\\"


@pytest.mark.parametrize(
    ("environ", "tmux", "text"),
    [
        ({}, "", "a"),
        ({"TERM": "dumb"}, "", "a"),
        ({"TERM": "screen"}, "", "a"),
        (TMUX, "external off", "a"),
        (TMUX, "off on", "a"),
        (TMUX, "", "a"),
        (XTERM, "", "a" * (LARGEST + 1)),
    ],
)
def test_where_no_clipboard_is_reached_nothing_is_written(environ: dict[str, str], tmux: str, text: str) -> None:
    assert clipboard(text, environ, tmux) == ""


async def test_a_copy_goes_to_a_file_that_its_owner_alone_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    told: list[str] = []
    file = tmp_path / "state" / "copied.txt"
    assert await copy("one\ntwo", file, told.append) == f"the terminal's clipboard (OSC 52) and {file}"
    assert [decoded(each) for each in told] == ["one\ntwo"]
    assert file.read_text(encoding="utf-8") == "one\ntwo\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("TERM", "dumb")
    assert await copy("three", file, told.append) == str(file)
    assert len(told) == 1
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    assert (await copy("four", file, told.append)).startswith("nowhere")
    assert not (tmp_path / "elsewhere").exists()


def test_every_key_of_the_view_has_a_method() -> None:
    for key in EXACT:
        assert hasattr(ExactScreen, f"act_{key.act}"), key
