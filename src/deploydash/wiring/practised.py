"""What a site's practices ask for, and what a run knows of it. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from deploydash.config.load import Site
from deploydash.config.practices import PracticesFile
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.placeholders import placeholders_of
from deploydash.core.run.records import Reply
from deploydash.core.run.state import ItemStatus, RunState
from deploydash.systems.practices.facts import ANYWHERE, Known, Wanted
from deploydash.systems.practices.settings import COORDINATOR, PRACTICES, PracticesSettings
from deploydash.systems.practices.windows import Opening, announced
from deploydash.systems.slack.steps import SLACK, channel_of

EARLY = timedelta(hours=1)
"""So long before the announced start the cycle's own window opens: the deployment begins after the shutdown."""


def asked_by(state: RunState) -> frozenset[str]:
    """Return the facts that a run's gates ask for: of what nobody asks for nothing is told, nor written."""
    every = (condition for step in state.runbook.steps() for condition in step.preconditions)
    return frozenset(condition.fact for condition in every if isinstance(condition, FactHolds))


def wanted(settings: PracticesSettings, practices: PracticesFile) -> dict[str, Wanted | None]:
    """Return what the practice of each application asks for at a site; None where it has no such environment."""
    found: dict[str, Wanted | None] = {}
    for application, name in settings.applications.items():
        service = practices.of(name)
        practice = service.at(settings.environment) if service is not None else None
        found[application] = None
        if practice is not None:
            rule = practices.windows[practice.window].rule if practice.window else None
            channels = tuple(settings.channels.get(each, each) for each in practice.channels)
            found[application] = Wanted(practice.said, practice.blessing, channels, practice.notice, rule)
    return found


def known_of(state: RunState, settings: PracticesSettings, zone: str) -> Known:
    """Return what a run knows of its blessing, its notices and its own window."""
    signed = [
        sign_off.by
        for name in settings.blessing
        for sign_off in state.progress(StepId(name)).sign_offs.values()
        if sign_off.reply is Reply.YES
    ]
    posted: dict[str, datetime] = {}
    for step in state.runbook.steps():
        for channel, utc in _posted(step, state) if step.id in settings.notice else ():
            at = datetime.fromtimestamp(utc, UTC)
            posted[channel] = min(at, posted.get(channel, at))
    own = _announced(placeholders_of(state), zone) if posted and signed else None
    return Known(", ".join(dict.fromkeys(signed)), posted, own)


def _posted(step: Step, state: RunState) -> Iterator[tuple[str, float]]:
    """Yield where and when (UTC unix seconds) the messages of a step stood: as Slack has it, else as it was signed off.

    One that was left to Slack, or cancelled, was seen nowhere.
    """
    progress = state.progress(step.id)
    for item in step.items:
        one = progress.item(item.id)
        told = dict(one.values)
        if one.status is ItemStatus.REACHED and "ts" in told:
            yield told.get("channel", ANYWHERE), float(told["ts"])
        elif progress.signed_off(item.id):
            yield channel_of(item) if item.system == SLACK else ANYWHERE, progress.ended_utc or one.utc
    if not step.items and progress.ended_utc is not None and progress.skipped is None:
        yield ANYWHERE, progress.ended_utc


def coordinator_of(state: RunState) -> str:
    """Return who announces start and end and is asked meanwhile, as the lead named them; empty where nobody did."""
    return placeholders_of(state).get(COORDINATOR, "").strip()


def _announced(words: Mapping[str, str], zone: str) -> Opening | None:
    """Return the window of the date that was announced, None where it cannot be read."""
    try:
        day = date.fromisoformat(words.get("date", ""))
        found = re.match(r"(\d{1,2}):(\d{2})", words.get("start", ""))
        start = time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None
    return announced(day, start, zone, EARLY) if start is not None else None


def unknown_services(site: Site, practices: PracticesFile) -> Iterator[str]:
    """Yield what is wrong with a site's practices: services that the file does not have."""
    settings = site.sections.get(PRACTICES)
    if isinstance(settings, PracticesSettings):
        known = {each.service for each in practices.services}
        for application, service in settings.applications.items():
            if service not in known:
                yield f"{application} is of {service}, which {', '.join(sorted(known))} do not have"
