"""``python -m tests.screenshots``: the pictures of screenshots/, from the app in a terminal on the demo observatory.

The world's seed is fixed; only the clock and the ages differ from one making to the next.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests import night_screenshots
from tests.e2e.observatory import Observatory, counts, serving
from tests.run_screenshots import pull_request, take_run
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.terminal_picture import save

FOLDER = ROOT / "screenshots"
SIZES = ((200, 50), (120, 40), (80, 24))
THEMES = ("love", "okabe-ito", "high-contrast", "mono")
LARGEST = 300_000
"""Bytes of one picture."""


class Studio:
    """A folder for homes and terminals; pictures are written as they are taken."""

    def __init__(self, folder: Path) -> None:
        self.cli = CommandLine(folder / "home")
        self.folder = folder
        self._terminals = 0

    @contextmanager
    def world(self, *words: str) -> Iterator[Observatory]:
        """Run a demo observatory of the Summit."""
        with serving(self.cli, "--site", "summit", "--seed", "1", *words) as observatory:
            yield observatory

    @contextmanager
    def screen(self, site: Path, size: tuple[int, int], *words: str, **env: str) -> Iterator[Tmux]:
        """Open the grid in a terminal of true colours."""
        self._terminals += 1
        environment = self.cli.environment({"COLORTERM": "truecolor", **env})
        with Tmux(self.folder / f"terminal{self._terminals}") as tmux:
            tmux.start(self.cli.words("watch", site, *words), columns=size[0], rows=size[1], env=environment)
            yield tmux

    def take(self, tmux: Tmux, name: str) -> None:
        """Write screenshots/NAME.png."""
        columns, rows = tmux.size()
        captured = tmux._tmux("capture-pane", "-e", "-p", "-N", "-t", "lead")
        path = FOLDER / f"{name}.png"
        save(captured, columns, rows, path)
        size = path.stat().st_size
        assert size < LARGEST, f"{path.name} has {size} bytes"
        sys.stdout.write(f"{path.relative_to(ROOT)}  {size // 1000} kB\n")


def shows(tmux: Tmux, condition: Callable[[str], object], what: str, seconds: float = 60) -> None:
    """Wait until the screen is as wanted."""
    wait_until(lambda: condition(tmux.capture()), seconds, what, step=0.1)


def decided(screen: str) -> bool:
    """Say whether a screen has finished listening."""
    return counts(screen)[0] > 0 and "listening" not in screen and "MTDome" in screen


def grids(studio: Studio) -> None:
    """Take the usual night at three sizes in every theme, and without colour."""
    with studio.world("--scenario", "mixed") as world:
        for size in SIZES:
            name = f"{size[0]}x{size[1]}"
            for theme in THEMES:
                with studio.screen(world.site_file, size, "--theme", theme) as tmux:
                    shows(tmux, decided, "the grid is decided")
                    studio.take(tmux, f"grid-{name}-{theme}")
        with studio.screen(world.site_file, (120, 40), NO_COLOR="1") as tmux:
            shows(tmux, decided, "the grid is decided")
            studio.take(tmux, "grid-120x40-no-color")


def views(studio: Studio) -> None:
    """Take the list of those not at target, the filter, what is known of one CSC, and the help."""
    with studio.world("--scenario", "mixed") as world, studio.screen(world.site_file, (120, 40)) as tmux:
        shows(tmux, decided, "the grid is decided")
        tmux.send_keys("x")
        shows(tmux, lambda text: "ATSpectrograph" not in text, "the list")
        studio.take(tmux, "off-target-120x40-love")
        tmux.send_keys("x", "/")
        tmux.type_text("mtdome")
        tmux.send_keys("Enter")
        shows(tmux, lambda text: "2 match" in text, "the filter")
        studio.take(tmux, "filter-120x40-love")
        tmux.send_keys("Enter")
        shows(tmux, lambda text: "Last minute" in text and "encoder lost" in text, "the detail")
        studio.take(tmux, "detail-120x40-love")
        tmux.send_keys("Escape")
        shows(tmux, lambda text: "ATSpectrograph" in text, "the grid again")
        tmux.send_keys("?")
        shows(tmux, lambda text: "Keys: Grid" in text, "the help")
        studio.take(tmux, "help-120x40-love")


def outage(studio: Studio) -> None:
    """Take the first second, a calm night, and a broker that is gone."""
    with studio.world("--scenario", "calm") as world, studio.screen(world.site_file, (120, 40)) as tmux:
        shows(tmux, lambda text: "listening" in text and "CBP" in text, "it listens")
        studio.take(tmux, "listening-120x40-love")
        shows(tmux, lambda text: "117/117" in text, "all at target")
        studio.take(tmux, "calm-120x40-love")
        world.kill()
        shows(tmux, lambda text: re.search(r"kafka down \d+ s", text) and "117 unknown" in text, "the feed is down")
        studio.take(tmux, "feed-down-120x40-love")


def shutdown(studio: Studio) -> None:
    """Take a planned shutdown in its middle and at its end."""
    with studio.world("--scenario", "shutdown", "--speed", "8") as world:
        for size in SIZES[:2]:
            with studio.screen(world.site_file, size, "--target", "shutdown") as tmux:
                wanted = 35 if size == SIZES[0] else 85

                def arrived(text: str, wanted: int = wanted) -> bool:
                    return counts(text)[0] >= wanted

                shows(tmux, arrived, f"{wanted} are OFFLINE", 120)
                studio.take(tmux, f"shutdown-{size[0]}x{size[1]}-love")


def runs(studio: Studio) -> None:
    """Take the run's own screens."""
    take_run(studio.cli, studio.folder / "runs", studio.take)


def pull_requests(studio: Studio) -> None:
    """Take the pull request of a cycle alone, of what ``runs`` takes."""
    pull_request(studio.cli, studio.folder / "github", studio.take)


def nights(studio: Studio, names: Iterable[str] = ()) -> None:
    """Take these scenes of a night, or all, each in a home of its own."""
    for name in names or night_screenshots.SCENES:
        folder = studio.folder / name
        night_screenshots.ALONE[name](CommandLine(folder / "home"), folder / "night", studio.take)


def main() -> int:
    """Make all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    made = {"grids": grids, "views": views, "outage": outage, "shutdown": shutdown, "runs": runs, "nights": nights}
    alone = {name: partial(nights, names=[name]) for name in night_screenshots.ALONE}
    known: dict[str, Callable[[Studio], None]] = {**made, **alone, "pull-request": pull_requests}
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        studio = Studio(Path(folder))
        for scenes in sys.argv[1:] or made:
            known[scenes](studio)
    return 0


if __name__ == "__main__":
    sys.exit(main())
