"""The view of one CSC as of now."""

from __future__ import annotations

from deploydash.core.fleet.cell import STATE, Cell
from deploydash.core.fleet.effective import effective_state
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.snapshot import CscView, ErrorView, LogLine
from deploydash.core.model import Liveness, Source


def view_of(ledger: Ledger, cell: Cell, now: float) -> CscView:
    """Judge a CSC and return its view: the same object as before if nothing but the last beat differs."""
    old, spec, target = cell.view, cell.spec, ledger.target(cell)
    judgement = effective_state(ledger.seen(cell), target, now)
    if old is not None and cell.decided and judgement.effective is not old.effective:
        cell.changed_at = now
    reported, error, logged = cell.reported, cell.error, cell.logged
    beat_at = cell.last_beat if cell.liveness in (Liveness.BEATING, Liveness.FEED_DOWN) else cell.beat_at
    hidden, versions = cell.unread_states.get(STATE), cell.versions
    new = CscView(
        csc=cell.csc,
        group=cell.group,
        expected=spec is not None,
        camera=spec is not None and spec.camera,
        protected=spec is not None and spec.protected,
        reported=reported,
        reported_utc=cell.told.sent_utc if cell.told is not None and reported is not None else None,
        source=cell.told.source if cell.told is not None and reported is not None else Source.NONE,
        substate=cell.known_substate,
        liveness=cell.liveness,
        beat_at=old.beat_at if old is not None and cell.liveness is old.liveness is Liveness.BEATING else beat_at,
        beat_at_least=cell.at_least,
        effective=judgement.effective,
        inferred=judgement.inferred,
        target=target,
        verdict=judgement.verdict,
        reason=judgement.reason,
        error=ErrorView(error.code, error.report, error.sent_utc) if error is not None and error.code else None,
        restarts=cell.restarts,
        duplicate=cell.duplicate,
        changed_at=cell.changed_at,
        overrides=cell.offered.overrides if cell.offered is not None else (),
        likely=ledger.likely(cell.csc),
        image=ledger.image(cell.csc),
        xml_version=versions.xml_version if versions is not None else "",
        csc_version=versions.csc_version if versions is not None else "",
        commanded=ledger.commanded.get(cell.csc),
        state_unread="" if hidden is None else hidden.why,
        logged=LogLine(logged.sent_utc, logged.level, logged.message) if logged is not None else None,
    )
    return old if old is not None and old == new else new
