"""What is told of applications and of the CSCs that they deploy. Pure.

A healthy application of CSCs is ``Progressing`` for ever, because its Jobs run, and ``Healthy`` may mean that none of
them does: neither is ever shown as trouble, and neither proves anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploydash.core.fleet.facts import Fact
from deploydash.core.words import clock
from deploydash.systems.argocd.login import ARGOCD, Login
from deploydash.systems.argocd.objects import Application, Operation, Resource

LOGIN = "argocd-login"
"""The fact that the login lasts long enough to begin a sync."""

LEAST_MIN = 10
"""With fewer minutes left of the token nothing is begun: a sync would have to be left in its middle."""

_BAD_HEALTH = frozenset({"Degraded", "Missing"})


def application_fact(name: str) -> str:
    """Return what the fact about an application is called."""
    return f"{ARGOCD}/{name}"


def login_fact(login: Login, now_utc: float) -> Fact:
    """Return whether the login lasts; the sentence has the moment, so that it stays while time goes by."""
    minutes = login.minutes(now_utc)
    good = minutes is None or minutes >= LEAST_MIN
    sentence = login_words(login) if good else f"{login_words(login)}, too soon to begin a sync: {login.again}"
    return Fact(ARGOCD, LOGIN, "", good, "good" if good else "ends", sentence, now_utc)


def login_words(login: Login) -> str:
    """Return whose token it is and until when, in words."""
    whose = f"token of {login.user}" if login.user else "token"
    return f"{whose} without an end" if login.until_utc is None else f"{whose} until {clock(login.until_utc)}"


def facts_of(app: Application, cscs: Mapping[str, str], now_utc: float) -> Iterator[Fact]:
    """Yield the fact about an application, and one for each CSC of it; ``cscs``: which CSC each of its Jobs runs."""
    why = departs(app)
    sentence = f"{app.name} is {app.sync or 'not compared'} at {app.revision[:8] or 'no revision'}"
    if (other := app.under_way) is not None:
        sentence += f", a sync {other.by} {_since(other)}"
    told = f"{sentence}: {why}" if why and why != app.sync else sentence
    yield Fact(ARGOCD, application_fact(app.name), "", not why, app.sync or "unknown", told, now_utc)
    for resource in app.resources:
        csc = cscs.get(resource.key.name) if resource.key.is_job else None
        if csc is not None:
            yield _of_csc(app, resource, csc, now_utc)


def gone(app: Application, now_utc: float) -> Fact:
    """Return the fact that an application is not there any more."""
    name = application_fact(app.name)
    return Fact(ARGOCD, name, "", False, "gone", f"Argo CD does not have {app.name} any more", now_utc)


def departs(app: Application) -> str:
    """Return why an application is not as it should be; empty where it is."""
    if app.trouble:
        return app.trouble
    if app.sync != "Synced":
        return app.sync or "not compared"
    if app.last is not None and app.last.phase in {"Failed", "Error"}:
        return f"its last sync {app.last.phase}"
    return app.health if app.health in _BAD_HEALTH else ""


def _of_csc(app: Application, resource: Resource, csc: str, now_utc: float) -> Fact:
    """Return the fact about a CSC's Job; where nothing could be compared that is the application's trouble alone."""
    bad = [resource.sync] if resource.sync == "OutOfSync" else []
    bad += [resource.health] if resource.health in _BAD_HEALTH else []
    bad += ["being deleted"] if resource.message == "Pending deletion" else []
    state = ", ".join(bad) or resource.sync or "not compared"
    name = f"{application_fact(app.name)}/{resource.key.name}"
    return Fact(ARGOCD, name, csc, not bad, state, f"{resource.key} of {app.name} is {state}", now_utc)


def _since(operation: Operation) -> str:
    return f"since {clock(operation.started)}" if operation.started is not None else "requested and not begun yet"
