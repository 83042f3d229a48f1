"""The command palette: the key table again, to be searched by words, and every target to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from deploydash.core.fleet.commands import CompareWith
from deploydash.core.model import Phase, SummaryState, Target, TargetKind
from deploydash.ui.keys import KEYS, Scope
from deploydash.ui.screens.base import View

if TYPE_CHECKING:
    from deploydash.ui.host import Host


class Commands(Provider):
    """What the operator can order here."""

    def commands(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Return (name, what to call) of every command."""
        screen = self.screen
        if isinstance(screen, View):
            for number, key in enumerate(KEYS):
                if key.palette and key.scope is Scope.GRID and hasattr(screen, f"act_{key.act}"):
                    yield f"{key.help}  ({key.shown})", partial(screen.action_act, number)
        app = cast("Host", self.app)
        wanted: list[TargetKind | Target] = [*TargetKind, *(Target(state) for state in SummaryState)]
        for target in wanted:
            name = target.value if isinstance(target, TargetKind) else str(target)
            yield f"compare with target {name}", partial(app.order, CompareWith(Phase(target)))

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
