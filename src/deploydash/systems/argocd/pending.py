"""Whether what a step would sync was compared with the commit that was merged: its gate stays shut until then. Pure.

An application that is Synced at the commit before would be synced to nothing, and one that was compared with another
commit to something that nobody approved. Which revision it was compared with is the only proof: ``OutOfSync`` may be
of before, and ``Synced`` at the merged commit says that it has nothing to sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deploydash.core.fleet.facts import Fact
from deploydash.core.words import counted, first_of
from deploydash.systems.argocd.login import ARGOCD
from deploydash.systems.argocd.objects import Application
from deploydash.systems.argocd.steps import SyncSpec

_LEAST = 7
"""So many characters of a commit that somebody typed are enough to tell it from others."""


def pending_fact(step: str) -> str:
    """Return what the fact is called that the applications of a step stand at the merged commit."""
    return f"{ARGOCD}-pending/{step}"


def fact_of(step: str, specs: Sequence[SyncSpec], apps: Mapping[str, Application], read_utc: float) -> Fact:
    """Return how the applications that a step syncs stand beside the merged commit; ``apps``: as they were read."""
    good, value, sentence = pending(specs, apps)
    return Fact(ARGOCD, pending_fact(step), "", good, value, sentence, read_utc)


def known(specs: Iterable[SyncSpec]) -> bool:
    """Say whether it is known which commit was merged, so that it is worth asking Argo CD."""
    return all(spec.revision and not spec.revision.startswith("<") for spec in specs)


def pending(specs: Sequence[SyncSpec], apps: Mapping[str, Application]) -> tuple[bool, str, str]:
    """Return whether all stand at the commit that was merged, in a word and in a sentence."""
    if not known(specs):
        return False, "unknown", "which commit was merged is not known: it is told by the step that merges, or set"
    others = [why for spec in specs if (why := _departs(spec, apps.get(spec.app)))]
    if others:
        return False, "other", first_of(others, 3)
    differ = [spec.app for spec in specs if apps[spec.app].sync == "OutOfSync"]
    at = specs[0].revision[:8] if specs else ""
    if len(specs) == 1:
        state = "OutOfSync" if differ else "Synced, so that nothing is left to sync,"
        return True, "merged", f"{specs[0].app} is {state} at the merged {at}"
    same = f", {len(specs) - len(differ)} with nothing to sync" if len(differ) < len(specs) else ""
    every = counted(len(specs), "application")
    return True, "merged", f"{every} stand at the merged {at}: {len(differ)} OutOfSync{same}"


def at_merged(app: Application, revision: str) -> bool:
    """Say whether an application was compared with a commit, whose name may have been typed in short."""
    return len(revision) >= _LEAST and app.revision.startswith(revision)


def _departs(spec: SyncSpec, app: Application | None) -> str:
    if app is None:
        return f"Argo CD does not show {spec.app}"
    if app.trouble:
        return f"{app.name}: {app.trouble}"
    if at_merged(app, spec.revision):
        return ""
    at = app.revision[:8] or "no revision"
    return f"{app.name} is {app.sync or 'not compared'} at {at}, and not at the merged {spec.revision[:8]}"
