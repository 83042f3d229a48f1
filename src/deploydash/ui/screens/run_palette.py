"""The command palette of a run: its key table, to be searched by words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from deploydash.ui.screens.card_keys import Answers
from deploydash.ui.screens.run_base import Acting


class RunCommands(Provider):
    """What can be done on the screen below the palette."""

    def commands(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Return (name, what to call) of every command."""
        screen = self.screen
        if isinstance(screen, Acting):
            for number, key in enumerate(screen.TABLE):
                if key.palette and key.act != "move":
                    yield f"{key.help}  ({key.shown})", partial(screen.action_key, number)
        if isinstance(screen, Answers):
            yield "answer a question of this card anew", partial(screen.act_again, "")

    async def discover(self) -> Hits:
        """Offer everything."""
        for name, call in self.commands():
            yield DiscoveryHit(name, call)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for name, call in self.commands():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), call)
