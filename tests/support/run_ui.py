"""The run's screen under test: run on snapshots before a desk that remembers, pressed, and read back as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from deploydash.core.owners import NO_SPEAKERS, Owners, Speakers
from deploydash.core.published import Published
from deploydash.ui.draw.run.reading import NOBODYS
from deploydash.ui.inbox import History
from deploydash.ui.run_app import DeploydashRunApp
from deploydash.ui.screens.run import RunScreen
from deploydash.ui.screens.run_base import Acting
from tests.support.fake_desk import FakeDesk
from tests.support.snapshots import FakeSource, ManualClock
from tests.support.ui import Screen


class RunUi(Screen):
    """One running app with its source, its desk and its clock."""

    app: DeploydashRunApp
    inbox: FakeDesk
    clock: ManualClock
    bells: list[float]

    @property
    def run(self) -> RunScreen:
        """The run's own screen, wherever it is in the stack."""
        found = next(screen for screen in self.app.screen_stack if isinstance(screen, RunScreen))
        assert isinstance(found, RunScreen)
        return found

    @property
    def front(self) -> Acting:
        """The screen of the run that is in front."""
        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, Acting))

    async def read(self) -> None:
        """Let the operator read the card: keys count from now on."""
        self.clock.advance(1.0)

    async def publish(self, snapshot: Published) -> None:
        """Show another snapshot, and wait until it stands there."""
        self.source.publish(snapshot)
        await self.until(lambda: self.app.snapshot is snapshot)
        await self.pilot.pause()


@asynccontextmanager
async def running_run(
    snapshot: Published,
    *,
    width: int = 120,
    height: int = 40,
    observe: bool = False,
    ask_hold: Callable[[], None] | None = None,
    read: bool = True,
    refusal: str = "",
    history: History | None = None,
    theme: str | None = None,
    owners: Owners = NOBODYS,
    speakers: Speakers = NO_SPEAKERS,
    me: str = "",
) -> AsyncIterator[RunUi]:
    """Run the app on a snapshot in a terminal of this size, drawn, at rest, and read by the operator."""
    clock = ManualClock()
    source = FakeSource(snapshot, clock)
    inbox = FakeDesk(refusal=refusal)
    app = DeploydashRunApp(
        source,
        None if observe else inbox,
        ask_hold=ask_hold,
        history=history,
        theme=theme,
        owners=owners,
        speakers=speakers,
        me=me,
    )
    bells: list[float] = []
    app.bell = lambda: bells.append(clock.unix)  # type: ignore[method-assign]
    async with app.run_test(size=(width, height)) as pilot:
        screen = RunUi(app, source, pilot)
        screen.inbox, screen.clock, screen.bells = inbox, clock, bells
        await pilot.pause()
        await screen.sees(snapshot.roster.site.upper())
        await screen.sees("╭─")
        await pilot.pause(0.05)
        if read:
            await screen.read()
        yield screen
