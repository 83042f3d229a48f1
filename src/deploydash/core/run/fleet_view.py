"""What a run looks at: the CSCs and feeds of one snapshot, and a precondition as it stands by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.snapshot import CscView, OtherHand, Snapshot
from deploydash.core.model import CscId, FeedState


@dataclass(frozen=True, slots=True)
class FleetView:
    """What is seen of the world at the moment of asking: a snapshot's CSCs, feeds and facts (by their names)."""

    views: Mapping[CscId, CscView]
    feeds: Mapping[str, FeedState]
    at: float
    utc: float
    number: int
    cscs: tuple[CscView, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    others: tuple[OtherHand, ...] = ()

    @classmethod
    def of(cls, snapshot: Snapshot, before: FleetView | None = None) -> FleetView:
        """Return what a snapshot shows; ``before`` lends its views where none of them changed since."""
        if before is not None and before.cscs is snapshot.cscs:
            views = before.views
        else:
            views = {view.csc: view for view in snapshot.cscs}
        feeds = {feed.feed: feed.state for feed in snapshot.feeds}
        facts = {fact.name: fact for fact in snapshot.facts}
        return cls(views, feeds, snapshot.at, snapshot.utc, snapshot.number, snapshot.cscs, facts, snapshot.others)


@dataclass(frozen=True, slots=True)
class GateReason:
    """One precondition as it stands now. ``own`` says that it concerns this step's own targets, or what reaches them.

    ``rule`` marks an order rule that is built in: a red one may only be met or have its CSC waived by name,
    never overridden. ``asks``: the lead's answer meets it. ``waits_for`` says in a phrase what would open it.
    ``about``: the CSCs that are to be down. ``by_reason``: a sign-off with a reason stands all the same.
    ``read_utc``: when the fact that decides it was read, UTC seconds; None where no fact does.
    """

    sentence: str
    met: bool
    own: bool = False
    rule: bool = False
    asks: bool = False
    by_reason: bool = False
    waits_for: str = ""
    about: tuple[CscId, ...] = ()
    read_utc: float | None = None
