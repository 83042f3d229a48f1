"""Records that arrive and cannot be read: who may be behind them, and which last states they hide.

One topic carries every index of a component, so a record that cannot be read may be any one's of it. A heartbeat is
noted here and weighed by :mod:`listening`; a state hides each older one that it may have replaced.
"""

from __future__ import annotations

from deploydash.core.fleet.cell import LONG_AGO, STATE, Cell, Component, Unread
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.observations import BeatsRead, BeatsUnreadable, EfdUnreadable, StatesUnreadable, Unreadable
from deploydash.core.fleet.records import NOTHING, FetchesBack, Record, StateUnread
from deploydash.core.model import NEVER_EXPECTED, CscId


def beats_unreadable(ledger: Ledger, found: BeatsUnreadable) -> tuple[Record, ...]:
    """Note that somebody beats; what it means is decided on the next tick."""
    component = ledger.component(found.component)
    if found.component in NEVER_EXPECTED:
        return NOTHING
    if not found.live:
        appended = LONG_AGO if found.appended_utc is None else found.appended_utc
        component.log_unread_utc = max(component.log_unread_utc, appended)
        component.unread.why = component.unread.why or found.why
        _look_again(component)
        return NOTHING
    heard_at = ledger.hearing.heard_at(found.at, found.appended_utc, component)
    cell = None if found.index is None else ledger.cells.get(CscId(found.component, found.index))
    if cell is not None:
        cell.unread.take(heard_at, found.why)
    else:  # an index that nobody here has may be misread: then it may be any
        (component.waiting if found.waits else component.unread).take(heard_at, found.why)
    _look_again(component)
    if component.heard_since is None:
        return (FetchesBack(frozenset({component.name}), found.at),)
    return NOTHING


def beats_read(ledger: Ledger, found: BeatsRead) -> tuple[Record, ...]:
    """Forget what waited: whose it was has been told, and it was nobody else's."""
    component = ledger.component(found.component)
    component.waiting = Unread()
    _look_again(component)
    return NOTHING


def states_unreadable(ledger: Ledger, found: StatesUnreadable) -> tuple[Record, ...]:
    """Record whose last state is hidden now, and whose is not any more."""
    component = ledger.component(found.component)
    if found.component in NEVER_EXPECTED:
        return NOTHING
    component.unread_states[found.event] = found.newest
    changes = (state_change(cell, found.event, found.at) for cell in component.cells)
    return tuple(change for change in changes if change is not None)


def efd_unreadable(ledger: Ledger, found: EfdUnreadable) -> tuple[Record, ...]:
    """Record that a CSC's last state is not known, unless Kafka has one."""
    if found.csc.name in NEVER_EXPECTED:
        return NOTHING
    cell = ledger.cell(found.csc)
    cell.efd_unread[found.event] = found.why
    change = state_change(cell, found.event, found.at)
    return NOTHING if change is None else (change,)


def state_told_at(cell: Cell, event: str, order: int, at: float) -> tuple[StateUnread, ...]:
    """Note the place of a state that counts, and record where it ends that an older one was hidden."""
    cell.orders[event] = max(order, cell.orders.get(event, -1))
    cell.efd_unread.pop(event, None)
    change = state_change(cell, event, at)
    return () if change is None else (change,)


def state_change(cell: Cell, event: str, at: float) -> StateUnread | None:
    """Return whether a CSC's last state is hidden, if that is news."""
    hides = _hiding(cell, event)
    held = cell.unread_states.get(event)
    if hides is None:
        return None if held is None else StateUnread(cell.csc, event, "", False, at)
    if held is not None and not (held.waits and held.why != hides.why):
        return None
    return StateUnread(cell.csc, event, hides.why, hides.waits, at)


def _hiding(cell: Cell, event: str) -> Unreadable | None:
    """Return the newest record that may be this CSC's, is newer than its last state and cannot be read."""
    last, found = cell.orders.get(event, -1), None
    for one in cell.component.unread_states.get(event, ()):
        # An index that nobody here has may be misread: then it may be any.
        may_be_its = one.index == cell.csc.index or one.index not in cell.component.indices
        if may_be_its and one.order > last and (found is None or one.order > found.order):
            found = one
    if found is None and (why := cell.efd_unread.get(event)):
        held = cell.told if event == STATE else cell.substate
        return Unreadable(cell.csc.index, 0, f"the EFD's: {why}") if held is None else None
    return found


def _look_again(component: Component) -> None:
    for cell in component.cells:
        cell.deadline = 0.0
