"""No size of the terminal ends the screen, 1x1 included, whatever is open on it and whatever is typed there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from deploydash.core.published import Published
from tests.support import item_scenes
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run
from tests.support.show_ui import scene
from tests.support.ui import Screen, running
from tests.ui.test_run_timeline import FakeHistory

SIZES = (
    (30, 12), (24, 7), (17, 5), (14, 40), (11, 3), (8, 6), (6, 2), (5, 3), (4, 9), (3, 1), (2, 2), (1, 12), (1, 1),
    (200, 1), (9, 30),
)  # fmt: skip

OPEN: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "help": ("question_mark",),
    "palette": ("colon",),
    "filter": ("slash", "E", "S", "S"),
    "filter kept": ("slash", "E", "S", "S", "enter"),
    "nothing found": ("slash", "x", "x", "enter"),
    "off target only": ("x",),
    "detail": ("tab", "tab", "enter"),
}
"""Keys that open something everywhere."""

RUN_OPEN: dict[str, tuple[str, ...]] = {
    "note": ("m",),
    "why": ("i",),
    "exact lines": ("v",),
    "page of the step": ("V",),
    "skip": ("s",),
    "waive": ("w",),
    "decide": ("d",),
    "command": ("C",),
    "messages": ("y",),
    "timeline": ("t",),
    "timeline zoomed": ("t", "plus", "plus", "left"),
    "leave": ("q",),
}
"""Keys that open something on the screen of a run."""

TYPED = ("j", "k", "pagedown", "G", "g", "right", "left", "tab")

SCRIPTS: dict[str, Callable[[], Published]] = {
    "scripts": item_scenes.scripts,
    "scripts armed": item_scenes.armed,
    "scripts failed": item_scenes.failed,
    "scripts routed": item_scenes.routed,
    "scripts asking": item_scenes.asking,
    "scripts many": item_scenes.many,
}


async def through_all_sizes(screen: Screen, keys: tuple[str, ...]) -> None:
    await screen.press(*keys)
    for width, height in SIZES:
        await screen.pilot.resize_terminal(width, height)
        assert screen.app.failure is None, f"{width}x{height}"
    await screen.pilot.resize_terminal(3, 2)
    await screen.press(*TYPED)
    assert screen.app.failure is None, "keys at 3x2"
    await screen.pilot.resize_terminal(120, 40)
    assert screen.app.failure is None
    await screen.until(lambda: any(line.strip() for line in screen.lines()))


@pytest.mark.parametrize(
    ("name", "opened"), [("calm", "nothing"), ("listening", "nothing"), *product(["feed-down", "busy"], OPEN)]
)
async def test_no_size_ends_the_grid(name: str, opened: str) -> None:
    async with running(scene(name)) as screen:
        await through_all_sizes(screen, OPEN[opened])


async def test_no_size_ends_the_grid_before_anything_is_known() -> None:
    async with running(None) as screen:
        for width, height in SIZES:
            await screen.pilot.resize_terminal(width, height)
            assert screen.app.failure is None, f"{width}x{height}"


@pytest.mark.parametrize("name", [*SCENES, *SCRIPTS])
async def test_no_size_ends_the_card_of_a_run(name: str) -> None:
    async with running_run({**SCENES, **SCRIPTS}[name](), history=FakeHistory()) as screen:
        await through_all_sizes(screen, ())


@pytest.mark.parametrize("opened", [*OPEN, *RUN_OPEN])
@pytest.mark.parametrize("name", ["asking", "wait"])
async def test_no_size_ends_what_is_open_over_a_run(name: str, opened: str) -> None:
    async with running_run(SCENES[name](), history=FakeHistory()) as screen:
        await through_all_sizes(screen, {**OPEN, **RUN_OPEN}[opened])
