"""Feeds and partitions that are lost and come back, and what that means for the CSCs behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from deploydash.core.fleet.cell import Component
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.records import FeedReported, FetchesBack, FetchesLost, TopicsFound
from deploydash.core.model import Effective, FeedName, FeedState, Liveness

_UP = (FeedState.UP, FeedState.DEGRADED)


def feed_reported(ledger: Ledger, record: FeedReported) -> None:
    """Show a feed's health; Kafka's loss freezes every CSC, and its return has each wait for a beat."""
    before = ledger.feed(record.feed, record.at)
    ledger.feeds[record.feed] = replace(
        before,
        state=record.state,
        detail=record.detail,
        since=before.since if record.state is before.state else record.at,
    )
    if record.state is before.state:
        return
    calm = record.state in (FeedState.UP, FeedState.CONNECTING, FeedState.OFF)
    change = f"{before.state} → {record.state}"
    ledger.events.add(record.at, record.feed.replace("_", " "), change, record.detail, calm=calm)
    ledger.feed_changed(record.feed)
    if record.feed is FeedName.EFD:
        ledger.mark(cell for cell in ledger.cells.values() if cell.told is None)
    if record.feed is FeedName.KAFKA:
        _kafka_reported(ledger, record, before.state)


def _kafka_reported(ledger: Ledger, record: FeedReported, before: FeedState) -> None:
    hearing = ledger.hearing
    if record.state is FeedState.CONNECTING:
        hearing.connected_at = record.at
        for component in ledger.components.values():
            component.known_since = None  # what was appended meanwhile is known when the log was read again
    if record.state in _UP:
        for component in ledger.components.values():
            if component.heard_since is not None and component.known_since is None:
                component.known_since = record.at
        first_time = not hearing.ever_up
        _reached(ledger)
        if first_time and hearing.lost_at is not None:
            ledger.listening_since = record.at
        if hearing.lost_at is not None:
            lost_at, hearing.lost_at = hearing.lost_at, None
            for component in ledger.components.values():
                if component.lost_at is None:
                    _unfreeze(ledger, component, lost_at, record.at, listen_anew=first_time)
                else:
                    ledger.mark(component.cells)
    elif hearing.lost_at is None and (record.state is FeedState.DOWN or before in _UP):
        for component in ledger.components.values():
            if component.lost_at is None:
                _freeze_all(ledger, component, record.at)
            ledger.mark(component.cells)
        hearing.lost_at = record.at


def _reached(ledger: Ledger) -> None:
    if not ledger.hearing.ever_up:
        ledger.hearing.ever_up = True
        ledger.mark(cell for cell in ledger.cells.values() if cell.liveness is Liveness.FEED_DOWN)


def fetches_lost(ledger: Ledger, record: FetchesLost) -> None:
    """Freeze the CSCs of these components as they were while their fetches were answered."""
    for name in record.components:
        component = ledger.component(name)
        if component.lost_at is None:
            component.lost_why = record.why
            _freeze_all(ledger, component, record.answered_until)
            component.lost_at = record.answered_until
    _tell_of_partitions(ledger, record.components, "not answered", record.why, record.at)


def fetches_back(ledger: Ledger, record: FetchesBack) -> None:
    """Have the CSCs of these components wait for a beat, or listen for the first time."""
    returned = set()
    _reached(ledger)
    for name in record.components:
        component = ledger.component(name)
        first_time = component.heard_since is None
        if not first_time and component.lost_at is None:
            continue
        lost_at, component.lost_at, component.lost_why = component.lost_at, None, ""
        if first_time:
            component.heard_since = record.at
        else:
            returned.add(name)
        if ledger.hearing.lost_at is None:
            _unfreeze(ledger, component, lost_at, record.at, listen_anew=first_time)
        ledger.mark(component.cells)
    _tell_of_partitions(ledger, returned, "answered again", "", record.at)


def _tell_of_partitions(ledger: Ledger, components: Iterable[str], change: str, why: str, at: float) -> None:
    names = sorted(components)
    if names:
        detail = f"heartbeats of {', '.join(names)}" + (f": {why}" if why else "")
        ledger.events.add(at, FeedName.KAFKA, change, detail, calm=not why)


def _freeze_all(ledger: Ledger, component: Component, until: float) -> None:
    for cell in component.cells:
        ledger.freeze(cell, until)


def _unfreeze(ledger: Ledger, component: Component, lost_at: float | None, at: float, *, listen_anew: bool) -> None:
    if lost_at is not None:
        component.gaps.append((lost_at, at))
    for cell in component.cells:
        if lost_at is not None:
            cell.lives.pause(at - lost_at)
        if cell.liveness is Liveness.FEED_DOWN and not listen_anew:
            cell.back_at = at
            cell.stood_for = None
        elif cell.liveness in (Liveness.FEED_DOWN, Liveness.UNSEEN):
            cell.back_at = None
            cell.listening = True
            cell.listening_since = at
            cell.before, cell.before_inferred = Effective.UNKNOWN, False
            ledger.set_liveness(cell, Liveness.UNSEEN)
        cell.deadline = 0.0
        ledger.mark((cell,))


def topics_found(ledger: Ledger, record: TopicsFound) -> None:
    """Note which heartbeats can be heard at all; from the first list on, the others are waited for in vain."""
    first_time = ledger.hearing.topics is None
    ledger.hearing.topics = record.components
    if first_time:
        ledger.listening_since = record.at
    for component in ledger.components.values():
        for cell in component.cells:
            if first_time and component.heard_since is None and cell.liveness is Liveness.UNSEEN:
                cell.listening_since = record.at
            cell.deadline = 0.0
        ledger.mark(component.cells)
